package push

import (
	"context"
	"errors"
)

// What the bank may answer instead of asking.
var (
	ErrUnknown = errors.New("the bank knows no such PSU")
	ErrBlocked = errors.New("the PSU is blocked at the bank")
)

// Question is what the app puts to a PSU.
type Question struct {
	Login    string // who is asked, as the TPP or they themselves named them
	Key      string // a question with the same key is put once
	Text     string // in Language
	Language string // BCP 47
	// Number is what the PSU has to repeat in the app: two digits, 10 to 99. The
	// app does not show it. Empty where numbers are not matched.
	Number string
	// Choose has the app let the PSU choose accounts.
	Choose bool
	// CallbackURL is where the bank may POST once the question is answered, or
	// empty. It is a secret.
	CallbackURL string
}

// State is how a question stands.
type State string

// The states of a question.
const (
	Waiting  State = "waiting"
	Approved State = "approved"
	Denied   State = "denied"
)

// Answer is what the PSU said.
type Answer struct {
	State    State
	Accounts []string // the bank's ids of those chosen in the app, if it gives the choice
	Number   string   // as the PSU typed it, with Approved, where one was asked for
}

// Approvals puts questions to PSUs through the bank's app.
type Approvals interface {
	// Ask returns the bank's ids of the question and of the PSU who is asked.
	// Fails with ErrUnknown and ErrBlocked.
	Ask(ctx context.Context, q Question) (id, psu string, err error)
	// Answer tells how a question stands. It changes nothing.
	Answer(ctx context.Context, id string) (Answer, error)
	// Withdraw takes a question back; one that is answered or gone stays so.
	Withdraw(ctx context.Context, id string) error
}
