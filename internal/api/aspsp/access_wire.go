package aspsp

import (
	"consentd/internal/consent"
	"consentd/internal/service/access"
)

const (
	allow = "allow"
	deny  = "deny"
)

// decisions answer a batch, each an allowance or a denial.
type decisions struct {
	Decisions []any `json:"decisions"`
}

// allowance says that a read may be answered, and what may be shown.
type allowance struct {
	Decision  string            `json:"decision"`
	ConsentID string            `json:"consentId"`
	TPP       string            `json:"tpp"`
	Operation consent.Operation `json:"operation"`
	Customer  string            `json:"customer"`
	OwnerName bool              `json:"ownerName"`
	Accounts  []allowedAccount  `json:"accounts"`
	Counted   bool              `json:"counted"`
	Remaining *int              `json:"remaining,omitempty"`
}

type allowedAccount struct {
	ID        string           `json:"accountId"`
	Reference accountReference `json:"reference"`
	Rights    []string         `json:"rights"`
}

// denial says that a read is refused, how the TPP is answered, and why.
type denial struct {
	Decision string      `json:"decision"`
	Reason   string      `json:"reason"`
	Error    denialError `json:"error"`
}

type denialError struct {
	Status     int    `json:"status"`
	Code       string `json:"code,omitempty"`
	Path       string `json:"path,omitempty"`
	Text       string `json:"text,omitempty"`
	RetryAfter int    `json:"retryAfter,omitempty"`
}

// allowanceOf shows a decision. Rights come with what they bring along: who may see
// the balances of an account may see the account.
func allowanceOf(d *access.Decision) *allowance {
	w := &allowance{
		Decision: allow, ConsentID: d.Question.Consent.String(), TPP: d.Question.TPP, Operation: d.Question.Operation,
		Customer: d.Customer, OwnerName: d.OwnerName, Accounts: make([]allowedAccount, len(d.Accounts)), Counted: d.Counted,
	}
	for i := range d.Accounts {
		x := &d.Accounts[i]
		w.Accounts[i] = allowedAccount{ID: x.ID, Reference: referenceOf(x.Reference), Rights: rightsOf(x.Rights.Implied())}
	}
	if d.Counted {
		w.Remaining = &d.Left
	}
	return w
}
