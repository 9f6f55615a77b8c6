package persona

import (
	"context"
	"errors"
	"time"

	"consentd/pkg/sca"
)

// What the bank may answer instead of yes.
var (
	ErrWrong   = errors.New("wrong login or password")
	ErrBlocked = errors.New("the PSU is blocked at the bank")
	ErrRefused = errors.New("the bank refuses to authenticate the PSU")
)

// PSU is who logged in.
type PSU struct {
	ID   string // the bank's stable id
	Name string
}

// Directory checks passwords.
type Directory interface {
	// Authenticate fails with ErrWrong and ErrBlocked.
	Authenticate(ctx context.Context, login, password string) (PSU, error)
}

// Message is a code on its way to a PSU.
type Message struct {
	PSU      string // the bank's id
	Method   string // id of the method by which it goes; empty where the bank names none
	Key      string // a message with the same key is sent once
	Code     string
	Text     string // the whole message, code included, in Language
	Language string // BCP 47
}

// Phone brings codes to PSUs.
type Phone interface {
	// Methods lists the ways in which codes reach a PSU, the one to suggest first.
	// Fails with ErrRefused and ErrBlocked.
	Methods(ctx context.Context, psu string) ([]sca.Method, error)
	// Send returns where the code went, masked. Fails with ErrRefused and ErrBlocked.
	Send(ctx context.Context, m Message) (to string, err error)
}

// Release is for a bank that takes its time after the right code.
type Release interface {
	// Ready tells whether the PSU, whose code was right at since, is through.
	Ready(ctx context.Context, psu string, since time.Time) (bool, error)
}
