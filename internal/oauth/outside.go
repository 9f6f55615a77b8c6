package oauth

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
)

// OutsideConnections says in whose name a TPP calls whose token was verified;
// *connections.Connections does.
type OutsideConnections interface {
	Outside(ctx context.Context, c connections.Claims) (connections.Principal, error)
}

// Outside judges access tokens that the bank's own OAuth2 server has issued: JWTs by
// the keys of that server (RFC 9068), or any token by asking the server for it
// (RFC 7662). What such a token opens is for [OutsideConnections] to say. Make one
// with [NewOutside].
type Outside struct {
	verifier    outsideVerifier
	keys        *outsideKeys // nil where the server is asked for each token
	connections OutsideConnections
	options     OutsideOptions
	now         func() time.Time
}

var _ tpp.Bearers = (*Outside)(nil)

// outsideVerifier reads a token and makes sure that the bank's server has issued it.
// Fails with an outsideError for one that it has not, or that has ended, and with
// CodeUnavailable where that cannot be told now.
type outsideVerifier interface {
	verify(ctx context.Context, token string) (outsideClaims, error)
}

// NewOutside makes an Outside. It fails with what [OutsideOptions.Check] finds, and
// where a file of keys cannot be used; the server is asked with the first call only.
func NewOutside(o OutsideOptions, c OutsideConnections, now func() time.Time) (*Outside, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if c == nil || now == nil {
		return nil, errors.New("tokens of the bank's own server take connections and a clock")
	}
	o = o.withDefaults()
	outside := &Outside{connections: c, options: o, now: now}
	if o.Introspection != nil {
		outside.verifier = newOutsideIntrospection(o, now)
		return outside, nil
	}
	keys, err := newOutsideKeys(o, now)
	if err != nil {
		return nil, err
	}
	outside.keys, outside.verifier = keys, &outsideJWT{keys: keys, names: o.names()}
	return outside, nil
}

// Bearer implements tpp.Bearers. It fails besides with what [OutsideConnections] does.
func (o *Outside) Bearer(r *http.Request, caller tpp.TPP) (connections.Principal, error) {
	token := tpp.TokenOf(r)
	if token == "" {
		return connections.Principal{}, tpp.ErrNoToken()
	}
	return o.Token(r.Context(), token, tpp.HolderOf(r, caller))
}

// Token tells in whose name a TPP calls that shows this token. It fails as Bearer does;
// where the token itself is at fault, a [tpp.TokenError] says why.
func (o *Outside) Token(ctx context.Context, token string, by tpp.Holder) (connections.Principal, error) {
	claims, err := o.claims(ctx, token, by)
	if refused, ok := errors.AsType[outsideError](err); ok {
		explain.Refuse(ctx, "token of the bank's own server: it %s", string(refused))
		return connections.Principal{}, refused.domain()
	}
	if err != nil {
		explain.Refuse(ctx, "token of the bank's own server: it cannot be judged now")
		return connections.Principal{}, err
	}
	claims.Call = consent.Cause{By: consent.ByTPP, Who: by.TPP, Certificate: by.Fingerprint, RequestID: by.RequestID}
	return o.connections.Outside(ctx, claims)
}

// Close ends what is under way to the bank's server, and waits for it, at most until
// ctx ends. Keys are not read again after it.
func (o *Outside) Close(ctx context.Context) error {
	if o.keys == nil {
		return nil
	}
	return o.keys.close(ctx)
}

// claims verifies a token and holds it against who calls, when.
func (o *Outside) claims(ctx context.Context, token string, by tpp.Holder) (connections.Claims, error) {
	if len(token) > maxOutsideToken || !outsideToken68.MatchString(token) {
		return connections.Claims{}, outsideError("is no token by its form")
	}
	c, err := o.verifier.verify(ctx, token)
	if err != nil {
		return connections.Claims{}, err
	}
	now := o.now()
	for _, check := range []error{o.checkIssuer(c), checkOutsideHolder(c, by), o.checkTimes(c, now)} {
		if check != nil {
			return connections.Claims{}, check
		}
	}
	return connections.Claims{
		TPP: by.TPP, PSU: c.psu, Customer: c.customer, Scopes: slices.Clone(c.scopes),
		IssuedAt: outsideEarliest(c.issuedAt, now), SCA: outsideEarliest(c.authTime, now), Certificate: c.certificate,
	}, nil
}

