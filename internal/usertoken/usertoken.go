package usertoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"consentd/internal/consent"
)

const (
	// HeaderToken holds a JWT of the bank's session, HeaderUser the id of a user.
	HeaderToken = "X-User-Token" //nolint:gosec // the name of a header, and no credential
	HeaderUser  = "X-User-Id"

	// Audience is for whom the JWT must be.
	Audience = "consentd"

	claimPSU = "psu"

	maxToken = 8 << 10 // bytes
	maxKeys  = 64
	skew     = 30 * time.Second // between the bank's clocks
	// maxLife is for how long a token may be good: a session that has ended cannot be told.
	maxLife = time.Hour
)

// Directory turns the bank's id of a PSU into ours. Fails with CodeNotFound for one whom
// the bank does not know.
type Directory interface {
	User(ctx context.Context, psu string) (userID string, err error)
}

// Users tells for whom a dashboard acts.
type Users struct {
	keys  jwk.Set // public; nil where there are no tokens
	users Directory
	trust bool
	now   func() time.Time
}

// Options say how a dashboard names its user.
type Options struct {
	// JWKS are the public keys of the bank's sessions (RFC 7517); nil where there are
	// no tokens.
	JWKS []byte
	// Trust takes the id of a user from the dashboard without any token.
	Trust bool
}

// New reads the keys. Fails for keys that cannot verify a signature, or that are
// shared: whoever verifies by them could sign.
func New(o Options, users Directory, now func() time.Time) (*Users, error) {
	u := &Users{users: users, trust: o.Trust, now: now}
	if o.JWKS == nil {
		return u, nil
	}
	set, err := jwk.Parse(o.JWKS)
	if err != nil {
		return nil, errors.New("keys of the bank's sessions are no JWKS")
	}
	if set.Len() == 0 || set.Len() > maxKeys {
		return nil, fmt.Errorf("keys of the bank's sessions must be 1 to %d", maxKeys)
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if kind := key.KeyType().String(); kind != "RSA" && kind != "EC" && kind != "OKP" {
			return nil, fmt.Errorf("key %d of the bank's sessions is of the type %s, and not public", i, kind)
		}
	}
	if u.keys, err = jwk.PublicSetOf(set); err != nil {
		return nil, errors.New("keys of the bank's sessions cannot be used")
	}
	return u, nil
}

// User returns our id of the user for whom a call is made. Fails with
// CodeUnauthenticated, and as the Directory does where the bank does not answer.
func (u *Users) User(r *http.Request) (string, error) {
	tokens, ids := r.Header.Values(HeaderToken), r.Header.Values(HeaderUser)
	switch {
	case len(tokens) == 1 && u.keys != nil && len(tokens[0]) <= maxToken:
		return u.byToken(r.Context(), tokens[0])
	case len(tokens) > 0:
		return "", refused("cannot be used", nil)
	case len(ids) == 1 && u.trust:
		return ids[0], nil
	case u.trust:
		return "", consent.At(consent.CodeUnauthenticated, "Header."+HeaderUser, "is required: for whom is the call?")
	default:
		return "", refused("is required: for whom is the call?", nil)
	}
}

func refused(text string, cause error) error {
	return consent.At(consent.CodeUnauthenticated, "Header."+HeaderToken, "%s", text).Because(cause)
}

// byToken reads the user of a JWT: sub is our id of them, psu the bank's.
func (u *Users) byToken(ctx context.Context, raw string) (string, error) {
	token, err := jwt.ParseString(
		raw, jwt.WithKeySet(u.keys, jws.WithInferAlgorithmFromKey(true), jws.WithRequireKid(false)), jwt.WithAudience(Audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithClock(jwt.ClockFunc(u.now)), jwt.WithAcceptableSkew(skew),
	)
	if err != nil {
		return "", refused("is not signed by the bank's session, for us, or is past its end", nil)
	}
	if end, _ := token.Expiration(); end.After(u.now().Add(maxLife + skew)) {
		return "", refused("is good for too long", nil)
	}
	var psu string
	if token.Has(claimPSU) {
		if err := token.Get(claimPSU, &psu); err != nil || psu == "" {
			return "", refused("must have a text as psu", nil)
		}
		id, err := u.users.User(ctx, psu)
		if consent.CodeOf(err) == consent.CodeNotFound {
			return "", refused("names a user whom the bank does not know", err)
		}
		return id, err //nolint:wrapcheck // it is the directory's to say
	}
	sub, _ := token.Subject()
	if sub == "" {
		return "", refused("names no user", nil)
	}
	return sub, nil
}
