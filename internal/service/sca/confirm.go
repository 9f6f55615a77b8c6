package sca

import (
	"context"
	"crypto/subtle"
	"net/url"

	"consentd/internal/consent"
)

// hold lets the consent wait until the TPP has confirmed that the browser came
// back to it.
func (s *Dispatcher) hold(ctx context.Context, w *walk, agreed consent.Agreement) result {
	w.memo.Agreed, w.memo.Code = &agreed, confirmationCode()
	now := s.Now()
	by := now.Add(s.Policy.OpenWithin)
	res := s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		if err := c.Check(r.Authorisation, agreed); err != nil {
			return err // the browser learns it, and takes no code along
		}
		r.Progress(consent.StageConfirm, sealed)
		r.Approved, r.FinishBy = true, by
		if err := c.Extend(r.Authorisation, by); err != nil {
			return err
		}
		return c.Advance(r.Authorisation, consent.ScaUnconfirmed, now)
	})
	return s.orFail(ctx, res)
}

// confirm concludes what was held: the right code makes the consent valid, a
// wrong one fails the authorisation, and so does an agreement that holds no longer.
func (s *Dispatcher) confirm(ctx context.Context, w *walk, code string) result {
	if w.run.Stage != consent.StageConfirm || w.memo.Agreed == nil {
		return result{w: w, err: consent.E(consent.CodeStatusInvalid, "the authorisation waits for no confirmation")}
	}
	if subtle.ConstantTimeCompare([]byte(code), []byte(w.memo.Code)) != 1 {
		return s.fail(ctx, w, consent.RunFailed, nil)
	}
	res := s.conclude(ctx, w, *w.memo.Agreed)
	switch consent.CodeOf(res.err) {
	case consent.CodeForbidden, consent.CodeStale:
		return s.fail(ctx, w, consent.RunFailed, nil)
	default:
		return res
	}
}

// withCode adds the confirmation code to where the browser goes back to.
func withCode(uri, code string) string {
	u, err := url.Parse(uri)
	if err != nil { // what was taken can be read
		return uri
	}
	q := "confirmationCode=" + url.QueryEscape(code)
	if u.RawQuery != "" {
		q = u.RawQuery + "&" + q
	}
	u.RawQuery = q
	return u.String()
}
