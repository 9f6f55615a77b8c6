package oauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
)

// Mint connects a TPP for a PSU without a browser, as if the PSU had been
// authenticated now, and returns tokens that are bound to no certificate; expiresIn
// is in seconds. psu is the bank's id; the PSU acts for the first of their customers.
// It is for sandboxes. Fails with CodeScope for scopes that there are not, that are of
// a consent, or for which the TPP is not licensed, with CodeFormat for none, with
// CodeNotFound for a PSU whom the bank does not know, with CodeForbidden for one who
// can sign only together with others, with CodeBlocked while the bank has suspended
// another connection of theirs, and with CodeUnavailable.
func (s *Server) Mint(ctx context.Context, caller tpp.TPP, psu string, scopes []string) (access, refresh string, expiresIn int, err error) {
	asked, err := s.mintable(caller, scopes)
	if err != nil {
		return "", "", 0, err
	}
	customer, err := s.actsFor(ctx, psu)
	if err != nil {
		return "", "", 0, err
	}
	c, err := s.connected(ctx, caller, asked, psu, customer)
	if err != nil {
		return "", "", 0, err
	}
	if err := s.Consents.Store.Create(ctx, c, nil); err != nil {
		return "", "", 0, fmt.Errorf("create a connection: %w", err)
	}
	now := s.Now()
	lifetime := s.lifetime(cmp.Or(s.Options.MintedLifetime, s.Options.AccessLifetime), c, now)
	access, refresh = random(opaque), random(goidc.RefreshTokenLength)
	pair := connections.Pair{
		ID: uuid.NewString(), Consent: c.ID, TPP: caller.ID, PSU: c.GivenBy,
		Scopes: strings.Join(asked, " "), Active: strings.Join(asked, " "), Access: secret.Digest(access), Refresh: secret.Digest(refresh),
		AccessUntil: now.Add(lifetime), IssuedAt: now,
	}
	pair.Sealed = s.Keys.Seal(sealedPair(pair.ID), nil)
	if err := s.Store.Issue(ctx, pair, s.issuing(minting(caller))); err != nil {
		return "", "", 0, fmt.Errorf("issue tokens: %w", err)
	}
	return access, refresh, int(lifetime / time.Second), nil
}

func minting(caller tpp.TPP) consent.Cause {
	return consent.Cause{By: consent.ByTPP, Who: caller.ID, Certificate: caller.Fingerprint()}
}

// mintable are the scopes of a connection.
func (s *Server) mintable(caller tpp.TPP, scopes []string) ([]string, error) {
	asked := plain(strings.Join(scopes, " "))
	if len(asked) == 0 {
		return nil, consent.At(consent.CodeFormat, "scope", "is required")
	}
	ofConsent := slices.ContainsFunc(asked, func(one string) bool { _, ok := consentOf(one); return ok })
	if ofConsent || !s.licensed(asked, caller.May) {
		return nil, consent.At(consent.CodeScope, "scope", "must name scopes of a connection for which the TPP is licensed")
	}
	return asked, nil
}

// actsFor is the bank's id of the customer for whom a PSU connects a TPP alone.
func (s *Server) actsFor(ctx context.Context, psu string) (string, error) {
	customers, err := s.Signers.Customers(ctx, psu)
	if errors.Is(err, service.ErrUnknownPSU) || err == nil && len(customers) == 0 {
		return "", consent.At(consent.CodeNotFound, "psu", "the bank knows no such PSU")
	}
	if err != nil {
		return "", service.Unavailable(fmt.Errorf("customers of a PSU: %w", err))
	}
	signers, err := s.Signers.Signers(ctx, customers[0].ID)
	if err != nil {
		return "", service.Unavailable(fmt.Errorf("signers of a customer: %w", err))
	}
	if !service.ActsAlone(psu, signers) {
		return "", consent.At(consent.CodeForbidden, "psu", "signs only together with others")
	}
	return customers[0].ID, nil
}

// connected is a connection that is in force.
func (s *Server) connected(ctx context.Context, caller tpp.TPP, asked []string, psu, customer string) (*consent.Consent, error) {
	psuID, err := s.Identities.PSU(ctx, psu)
	if err != nil {
		return nil, err
	}
	customerID, err := s.Identities.Customer(ctx, customer)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("connection id: %w", err)
	}
	call := callOf(&register.TPP{ID: caller.ID, Name: caller.Name}, caller, asked[0])
	d := connection(asked, "")
	d.Kind, d.Rail, d.TPP, d.TPPName, d.Approach = call.Kind, call.Rail, call.TPP, call.Name, consent.Redirect
	return s.Policy.Connect(id, d, psuID, customerID, call.Cause(), s.Now())
}

// End gives a token of either kind back, for the TPP that has it. One that is not
// known is no error.
func (s *Server) End(ctx context.Context, token string) error {
	pair, grant, err := s.Store.PairByAccess(ctx, secret.Digest(token))
	if consent.CodeOf(err) == consent.CodeNotFound {
		pair, grant, err = s.Store.PairByRefresh(ctx, secret.Digest(token))
	}
	switch {
	case err == nil:
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil
	default:
		return err
	}
	cause := consent.Cause{By: consent.ByTPP, Who: pair.TPP}
	return s.Store.EndPair(ctx, pair.ID, s.ending(grant, cause, (*consent.Consent).Terminate))
}

// random is a token of n characters, of 5 bits each.
func random(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}
