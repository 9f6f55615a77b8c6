package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/access"
)

// defaultPageSize is how many entries a page of transactions has.
const defaultPageSize = 50

// Admission judges reads of account data before the bank answers them; the XS2A
// dialect does.
type Admission interface {
	// Admit says what a request may be shown, or how it is refused: by its path,
	// method, headers and caller, then by what sound says of the rest of it, and
	// then by its consent, which counts the access.
	Admit(r *http.Request, sound func(consent.Operation) error) (*access.Decision, *edge.Refusal)
	// RefusalOf words an error for a client that accepts these formats. X-Request-ID
	// is not in it.
	RefusalOf(err error, accept []string) *edge.Refusal
}

// Data serves the personas' account data as a bank does (openapi/accounts.yaml,
// NextGenPSD2 1.3.x, Read Account Data Requests): what may be shown is decided by
// Admission alone, and what there is comes from Bank and the ledgers of its
// accounts.
type Data struct {
	Bank      *Bank
	Admission Admission
	// BasePath stands before every path.
	BasePath string
	// Base is where a request reached this server, which links begin with, without
	// a slash at the end; links are paths where it is nil.
	Base func(*http.Request) string
	// PageSize is how many entries a page of transactions has; 50 when 0.
	PageSize int
	Log      *slog.Logger
}

// The roots of the paths.
const (
	pathOfAccounts      = "/v1/accounts"
	pathOfCards         = "/v1/card-accounts"
	pathOfBeneficiaries = "/v1/trusted-beneficiaries"
)

// Mount registers the routes, for all methods: which of them a path knows, and
// whether there is such a path, Admission says.
func (d *Data) Mount(e *echo.Echo) {
	for _, root := range []string{pathOfAccounts, pathOfCards, pathOfBeneficiaries} {
		e.Any(d.BasePath+root, d.serve)
		e.Any(d.BasePath+root+"/*", d.serve)
	}
}

// serve admits a request and answers it. The query is judged before the consent,
// so that one with faults costs no access.
func (d *Data) serve(c echo.Context) error {
	edge.StampID(c)
	r := c.Request()
	var q query
	decision, refused := d.Admission.Admit(r, func(op consent.Operation) (err error) {
		q, err = readDataQuery(r.URL.RawQuery, op)
		return err
	})
	if refused != nil {
		return refused.Send(c.Response()) //nolint:wrapcheck // the client went away
	}
	body, err := d.answer(r, q, decision)
	if err != nil {
		return d.refuse(c, err)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, body)
}

// refuse answers an error in the form of the dialect, under the request's id.
func (d *Data) refuse(c echo.Context, err error) error {
	if consent.CodeOf(err) == consent.CodeInternal {
		d.Log.ErrorContext(c.Request().Context(), "account data", "requestId", edge.RequestID(c), "error", err)
	}
	return d.Admission.RefusalOf(err, c.Request().Header["Accept"]).Send(c.Response()) //nolint:wrapcheck // the client went away
}

// answer is the body for a request that was admitted. Fails with
// CodeAccountUnknown for a page or a transaction that is not there.
func (d *Data) answer(r *http.Request, q query, decision *access.Decision) (any, error) {
	shown, err := d.shown(r.Context(), decision)
	if err != nil {
		return nil, err
	}
	v := view{query: q, shown: shown, today: d.Bank.today(), anchor: d.Bank.anchor(), size: d.PageSize, base: d.BasePath}
	if v.size <= 0 {
		v.size = defaultPageSize
	}
	if d.Base != nil {
		v.base = d.Base(r) + d.BasePath
	}
	if op := decision.Question.Operation; op != consent.OpTransaction {
		return v.answer(op)
	}
	id, err := url.PathUnescape(path.Base(r.URL.EscapedPath()))
	if err != nil {
		return nil, fmt.Errorf("the path that was admitted: %w", err)
	}
	return v.transaction(id)
}

// shown is an account with what may be told of it.
type shown struct {
	account account
	rights  consent.Rights
	owner   string // empty where the name is not to be told
}

// shown looks up the accounts of a decision, in its order. What it does not name
// is never shown.
func (d *Data) shown(ctx context.Context, decision *access.Decision) ([]shown, error) {
	owned, err := d.Bank.owned(ctx, decision.Customer)
	if err != nil {
		return nil, err
	}
	owner, err := ownerOf(decision.Customer)
	if err != nil {
		return nil, fmt.Errorf("owner: %w", err)
	}
	var list []shown
	for _, a := range decision.Accounts {
		i := slices.IndexFunc(owned, func(x account) bool { return x.id() == a.ID })
		if i < 0 {
			continue // closed since the decision
		}
		s := shown{account: owned[i], rights: a.Rights}
		if decision.OwnerName || a.Rights.Has(consent.RightOwnerName) {
			s.owner = owner
		}
		list = append(list, s)
	}
	return list, nil
}
