package connections

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service"
)

// Scopes of access tokens (STET part I §3.4.3), and what those of one consent of the
// Berlin Group dialect begin with (NextGenPSD2 1.3.x §13).
const (
	ScopeAISP        = "aisp"
	ScopeLongHistory = "extended_transaction_history"
	ScopeCBPII       = "cbpii"
	ScopePISP        = "pisp"
	ScopeConsent     = "AIS:"
)

// Identities turns the bank's ids into ours.
type Identities interface {
	PSU(ctx context.Context, bankID string) (uuid.UUID, error)
	Customer(ctx context.Context, bankID string) (uuid.UUID, error)
}

// Connections judges calls by the tokens that they bring. All fields are required,
// but for Keep, and for what the bank's own tokens take: Identities and Signers.
type Connections struct {
	Bearers    Bearers
	Identities Identities
	Signers    service.Signers
	Policy     consent.Policy
	Now        service.Clock
	// Keep is how long the bank's answer counts for whom a PSU acts, where tokens of its
	// own server are judged; a minute where zero. For as long, a PSU who acts for a
	// customer no more is still taken to, by each process that has asked before.
	Keep time.Duration

	memory memory
}

// Principal is in whose name a TPP calls, and for what.
type Principal struct {
	TPP           string
	PSU, Customer uuid.UUID
	// PSUID and CustomerID are the bank's ids of them.
	PSUID, CustomerID string
	Scopes            []string
	// Grant is what the token rests on; zero for one of the bank's own server.
	Grant uuid.UUID
	// Consent is the one that the token is for, of scope AIS:<consentId>; zero for none.
	Consent uuid.UUID
	// SCA is when the PSU was authenticated, and Until how long that holds.
	SCA, Until time.Time
	IssuedAt   time.Time
	// Certificate is the thumbprint of the one that the token is bound to (RFC 8705
	// §3.1, x5t#S256); empty for none.
	Certificate string
	// Standing is what the TPP has forwarded for the PSU.
	Standing Standing
}

// May reports whether the token has a scope.
func (p *Principal) May(scope string) bool { return slices.Contains(p.Scopes, scope) }

// Holder is whose forwarded consent the principal sees.
func (p *Principal) Holder() Holder { return Holder{TPP: p.TPP, Customer: p.Customer, PSU: p.PSU} }

// Use judges an access token of ours. Fails with CodeTokenInvalid for one that is
// not known or whose grant has ended, CodeTokenExpired, CodeCertificateBlocked where
// the bank has shut the TPP out, and CodeBlocked while it has suspended the grant.
func (s *Connections) Use(ctx context.Context, token string) (Principal, error) {
	now := s.Now()
	b, err := s.Bearers.Bearer(ctx, secret.Digest(token))
	if consent.CodeOf(err) == consent.CodeNotFound {
		explain.Refuse(ctx, "token: not known, or given back")
		return Principal{}, errInvalid()
	}
	if err != nil {
		return Principal{}, err
	}
	b.Grant.Settle(now)
	switch {
	case b.Shut:
		explain.Refuse(ctx, "token: the bank has blocked %s", b.Pair.TPP)
		return Principal{}, consent.E(consent.CodeCertificateBlocked, "the bank has blocked this TPP")
	case b.Grant.Status == consent.Suspended:
		explain.Refuse(ctx, "token: the bank has suspended its grant %s", b.Grant.ID)
		return Principal{}, consent.E(consent.CodeBlocked, "the bank has suspended the access")
	case b.Grant.Status != consent.Valid:
		explain.Refuse(ctx, "token: its grant %s is %s since %s", b.Grant.ID, b.Grant.Status, b.Grant.StatusChangedAt.Format(time.RFC3339))
		return Principal{}, errInvalid()
	case !now.Before(b.Pair.AccessUntil):
		explain.Refuse(ctx, "token: expired at %s", b.Pair.AccessUntil.Format(time.RFC3339))
		return Principal{}, consent.At(consent.CodeTokenExpired, "Header.Authorization", "the access token has expired")
	}
	p := Principal{
		TPP: b.Pair.TPP, PSU: b.Pair.PSU, Customer: b.Grant.Customer, PSUID: b.PSU, CustomerID: b.Customer,
		Scopes: strings.Fields(b.Pair.Active), Grant: b.Grant.ID, SCA: b.Grant.LastSCA, Until: b.Grant.EndsAt,
		IssuedAt: b.Pair.IssuedAt, Certificate: b.Pair.Certificate, Standing: b.Standing,
	}
	if b.Grant.Kind != consent.Connection {
		p.Consent = b.Grant.ID
	}
	explain.Note(ctx, "token: of %s, scope %s, grant %s", p.TPP, b.Pair.Active, p.Grant)
	return p, nil
}

// Again reads anew what the TPP has forwarded.
func (s *Connections) Again(ctx context.Context, p Principal) (Principal, error) {
	standing, err := s.Bearers.Standing(ctx, p.Holder())
	p.Standing = standing
	return p, err
}

func errInvalid() error {
	return consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access token is not known, or has ended")
}
