package service

import (
	"context"
	"errors"
)

// What a bank may say of a PSU instead of yes.
var (
	ErrWrongCredentials = errors.New("wrong login or password")
	ErrBlocked          = errors.New("the PSU is blocked at the bank")
	ErrRefused          = errors.New("the bank refuses to authenticate the PSU")
	ErrUnknownPSU       = errors.New("the bank knows no such PSU")
)

// Logins checks what a PSU types on our login page.
type Logins interface {
	// Authenticate returns the bank's stable id of the PSU, and their name for
	// the page. Fails with ErrWrongCredentials and ErrBlocked.
	Authenticate(ctx context.Context, login, password string) (psu, name string, err error)
}

// CodeMessage is a one-time code on its way to a PSU.
type CodeMessage struct {
	PSU      string // the bank's id
	Method   string // id of the Method by which it goes; empty where the bank names none
	Key      string // a message with the same key is sent once
	Code     string
	Text     string // the whole message, code included, in Language
	Language string // BCP 47
}

// Method is one way in which codes reach a PSU.
type Method struct {
	ID   string // the bank's, at most 35 characters: a TPP sends it back
	Type string // as XS2A names types of authentication: SMS_OTP, PUSH_OTP, ...
	Name string // for the PSU, who tells their methods apart by it
}

// Phones brings one-time codes to PSUs.
type Phones interface {
	// Methods lists the ways to a PSU, the one to suggest first. With none or one
	// there is nothing to choose.
	Methods(ctx context.Context, psu string) ([]Method, error)
	// SendCode returns where the code went, masked. Fails with ErrRefused.
	SendCode(ctx context.Context, m CodeMessage) (to string, err error)
}

// Approval is a question that the bank's app puts to a PSU.
type Approval struct {
	Login    string // who is asked: PSU-ID as the TPP sent it, or what the PSU typed
	Key      string // a question with the same key is put once
	Text     string // the question, in Language
	Language string // BCP 47
	// Number is what the PSU reads elsewhere and has to repeat in the app, which
	// does not show it: two digits. Empty where none is asked for.
	Number string
	// Choose has the app let the PSU choose accounts.
	Choose bool
	// CallbackURL is where the bank may POST when the question is answered, or
	// empty. It is a secret.
	CallbackURL string
}

// ApprovalState is how a question stands.
type ApprovalState string

// The states of a question. One that nobody answers stays waiting.
const (
	ApprovalWaiting  ApprovalState = "waiting"
	ApprovalApproved ApprovalState = "approved"
	ApprovalDenied   ApprovalState = "denied"
)

// ApprovalAnswer is what the PSU said in the app.
type ApprovalAnswer struct {
	State    ApprovalState
	Accounts []string // the bank's ids of those chosen in the app; none when it gives no choice
	Number   string   // as the PSU typed it in the app, with ApprovalApproved
}

// Approvals lets the bank's app ask a PSU, away from any page of ours.
type Approvals interface {
	// Ask returns the bank's ids of the question and of the PSU who is asked.
	// Fails with ErrUnknownPSU and ErrBlocked.
	Ask(ctx context.Context, a Approval) (id, psu string, err error)
	// Answer tells how a question stands. It changes nothing.
	Answer(ctx context.Context, id string) (ApprovalAnswer, error)
	// Withdraw takes a question back; one that is answered or gone stays so.
	Withdraw(ctx context.Context, id string) error
}
