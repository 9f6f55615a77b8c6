package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
)

// Tokens makes and ends access tokens without a browser: it is the OAuth2 server's
// own, and what it makes is what a browser would have brought.
type Tokens interface {
	// Mint connects a TPP with a PSU, by the bank's id of them, as if they had
	// authenticated and agreed just now. Fails with the codes of the domain.
	Mint(ctx context.Context, client tpp.TPP, psu string, scopes []string) (Minted, error)
	// End ends an access or a refresh token, as the TPP would (RFC 7009). Fails with
	// CodeNotFound for one that is not known.
	End(ctx context.Context, token string) error
	// Owner is the id of the TPP that holds an access token which is alive. Fails with
	// CodeTokenInvalid and CodeTokenExpired for any other, with CodeUnavailable.
	Owner(ctx context.Context, token string) (tppID string, err error)
}

// Minted are tokens as they were made.
type Minted struct {
	AccessToken, RefreshToken string
	ExpiresIn                 time.Duration // of the access token
	Scope                     string        // what was granted, with blanks between
}

// tokenOrder is the body of POST /sandbox/tokens.
type tokenOrder struct {
	PSU   string `json:"psu"`
	TPP   string `json:"tpp"`
	Scope string `json:"scope"`
}

// tokenAnswer is its answer (RFC 6749 §5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// issuing lets calls for tokens through where there is somebody who makes them.
func (s *Sandbox) issuing(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Tokens == nil {
			return s.fail(c, consent.E(consent.CodeNotFound, "this sandbox issues no access tokens"))
		}
		return next(c)
	}
}

func (s *Sandbox) mintToken(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	var o tokenOrder
	if err := pages.Decode(c.Request(), &o); err != nil {
		return s.fail(c, err)
	}
	client, scopes, err := s.tokenFor(o)
	if err != nil {
		return s.fail(c, err)
	}
	m, err := s.Tokens.Mint(c.Request().Context(), client, o.PSU, scopes)
	if err != nil {
		return s.fail(c, err)
	}
	return c.JSON(http.StatusCreated, tokenAnswer{
		AccessToken: m.AccessToken, TokenType: "Bearer", ExpiresIn: int(m.ExpiresIn / time.Second), RefreshToken: m.RefreshToken, Scope: m.Scope,
	})
}

// tokenFor checks an order. Fails with CodeFormat, with CodeNotFound for a persona or
// a TPP that the sandbox does not have, and with CodeForbidden for a persona whom the
// bank does not let through.
func (s *Sandbox) tokenFor(o tokenOrder) (tpp.TPP, []string, error) {
	scopes, err := scopesOf(o.Scope)
	if err != nil {
		return tpp.TPP{}, nil, err
	}
	if err := authenticated(o.PSU); err != nil {
		return tpp.TPP{}, nil, err
	}
	name := defaultTPP
	if o.TPP != "" {
		name = s.TPPs.named(o.TPP)
	}
	client, known := s.TPPs.find(name)
	if !known {
		return tpp.TPP{}, nil, consent.At(consent.CodeNotFound, "tpp", "the sandbox has no such TPP; GET /sandbox/tpps lists them")
	}
	return client, scopes, nil
}

// authenticated tells whether a persona would get through the authentication that a
// token stands for.
func authenticated(psu string) error {
	if psu == "" {
		return consent.At(consent.CodeFormat, "psu", "psu must be the id of a persona")
	}
	p, err := personaOf(psu)
	switch {
	case err != nil:
		return consent.At(consent.CodeNotFound, "psu", "the sandbox has no such persona; GET /sandbox/psus lists them")
	case p.ID == personaBlocked:
		return consent.At(consent.CodeForbidden, "psu", "the bank has blocked this PSU")
	case p.ID == personaReject:
		return consent.At(consent.CodeForbidden, "psu", "the bank refuses to authenticate this PSU")
	}
	return nil
}

// tokenScopes are what a token can be ordered for.
var tokenScopes = []string{connections.ScopeAISP, connections.ScopeLongHistory, connections.ScopeCBPII, connections.ScopePISP}

// scopesOf reads scopes with blanks between; aisp for none.
func scopesOf(text string) ([]string, error) {
	scopes := strings.Fields(text)
	for i, scope := range scopes {
		if !slices.Contains(tokenScopes, scope) {
			return nil, consent.At(consent.CodeFormat, "scope", "scope must be of %s, with blanks between", strings.Join(tokenScopes, ", "))
		}
		if slices.Contains(scopes[:i], scope) {
			return nil, consent.At(consent.CodeFormat, "scope", "scope names %s twice", scope)
		}
	}
	if len(scopes) == 0 {
		return []string{connections.ScopeAISP}, nil
	}
	return scopes, nil
}

// endToken ends a token. Whatever rests on it ends too, as by RFC 7009.
func (s *Sandbox) endToken(c echo.Context) error {
	err := s.Tokens.End(c.Request().Context(), c.Param("token"))
	if consent.CodeOf(err) == consent.CodeNotFound {
		return s.fail(c, consent.E(consent.CodeNotFound, "the sandbox has no such token, or it has ended").Because(err))
	}
	if err != nil {
		return s.fail(c, err)
	}
	return c.NoContent(http.StatusNoContent)
}
