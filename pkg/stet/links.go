package stet

import "encoding/json"

// Link is one relation (HAL). Href is absolute, or a path at the same host, as the
// bank chooses.
type Link struct {
	Href      string `json:"href"`                // at most 2000 characters
	Templated bool   `json:"templated,omitempty"` // Href has parameters to fill in
}

// Links are the relations of an answer by name. Answers must have the member even
// where there is none.
type Links map[string]Link

// MarshalJSON writes {} where there are none, nil included.
func (l Links) MarshalJSON() ([]byte, error) {
	if len(l) == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]Link(l))
}

// The relations.
const (
	LinkSelf                 = "self"
	LinkConsents             = "consents"             // PUT /consents
	LinkEndUserIdentity      = "endUserIdentity"      // GET /end-user-identity
	LinkTrustedBeneficiaries = "trustedBeneficiaries" // GET /trusted-beneficiaries
	LinkBalances             = "balances"             // of an account
	LinkTransactions         = "transactions"         // of an account
	LinkParentList           = "parent-list"          // GET /accounts

	// Those of paging. No parameter for it is standardised: clients follow them.
	LinkFirst = "first"
	LinkLast  = "last"
	LinkNext  = "next"
	LinkPrev  = "prev"
)
