package aspsp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/access"
	"consentd/internal/service/ledger"
)

// decider decides as it is told. It remembers what it was asked.
type decider struct {
	asked   []access.Question
	ctx     context.Context
	decide  func(q access.Question) (access.Decision, error)
	entered chan struct{} // where it is set, a question waits for let
	let     chan struct{}
}

func (d *decider) Decide(ctx context.Context, q access.Question) (access.Decision, error) {
	d.asked, d.ctx = append(d.asked, q), ctx
	if d.entered != nil {
		d.entered <- struct{}{}
		<-d.let
		if err := ctx.Err(); err != nil {
			return access.Decision{}, err
		}
	}
	return d.decide(q)
}

// dialect words errors like XS2A's own, in short.
type dialect struct {
	admitted []*http.Request
	decision *access.Decision
	refusal  *edge.Refusal
}

func (d *dialect) Admit(r *http.Request, sound func(consent.Operation) error) (*access.Decision, *edge.Refusal) {
	if sound != nil {
		panic("the query is the resource server's to judge")
	}
	d.admitted = append(d.admitted, r)
	return d.decision, d.refusal
}

var worded = map[consent.Code]edge.Refusal{
	consent.CodeFormat:             {Status: 400, Code: "FORMAT_ERROR"},
	consent.CodeReferenceUnknown:   {Status: 400, Code: "CONSENT_UNKNOWN"},
	consent.CodeCertificateBlocked: {Status: 401, Code: "CERTIFICATE_BLOCKED"},
	consent.CodeNotUsable:          {Status: 401, Code: "CONSENT_INVALID"},
	consent.CodeTokenInvalid:       {Status: 401, Code: "TOKEN_UNKNOWN"},
	consent.CodeTokenExpired:       {Status: 401, Code: "TOKEN_EXPIRED"},
	consent.CodeExpired:            {Status: 401, Code: "CONSENT_EXPIRED"},
	consent.CodeBlocked:            {Status: 403, Code: "SERVICE_BLOCKED"},
	consent.CodeAccountUnknown:     {Status: 404, Code: "RESOURCE_UNKNOWN"},
	consent.CodePathUnknown:        {Status: 404, Code: "RESOURCE_UNKNOWN"},
	consent.CodeTooOften:           {Status: 429, Code: "ACCESS_EXCEEDED"},
	consent.CodeUnavailable:        {Status: 503},
}

func (d *dialect) RefusalOf(err error, accept []string) *edge.Refusal {
	r, ok := worded[consent.CodeOf(err)]
	r.Header = http.Header{}
	if !ok {
		return &edge.Refusal{Status: 500, Header: r.Header}
	}
	if r.Status == 503 {
		r.Header.Set("Retry-After", "1")
		return &r
	}
	if e, ok := errors.AsType[*consent.Error](err); ok {
		r.Path, r.Text = e.Path, e.Text
	}
	if until := access.RetryAt(err); !until.IsZero() {
		r.Header.Set("Retry-After", strconv.Itoa(until.Second()))
	}
	media := "application/json"
	if len(accept) > 0 && accept[0] != "" {
		media = accept[0]
	}
	r.Header.Set("Content-Type", media)
	r.Body = fmt.Appendf(nil, `{"code":%q,"path":%q,"text":%q}`, r.Code, r.Path, r.Text)
	return &r
}

// pages is a ledger on paper.
type pages struct {
	refused []ledger.Refusal
	fails   error
}

func (p *pages) Refused(_ context.Context, r ledger.Refusal, _ *consent.Receipt) error {
	p.refused = append(p.refused, r)
	return p.fails
}

// core are the headers of the bank's resource server.
func core() with { return with{"Authorization": "Bearer core"} }

// checkOf is a check with these members besides the ones that it must have; an
// empty one takes a member away.
func checkOf(members ...string) string {
	all := map[string]json.RawMessage{
		"consentId": json.RawMessage(`"` + consentID + `"`), "tpp": json.RawMessage(`"` + acme + `"`), "operation": json.RawMessage(`"accounts"`),
	}
	for i := 0; i < len(members); i += 2 {
		if all[members[i]] = json.RawMessage(members[i+1]); members[i+1] == "" {
			delete(all, members[i])
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		panic(err) // of a mistake in a test
	}
	return string(body)
}

// allowed is a decision for a question, with two accounts.
func allowed(q access.Question) (access.Decision, error) {
	return access.Decision{
		Question: q, Customer: "firm", OwnerName: true, Left: -1,
		Accounts: []access.Account{
			{Key: uuid.New(), ID: "r1", Reference: consent.Reference{IBAN: iban, Currency: "EUR", CashAccountType: "CACC"}, Rights: consent.RightBalances},
			{ID: "kärt/2", Reference: consent.Reference{MaskedPAN: "1234xx5678", Currency: "EUR"}, Rights: consent.RightAccounts | consent.RightOwnerName},
		},
	}, nil
}
