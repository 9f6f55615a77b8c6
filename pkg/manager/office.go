package manager

import "time"

// Proposed is the answer to an act that another person has to confirm. Like all of this
// file it is consentd's own.
type Proposed struct {
	ApprovalID string `json:"approvalId"`
}

// Count is the answer to an act: how many consents it has moved.
type Count struct {
	Count int `json:"count"`
}

// Approval is an act that waits for a second person, or has been decided on.
type Approval struct {
	ID         string     `json:"approvalId"`
	Action     string     `json:"action"` // revoke, suspend or resume
	Consents   []string   `json:"consentIds,omitempty"`
	TPP        string     `json:"tppId,omitempty"`
	Account    string     `json:"accountId,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Note       string     `json:"note,omitempty"`
	ProposedBy string     `json:"proposedBy"`
	ProposedAt time.Time  `json:"proposedAt"`
	State      string     `json:"state"` // open, confirmed, refused or withdrawn
	DecidedBy  string     `json:"decidedBy,omitempty"`
	DecidedAt  *time.Time `json:"decidedAt,omitempty"`
	Count      int        `json:"count"` // how many consents were moved
}
