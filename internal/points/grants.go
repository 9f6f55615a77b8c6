package points

import (
	"context"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
)

// Grants reports before and after each write of what OAuth2 keeps.
func Grants(s connections.Store, reached func(Point)) connections.Store {
	return grants{Store: s, at: reached}
}

type grants struct {
	connections.Store // reads
	at                observer
}

// SaveRequest implements connections.Store.
func (g grants) SaveRequest(ctx context.Context, r connections.Request) error {
	defer g.at.around(commitRequest)()
	return g.Store.SaveRequest(ctx, r)
}

// TakeRequest implements connections.Store.
func (g grants) TakeRequest(ctx context.Context, id string) error {
	defer g.at.around(commitRequestTake)()
	return g.Store.TakeRequest(ctx, id)
}

// Issue implements connections.Store.
func (g grants) Issue(ctx context.Context, p connections.Pair, judge connections.Judge) error {
	defer g.at.around(commitIssue)()
	return g.Store.Issue(ctx, p, judge)
}

// Exchange implements connections.Store.
func (g grants) Exchange(ctx context.Context, p connections.Pair) error {
	defer g.at.around(commitExchange)()
	return g.Store.Exchange(ctx, p)
}

// EndPair implements connections.Store.
func (g grants) EndPair(ctx context.Context, id string, end func(connection *consent.Consent) error) error {
	defer g.at.around(commitEndPair)()
	return g.Store.EndPair(ctx, id, end)
}

// ForgetOAuth implements connections.Store.
func (g grants) ForgetOAuth(ctx context.Context, now time.Time, limit int) (int, error) {
	defer g.at.around(commitForgetOAuth)()
	return g.Store.ForgetOAuth(ctx, now, limit)
}
