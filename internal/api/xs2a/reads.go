package xs2a

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/service/funds"
)

// Reads decides on reads of account data; *access.Access does.
type Reads interface {
	Decide(ctx context.Context, q access.Question) (access.Decision, error)
}

const (
	pathAccounts      = "/v1/accounts"
	pathCardAccounts  = "/v1/card-accounts"
	pathBeneficiaries = "/v1/trusted-beneficiaries"

	subAccount      = "/:accountId"
	subBalances     = subAccount + "/balances"
	subTransactions = subAccount + "/transactions"
	subTransaction  = subTransactions + "/:transactionId"
)

// reads are the operations on account data (NextGenPSD2 1.3.x §6.5 to §6.7). None
// of them is served here: Admit judges them for who has the data.
var reads = []endpoint{
	readOf(pathAccounts, consent.OpAccounts),
	readOf(pathAccounts+subAccount, consent.OpAccount),
	readOf(pathAccounts+subBalances, consent.OpBalances),
	readOf(pathAccounts+subTransactions, consent.OpTransactions),
	readOf(pathAccounts+subTransaction, consent.OpTransaction),
	readOf(pathCardAccounts, consent.OpCardAccounts),
	readOf(pathCardAccounts+subAccount, consent.OpCardAccount),
	readOf(pathCardAccounts+subBalances, consent.OpCardBalances),
	readOf(pathCardAccounts+subTransactions, consent.OpCardTransactions),
	readOf(pathBeneficiaries, consent.OpTrustedBeneficiaries),
}

func readOf(path string, operation consent.Operation) endpoint {
	return endpoint{method: http.MethodGet, path: path, kind: consent.AccountAccess, place: onAccounts, operation: operation, parse: (*Handler).readPaging}
}

// Admit judges a request for account data as the TPP sent it, for who serves the
// data: in the order of the package's documentation, and then whether the consent
// opens what is asked for, which counts the read where it counts. Either what may
// be shown comes back, or how the TPP is to be answered. A refusal that matters is
// written down, and what is our own fault is logged.
//
// Who has the data says by sound what is wrong with the rest of the request, its
// query above all: it is asked before the decision, so that no access is lost to a
// request that could not be answered anyway. A gateway, which cannot tell, has none
// (nil). Then a list of transactions is asked for in whatever format: a bank may
// offer camt or MT940.
//
// The body of the request is read. A panic is the caller's to recover.
func (h *Handler) Admit(r *http.Request, sound func(consent.Operation) error) (*access.Decision, *edge.Refusal) {
	k := &call{req: r, id: edge.AnswerID(r)}
	d, err := h.admit(k, sound)
	if err == nil {
		return &d, nil
	}
	_ = h.noteRefusal(k, err, nil) // it is logged
	err = named(k.ctx(), err)
	h.conclude(k.ctx(), k.id, err)
	refusal := h.RefusalOf(err, r.Header["Accept"])
	refusal.Header[edge.KeyRequestID] = []string{k.id}
	if challenge := refusal.Header.Get(headerChallenge); challenge != "" {
		refusal.Header.Set(headerChallenge, h.directed(challenge, r))
	}
	if consent.CodeOf(err) == consent.CodeMethodNotAllowed {
		refusal.Header.Set(echo.HeaderAllow, http.MethodGet)
	}
	return nil, refusal
}

func (h *Handler) admit(k *call, sound func(consent.Operation) error) (access.Decision, error) {
	q, err := h.readFrom(k)
	if err != nil {
		return access.Decision{}, err
	}
	k.anyFormat = sound == nil && (q.Operation == consent.OpTransactions || q.Operation == consent.OpCardTransactions)
	if err := h.check(k); err != nil {
		return access.Decision{}, err
	}
	var ok bool
	if q.Consent, ok = parseID(k.req.Header.Get(keyConsentID)); !ok {
		explain.Note(k.ctx(), "the consent id in Consent-ID is none of ours")
		return access.Decision{}, funds.ErrUnknown()
	}
	if sound != nil {
		if err := sound(q.Operation); err != nil {
			return access.Decision{}, err
		}
	}
	q.TPP, q.Token = k.caller.ID, h.token(k)
	q.Attended = taken(k.req.Header, onAccounts, keyIPAddress) != ""
	if q.Following = k.following; q.Operation.Paged() {
		q.List = h.listOf(k.req.URL)
	}
	return h.Reads.Decide(k.ctx(), q)
}

// readFrom finds the operation of a path, with the account that stands there.
func (h *Handler) readFrom(k *call) (access.Question, error) {
	for i := range reads {
		ids, ok := h.match(&reads[i], k.req)
		if !ok {
			continue
		}
		k.ep = &reads[i]
		q := access.Question{Rail: consent.RailXS2A, Operation: k.ep.operation}
		var accountOK bool
		q.Account, accountOK = bankID(ids[0])
		_, transactionOK := bankID(ids[1])
		switch {
		case !accountOK || !transactionOK:
			return q, edge.ErrPath()
		case k.req.Method != http.MethodGet:
			return q, edge.ErrMethod()
		}
		return q, nil
	}
	return access.Question{}, edge.ErrPath()
}

// bankID is the id of an account or a transaction in a segment of a path; empty
// where the path has none.
func bankID(segment string) (id string, ok bool) {
	id, err := url.PathUnescape(segment)
	return id, err == nil && (segment == "" || edge.IsBankID(id))
}

// listOf names what a request lists: its path and its query, but for what tells one
// page from another.
func (h *Handler) listOf(u *url.URL) string {
	query := u.Query()
	for _, name := range h.Options.PageParameters {
		delete(query, name)
	}
	return u.EscapedPath() + "?" + query.Encode()
}

// readPaging reads whether a query asks for a further page of a list. Several
// parameters of paging, or one twice, can be read as different pages: who serves
// the data might take the one that is none.
func (h *Handler) readPaging(k *call) (faults consent.Faults) {
	query, said := k.req.URL.Query(), 0
	for _, name := range h.Options.PageParameters {
		if said += len(query[name]); said > 1 && query.Has(name) {
			return consent.Faults{consent.At(consent.CodeFormat, "Query."+name, "must be there once")}
		}
		k.following = k.following || query.Get(name) != ""
	}
	return nil
}

// RefusalOf words a denial, or any other error, for a TPP that accepts these
// formats, with Retry-After where it is known when the quota allows more. What is
// our own fault has no words. X-Request-ID is not in it.
func (h *Handler) RefusalOf(err error, accept []string) *edge.Refusal {
	err = unknown(err)
	a := h.answerTo(err, accept)
	refusal := &edge.Refusal{Status: a.Status, Body: a.Body, Header: http.Header{echo.HeaderCacheControl: {noStore}}}
	for name, value := range a.Header {
		refusal.Header.Set(name, value)
	}
	if until := access.RetryAt(err); !until.IsZero() {
		refusal.Header.Set(echo.HeaderRetryAfter, edge.SecondsTo(until.Sub(h.Now())))
	}
	if len(a.Body) > 0 {
		refusal.Header.Set(echo.HeaderContentType, a.Media)
	}
	if faults := edge.Faults(err); len(faults) > 0 && a.Status != http.StatusInternalServerError {
		refusal.Code, refusal.Path, refusal.Text = string(h.Options.codeOf(faults[0])), faults[0].Path, shorten(faults[0].Text)
	}
	return refusal
}
