package oauth

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
)

// OwnConnections says what an access token of ours opens; *connections.Connections
// does.
type OwnConnections interface {
	Use(ctx context.Context, token string) (connections.Principal, error)
}

// Own judges access tokens that this server has issued.
type Own struct{ Connections OwnConnections }

var _ tpp.Bearers = Own{}

// Bearer implements tpp.Bearers. It fails besides with what [OwnConnections] does.
func (o Own) Bearer(r *http.Request, caller tpp.TPP) (connections.Principal, error) {
	token := tpp.TokenOf(r)
	if token == "" {
		explain.Refuse(r.Context(), "token: none was sent as Authorization: Bearer")
		return connections.Principal{}, tpp.ErrNoToken()
	}
	return o.Token(r.Context(), token, tpp.HolderOf(r, caller))
}

// Token tells in whose name a TPP calls that shows this token. It fails as Bearer does;
// where the token is not its holder's, a [tpp.TokenError] says why.
func (o Own) Token(ctx context.Context, token string, by tpp.Holder) (connections.Principal, error) {
	p, err := o.Connections.Use(ctx, token)
	switch {
	case err != nil:
		return connections.Principal{}, err
	case p.TPP != by.TPP:
		return connections.Principal{}, errBearer(ctx, "is another TPP's")
	case p.Certificate != "" && p.Certificate != thumbprintOf(by.Fingerprint):
		return connections.Principal{}, errBearer(ctx, "is bound to another certificate than the one that was shown")
	}
	return p, nil
}

func errBearer(ctx context.Context, why tpp.TokenError) error {
	explain.Refuse(ctx, "token: %s", string(why))
	return consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access token is not known, or has ended").Because(why)
}

// thumbprintOf is x5t#S256 of the certificate of a fingerprint (RFC 8705 §3.1); empty
// for none.
func thumbprintOf(fingerprint string) string {
	sum, err := hex.DecodeString(fingerprint)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
