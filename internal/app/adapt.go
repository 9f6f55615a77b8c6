package app

import (
	"context"
	"errors"

	"consentd/internal/flows/otp"
	"consentd/internal/service"
)

// A flow knows nothing of consentd's ports, so that it could live in another
// module; directory and phone hand it the bank's logins and phones in its own words.

type directory struct{ service.Logins }

// Authenticate implements otp.Directory.
func (d directory) Authenticate(ctx context.Context, login, password string) (otp.PSU, error) {
	id, name, err := d.Logins.Authenticate(ctx, login, password)
	return otp.PSU{ID: id, Name: name}, translate(err)
}

type phone struct{ service.Phones }

// Send implements otp.Phone.
func (p phone) Send(ctx context.Context, m otp.Message) (string, error) {
	to, err := p.SendCode(ctx, service.CodeMessage{PSU: m.PSU, Key: m.Key, Code: m.Code, Text: m.Text, Language: m.Language})
	return to, translate(err)
}

func translate(err error) error {
	switch {
	case errors.Is(err, service.ErrWrongCredentials):
		return otp.ErrWrong
	case errors.Is(err, service.ErrBlocked):
		return otp.ErrBlocked
	case errors.Is(err, service.ErrRefused):
		return otp.ErrRefused
	default:
		return err
	}
}
