package aspsp

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
)

// call is one request of a caller that may make it.
type call struct {
	echo   echo.Context
	req    *http.Request
	ep     *endpoint
	caller bankauth.Caller
	id     string     // of the TPP in the path
	query  url.Values // only parameters that the endpoint takes, each once
	body   []byte
	faults consent.Faults // of the headers and the query
}

func (k *call) ctx() context.Context { return k.req.Context() }

// cause says in the audit who called.
func (k *call) cause() consent.Cause {
	return consent.Cause{
		By: consent.ByASPSP, Who: k.caller.ID, Certificate: k.caller.Certificate, RequestID: edge.RequestID(k.echo),
	}
}

// wrong is what is wrong with the request, more included; nil for nothing.
func (k *call) wrong(more consent.Faults) error {
	all := slices.Concat(k.faults, more)
	for _, f := range all {
		explain.Note(k.ctx(), "fault: %s %s", f.Path, f.Text)
	}
	return all.Err()
}

// receive reads the request. What is wrong with headers and query is kept, to be
// reported together with the body's faults.
func (k *call) receive() error {
	k.faults = checkID(k.req.Header[edge.KeyRequestID])
	k.readQuery()
	if !k.ep.body {
		return nil
	}
	if !edge.IsJSON(k.req.Header["Content-Type"]) {
		return consent.At(consent.CodeMediaType, "Header.Content-Type", "must be application/json")
	}
	var err error
	if k.body, err = edge.ReadBody(k.req); err == nil && len(k.body) > edge.MaxBody {
		return edge.ErrTooLarge()
	}
	return err
}

// readQuery takes the parameters that the endpoint knows.
func (k *call) readQuery() {
	values, err := url.ParseQuery(k.req.URL.RawQuery)
	if err != nil {
		k.faults = append(k.faults, fault("Query", "must be a query string"))
		return
	}
	k.query = url.Values{}
	for _, name := range sortedKeys(values) {
		switch {
		case !slices.Contains(k.ep.query, name):
			k.faults = append(k.faults, fault(queryPath(plain(name)), "is not known here"))
		case len(values[name]) > 1:
			k.faults = append(k.faults, fault(queryPath(name), "must be there once"))
		default:
			k.query[name] = values[name]
		}
	}
}

func queryPath(name string) string { return "Query." + name }
