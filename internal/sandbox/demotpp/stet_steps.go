package demotpp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// stetAct is something that the visitor does with a connection: it calls the bank,
// and says by which exchanges and how the connection goes on from there.
type stetAct func(ctx context.Context, l *stetLine, c connection) (exchanges []int, goOn func(*connection))

// stetSteps are by the last part of the address that their forms are sent to.
var stetSteps = map[string]func(url.Values) stetAct{
	"accounts":   func(url.Values) stetAct { return list },
	"share":      func(form url.Values) stetAct { return forwarding("Forward the customer's consent", form) },
	"stop":       func(url.Values) stetAct { return forwarding("Share nothing any more", nil) },
	"read":       reading1,
	"refresh":    func(url.Values) stetAct { return refresh },
	"introspect": func(url.Values) stetAct { return introspect },
	"disconnect": func(url.Values) stetAct { return disconnect },
}
