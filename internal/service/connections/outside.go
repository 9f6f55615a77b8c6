package connections

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
)

// Claims are what a token of the bank's own server says, once it was verified.
type Claims struct {
	TPP      string // our id of it
	PSU      string // the bank's id
	Customer string // the bank's id; empty for the PSU's own
	Scopes   []string
	IssuedAt time.Time
	SCA      time.Time // when the PSU was authenticated; zero: when the token was issued
	// Certificate is the thumbprint that the token is bound to; empty for none.
	Certificate string
	// Call is who brings it, for the audit.
	Call consent.Cause
}

// sameSCA is how far apart two tokens may say that one authentication was: the
// server's clock may be ahead, and then it was now.
const sameSCA = time.Minute

// Outside judges what a token of the bank's own server says. Where it says that the
// PSU was authenticated since what the TPP has forwarded was dated, that is dated
// anew; that it was issued later alone says nothing of the PSU.
//
// Fails with CodeTokenInvalid for a PSU whom the bank does not know, for one who does
// not act for the customer, and for a token that was issued before its access was ended
// here, with CodeTokenExpired once the authentication of its PSU is too old, and with
// CodeUnavailable while the bank does not answer.
func (s *Connections) Outside(ctx context.Context, c Claims) (Principal, error) {
	told := !c.SCA.IsZero()
	if !told {
		c.SCA = c.IssuedAt
	}
	p := Principal{
		TPP: c.TPP, PSUID: c.PSU, Scopes: c.Scopes, SCA: c.SCA, Until: c.SCA.AddDate(0, 0, s.Policy.ConnectionDays),
		IssuedAt: c.IssuedAt, Certificate: c.Certificate, Consent: consentOf(c.Scopes),
	}
	if !s.Now().Before(p.Until) {
		explain.Refuse(ctx, "token: the PSU was authenticated at %s, which is too long ago", c.SCA.Format(time.RFC3339))
		return p, consent.At(consent.CodeTokenExpired, "Header.Authorization", "the authentication of the PSU is too old")
	}
	if err := s.identify(ctx, &p, c.Customer); err != nil {
		return p, err
	}
	if err := s.stands(ctx, &p); err != nil {
		return p, err
	}
	if told && p.renews() {
		if err := s.renew(ctx, &p, c.Call); err != nil {
			return p, err
		}
	}
	explain.Note(ctx, "token: of %s, scope %s, issued by the bank's own server", p.TPP, strings.Join(c.Scopes, " "))
	return p, nil
}

// stands reads what the TPP has forwarded. Fails for a token that was issued before
// that was ended.
func (s *Connections) stands(ctx context.Context, p *Principal) error {
	standing, err := s.Bearers.Standing(ctx, p.Holder())
	if err != nil {
		return err
	}
	if p.Standing = standing; !standing.After.IsZero() && !p.IssuedAt.After(standing.After) {
		explain.Refuse(ctx, "token: issued at %s, and the access was ended at %s", p.IssuedAt.Format(time.RFC3339), standing.After.Format(time.RFC3339))
		return errInvalid()
	}
	return nil
}

// renews tells whether what stands rests on an older authentication than the token. One
// for a single consent of the Berlin Group dialect says nothing of what was forwarded.
func (p *Principal) renews() bool {
	return !p.Standing.SCA.IsZero() && p.SCA.Sub(p.Standing.SCA) >= sameSCA && p.May(ScopeAISP) && p.Consent == uuid.Nil
}

// renew dates anew what was forwarded, and reads it again.
func (s *Connections) renew(ctx context.Context, p *Principal, call consent.Cause) error {
	call.For = p.PSU.String()
	by := consent.Renewal{SCA: p.SCA, Until: p.Until}
	err := s.Bearers.Renew(ctx, p.Holder(), func(forwarded *consent.Consent) {
		s.Policy.Renew(forwarded, by, call, s.Now())
	})
	if err != nil {
		return err
	}
	explain.Note(ctx, "token: the PSU was authenticated at %s, so that what was forwarded is dated anew", p.SCA.Format(time.RFC3339))
	return s.stands(ctx, p)
}

// consentOf is the consent that scopes name; zero for none, and where what they name
// is no id.
func consentOf(scopes []string) uuid.UUID {
	for _, scope := range scopes {
		name, ok := strings.CutPrefix(scope, ScopeConsent)
		if !ok {
			continue
		}
		if id, err := uuid.Parse(name); err == nil { // what it returns with an error is the id's beginning
			return id
		}
	}
	return uuid.Nil
}

// identify finds for whom the PSU acts.
func (s *Connections) identify(ctx context.Context, p *Principal, customer string) error {
	acts, err := s.actsFor(ctx, p.PSUID, customer)
	if errors.Is(err, service.ErrUnknownPSU) || err == nil && acts == "" {
		explain.Refuse(ctx, "token: its PSU does not act for its customer, or not alone")
		return errInvalid()
	}
	if err != nil {
		return service.Unavailable(err)
	}
	p.CustomerID = acts
	if p.PSU, err = s.ours(ctx, identity{ofPSU, p.PSUID}, s.Identities.PSU); err != nil {
		return err
	}
	p.Customer, err = s.ours(ctx, identity{ofCustomer, p.CustomerID}, s.Identities.Customer)
	return err
}
