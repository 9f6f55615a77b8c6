package office

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Verb is what the bank's own do to consents.
type Verb string

// The verbs.
const (
	Revoke  Verb = "revoke"
	Suspend Verb = "suspend"
	Resume  Verb = "resume"
)

// Act is what is to be done, to which consents, and why. One of Consents, TPP and
// Account names them; the last two mean all that can be so moved when it is done.
type Act struct {
	Verb     Verb           `json:"verb"`
	Consents []uuid.UUID    `json:"consents,omitempty"`
	TPP      string         `json:"tpp,omitempty"`
	Account  string         `json:"account,omitempty"` // the bank's id
	Reason   consent.Reason `json:"reason,omitempty"`
	Note     string         `json:"note,omitempty"` // no names of persons
}

// State is how a proposal stands.
type State string

// The states of a proposal. One that is confirmed stays open in storage, with who has
// decided, until it is done: so whoever looks for what is open also finds what a crash
// has left.
const (
	Open      State = "open"
	Confirmed State = "confirmed" // and done; to callers: done, or on its way
	Refused   State = "refused"
	Withdrawn State = "withdrawn"
)

// Proposal is an act that another person has to confirm.
type Proposal struct {
	ID         uuid.UUID
	Act        Act
	ProposedBy string // as the audit names them
	ProposedAt time.Time
	DecidedBy  string // empty while nobody has decided
	DecidedAt  time.Time
	State      State
	Done       int // how many consents were moved
}

// Store is what these use cases need of storage. Implementations pass storagetest.
type Store interface {
	service.Lists
	service.Sights
	// PSU is our id of one of the bank's PSUs, made at first sight.
	PSU(ctx context.Context, bankID string) (uuid.UUID, error)
	// Get reads a consent whole, as stored. Fails with CodeNotFound.
	Get(ctx context.Context, id uuid.UUID) (*consent.Consent, error)
	// Amend loads a consent with who holds its line and the payments that were made by it,
	// applies change and saves it in one transaction. change may run more than once; its
	// error is returned as it is and nothing is saved.
	Amend(ctx context.Context, id uuid.UUID, change func(c *consent.Consent, h *consent.Holder, log []consent.Payment) error) (*consent.Consent, error)
	// Propose keeps a proposal.
	Propose(ctx context.Context, p Proposal) error
	// Proposals lists those that are open, the oldest first, at most limit.
	Proposals(ctx context.Context, limit int) ([]Proposal, error)
	// Proposal reads one. Fails with CodeNotFound.
	Proposal(ctx context.Context, id uuid.UUID) (*Proposal, error)
	// Decide loads a proposal, applies change and saves it in one transaction that keeps
	// others from it. Fails with CodeNotFound, and as change does.
	Decide(ctx context.Context, id uuid.UUID, change func(*Proposal) error) (*Proposal, error)
	// Entries is the audit of a consent, in its order. Empty for none.
	Entries(ctx context.Context, consent uuid.UUID) ([]consent.Entry, error)
	// Look writes down that somebody of the bank's own has looked, at what and where.
	// It is a chain of its own per caller and day.
	Look(ctx context.Context, e consent.Entry) error
	// BankIDs turns ids of ours back into the bank's. Those that are not known are left out.
	BankIDs(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)
}