const (
	// maxOutsideToken is the length in bytes above which a token is not looked at.
	maxOutsideToken = 16 << 10
	// pathOutsideToken is where the token is, for the errors.
	pathOutsideToken = "Header.Authorization"
)

// outsideToken68 is the form of a bearer token (RFC 6750 §2.1).
var outsideToken68 = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// checkIssuer says who has issued a token, and for whom it is (RFC 9068 §4).
func (o *Outside) checkIssuer(c outsideClaims) error {
	switch {
	case o.options.Issuer != "" && c.issuer != o.options.Issuer:
		return outsideError("is of another issuer")
	case len(o.options.Audience) > 0 && !slices.ContainsFunc(c.audience, func(s string) bool { return slices.Contains(o.options.Audience, s) }):
		return outsideError("is for another audience")
	}
	return nil
}

// checkOutsideHolder says that a token is its holder's, and bound to no other
// certificate than the holder's (RFC 8705 §3).
func checkOutsideHolder(c outsideClaims, by tpp.Holder) error {
	switch {
	case !isOutsideClient(c.client, by.TPP):
		return outsideError("is of another TPP")
	case c.psu == c.client:
		// By the grant of client credentials sub is the client (RFC 9068 §2.2).
		return outsideError("is in the name of no PSU")
	case c.certificate == "":
		return nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(c.certificate)
	if err != nil || len(sum) == 0 || hex.EncodeToString(sum) != by.Fingerprint {
		return outsideError("is bound to another certificate")
	}
	return nil
}

// isOutsideClient says whether the bank's server means a TPP by a client_id: it may
// know TPPs by the organizationIdentifier (ETSI TS 119 495 §5.2.1), as STET wants it, or
// by our id, in which that stands after the colon.
func isOutsideClient(client, id string) bool {
	_, organisation, _ := strings.Cut(id, ":")
	return client != "" && (client == id || client == organisation)
}

// checkTimes says that a token is good at now (RFC 7519 §4.1). That it is over is
// said last: then everything else about it is right.
func (o *Outside) checkTimes(c outsideClaims, now time.Time) error {
	ahead, behind := now.Add(o.options.Leeway), now.Add(-o.options.Leeway)
	switch {
	case c.issuedAt.After(ahead):
		return outsideError("is issued in the future")
	case c.notBefore.After(ahead):
		return outsideError("is not yet good")
	case c.authTime.After(ahead):
		return outsideError("has an auth_time in the future")
	case !behind.Before(c.expires):
		return errOutsideExpired
	}
	return nil
}

// outsideError is why a token is not accepted: what it is, or lacks. It is for the
// log and for integrators; who sent the token is told nothing of it.
type outsideError string

// errOutsideExpired is the refusal of what was good.
const errOutsideExpired outsideError = "has expired"

// Error implements error.
func (r outsideError) Error() string { return "the token of the bank's own server " + string(r) }

// fault is the reason as the bank reads it.
func (r outsideError) fault() tpp.TokenError {
	return tpp.TokenError("of the bank's own server " + string(r))
}

func (r outsideError) domain() error {
	if r == errOutsideExpired {
		return consent.At(consent.CodeTokenExpired, pathOutsideToken, "the access token has expired").Because(r.fault())
	}
	return consent.At(consent.CodeTokenInvalid, pathOutsideToken, "the access token is not known, or has ended").Because(r.fault())
}

// outsideUnavailable says that nothing can be told now.
func outsideUnavailable(operation string, cause error) error {
	return consent.E(consent.CodeUnavailable, "access tokens cannot be judged now").Because(fmt.Errorf("%s: %w", operation, cause))
}

func outsideEarliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
