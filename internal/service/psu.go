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
	Key      string // a message with the same key is sent once
	Code     string
	Text     string // the whole message, code included, in Language
	Language string // BCP 47
}

// Phones brings one-time codes to PSUs.
type Phones interface {
	// SendCode returns where the code went, masked. Fails with ErrRefused.
	SendCode(ctx context.Context, m CodeMessage) (to string, err error)
}
