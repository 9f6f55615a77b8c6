package aspsp

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
	id     string     // in the path, decoded
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
		explain.Note(k.ctx(), "wrong: %s: %s", f.Path, strings.TrimPrefix(f.Text, f.Path+" "))
	}
	return all.Err()
}

// receive reads the request. What is wrong with headers and query is kept, to be
// reported together with the body's faults.
func (k *call) receive() error {
	k.faults = checkID(k.req.Header[edge.KeyRequestID])
	k.readQuery()
	if k.ep.body == noBody {
		return nil
	}
	var err error
	if k.ep.body == maybeBody { // whether it is there is known once it has been read
		if k.body, err = edge.ReadBody(k.req); err != nil || len(k.body) == 0 {
			return err
		}
	}
	if !edge.IsJSON(k.req.Header["Content-Type"]) {
		return consent.At(consent.CodeMediaType, "Header.Content-Type", "must be application/json")
	}
	if k.body == nil {
		if k.body, err = edge.ReadBody(k.req); err != nil {
			return err
		}
	}
	if len(k.body) > edge.MaxBody {
		return edge.ErrTooLarge()
	}
	return nil
}

// readQuery takes the parameters that the endpoint knows.
func (k *call) readQuery() {
	if k.req.URL.RawQuery == "" {
		return
	}
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

// limit reads how many a page shall have.
func (k *call) limit() (int, consent.Faults) {
	if !k.query.Has(queryLimit) {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(k.query.Get(queryLimit))
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, consent.Faults{fault(queryPath(queryLimit), "must be a number from 1 to "+strconv.Itoa(maxLimit))}
	}
	return limit, nil
}

func queryPath(name string) string { return "Query." + name }
