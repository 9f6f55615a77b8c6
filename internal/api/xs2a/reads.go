package xs2a

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

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
	return endpoint{method: http.MethodGet, path: path, kind: consent.AccountAccess, place: onAccounts, operation: operation}
}

// Admit judges a request for account data as the TPP sent it, for who serves the
// data: in the order of the package's documentation, and then whether the consent
// opens what is asked for, which counts the read where it counts. Either what may
// be shown comes back, or how the TPP is to be answered. A refusal that matters is
// written down, and what is our own fault is logged.
//
// The body of the request is read. A panic is the caller's to recover.
func (h *Handler) Admit(r *http.Request) (*access.Decision, *edge.Refusal) {
	k := &call{req: r, id: edge.AnswerID(r)}
	d, err := h.admit(k)
	if err == nil {
		return &d, nil
	}
	_ = h.noteRefusal(k, err, nil) // it is logged
	err = named(k.ctx(), err)
	h.conclude(k.ctx(), k.id, err)
	refusal := h.RefusalOf(err, r.Header["Accept"])
	refusal.Header[edge.KeyRequestID] = []string{k.id}
	if consent.CodeOf(err) == consent.CodeMethodNotAllowed {
		refusal.Header.Set(echo.HeaderAllow, http.MethodGet)
	}
	return nil, refusal
}

func (h *Handler) admit(k *call) (access.Decision, error) {
	q, err := h.readFrom(k)
	if err != nil {
		return access.Decision{}, err
	}
	if err := h.check(k); err != nil {
		return access.Decision{}, err
	}
	var ok bool
	if q.Consent, ok = parseID(k.req.Header.Get(keyConsentID)); !ok {
		explain.Note(k.ctx(), "the consent id in Consent-ID is none of ours")
		return access.Decision{}, funds.ErrUnknown()
	}
	q.TPP = k.caller.ID
	q.Attended = taken(k.req.Header, onAccounts, keyIPAddress) != ""
	q.Following = k.ep.operation.Paged() && h.continues(k.req.URL)
	return h.Reads.Decide(k.ctx(), q)
}

// readFrom finds the operation of a path, with the ids that stand there.
func (h *Handler) readFrom(k *call) (access.Question, error) {
	for i := range reads {
		ids, ok := h.match(&reads[i], k.req)
		if !ok {
			continue
		}
		k.ep = &reads[i]
		q := access.Question{Rail: consent.RailXS2A, Operation: k.ep.operation}
		var accountOK, resourceOK bool
		q.Account, accountOK = dataID(ids[0])
		q.Resource, resourceOK = dataID(ids[1])
		switch {
		case !accountOK || !resourceOK:
			return q, edge.ErrPath()
		case k.req.Method != http.MethodGet:
			return q, edge.ErrMethod()
		}
		return q, nil
	}
	return access.Question{}, edge.ErrPath()
}

// maxDataID is the length of the id of an account or a transaction, in characters.
const maxDataID = 100

// dataID is the id of an account or a transaction in a segment of a path; empty
// where the path has none. They are the bank's, and may hold anything, escaped
// slashes too. One that would lead up and away as a path is none, though: who
// serves the data may unescape and clean a path before it looks, and would then
// serve another one than was judged.
func dataID(segment string) (id string, ok bool) {
	id, err := url.PathUnescape(segment)
	if err != nil || !printable(id) || utf8.RuneCountInString(id) > maxDataID {
		return "", false
	}
	parts := strings.FieldsFunc(id, func(r rune) bool { return r == '/' || r == '\\' })
	return id, !slices.ContainsFunc(parts, func(part string) bool { return part == "." || part == ".." })
}

// continues tells whether a query asks for a further page of a list.
func (h *Handler) continues(u *url.URL) bool {
	query := u.Query()
	return slices.ContainsFunc(h.Options.PageParameters, query.Has)
}

// RefusalOf words a denial, or any other error, for a TPP that accepts these
// formats. What is our own fault has no words. X-Request-ID is not in it.
func (h *Handler) RefusalOf(err error, accept []string) *edge.Refusal {
	err = unknown(err)
	a := h.answerTo(err, accept)
	refusal := &edge.Refusal{Status: a.Status, Body: a.Body, Header: http.Header{echo.HeaderCacheControl: {noStore}}}
	for name, value := range a.Header {
		refusal.Header.Set(name, value)
	}
	if len(a.Body) > 0 {
		refusal.Header.Set(echo.HeaderContentType, a.Media)
	}
	if faults := edge.Faults(err); len(faults) > 0 && a.Status != http.StatusInternalServerError {
		refusal.Code, refusal.Path, refusal.Text = string(h.Options.codeOf(faults[0])), faults[0].Path, shorten(faults[0].Text)
	}
	return refusal
}
