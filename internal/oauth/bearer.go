package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
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
	ctx := r.Context()
	token := tpp.TokenOf(r)
	if token == "" {
		explain.Refuse(ctx, "token: none was sent as Authorization: Bearer")
		return connections.Principal{}, tpp.ErrNoToken()
	}
	p, err := o.Connections.Use(ctx, token)
	switch {
	case err != nil:
		return connections.Principal{}, err
	case p.TPP != caller.ID:
		explain.Refuse(ctx, "token: is another TPP's")
		return connections.Principal{}, errBearer()
	case p.Certificate != "" && p.Certificate != thumbprintOf(caller):
		explain.Refuse(ctx, "token: is bound to another certificate than the one that was shown")
		return connections.Principal{}, errBearer()
	}
	return p, nil
}

func errBearer() error {
	return consent.At(consent.CodeTokenInvalid, "Header.Authorization", "the access token is not known, or has ended")
}

// thumbprintOf is x5t#S256 of the caller's certificate (RFC 8705 §3.1); empty where
// it showed none.
func thumbprintOf(caller tpp.TPP) string {
	if caller.Certificate == nil || caller.Certificate.X509 == nil {
		return ""
	}
	sum := sha256.Sum256(caller.Certificate.X509.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
