package oauth

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
)

// exchange is one call, as the library's adapters see it. The library is set up for
// each call anew, which costs little and shares nothing between calls.
type exchange struct {
	*Server
	r   *http.Request // as it came
	now time.Time
	// client is whose call it is, and caller the same as it shows itself; at authorize
	// nobody does.
	client *register.TPP
	caller tpp.TPP
	// language is the one that the PSU prefers, by the TPP's word.
	language string
	// unsupported is what a request asks for that there is not; nil for nothing.
	unsupported error
	browser     consent.Digest // of the cookie; zero for none
	back        bool           // the browser comes back
	code        string         // that was brought
	asked       string         // the grant that it is for
	// taken is the request of the code, until tokens are issued for it.
	taken    string
	revoking bool // what has expired can be revoked too
	// grant is what tokens rest on, once it was read, and pair those that there are.
	grant   *consent.Consent
	pair    *connections.Pair
	refresh string // the refresh token that was brought
	active  string // the scopes of the access token that is made
	// noticed is what the library refused the call for, page what keeps a browser here,
	// and trouble what went wrong on our side: it counts more than what the library
	// makes of it.
	noticed, page, trouble error
}

// failed keeps what is our fault, and nobody else's; not to be found is an answer.
func (x *exchange) failed(err error) error {
	if err != nil && x.trouble == nil && consent.CodeOf(err) != consent.CodeNotFound {
		x.trouble = err
	}
	return err
}

// roles are what the client is licensed for. Of one that the bank has set up and that
// has not called yet nobody knows: its certificate says, when it brings the code.
func (x *exchange) roles(role eidas.Role) bool {
	switch {
	case x.caller.ID != "":
		return x.caller.May(role)
	case x.client.FirstSeen.IsZero() && len(x.client.Roles) == 0:
		return true
	}
	return slices.Contains(x.client.Roles, string(role))
}

// certificate is what the caller showed. Fails where it showed none.
func (x *exchange) certificate() (*x509.Certificate, error) {
	if x.caller.Certificate == nil || x.caller.Certificate.X509 == nil {
		return nil, errors.New("no certificate was shown")
	}
	return x.caller.Certificate.X509, nil
}

// provider is the library, set up for the call.
func (x *exchange) provider() (*provider.Provider, error) {
	issuer := x.Options.Issuer(x.r)
	always := func(*http.Request, *goidc.Client, *goidc.AuthnSession) bool { return true }
	return provider.New(goidc.ProfileOpenID, issuer, noKeys,
		provider.WithAuthorizeEndpoint(PathAuthorize),
		provider.WithTokenEndpoint(PathToken),
		provider.WithTokenRevocationEndpoint(PathRevoke),
		provider.WithTokenIntrospectionEndpoint(PathIntrospect),
		provider.WithClientStorage(clients{x}),
		provider.WithAuthnSessionStorage(requests{x}),
		provider.WithGrantSessionStorage(pairs{x}),
		provider.WithScopes(x.scopes()...),
		provider.WithAuthorizationCodeGrant(),
		provider.WithRefreshTokenGrant(func(*goidc.Client, goidc.GrantInfo) bool { return true }, 1), // its end is the grant's
		provider.WithTokenAuthnMethods(goidc.ClientAuthnTLS, goidc.ClientAuthnNone),
		provider.WithTokenIntrospection(func(*goidc.Client, goidc.TokenInfo) bool { return true }, goidc.ClientAuthnTLS, goidc.ClientAuthnNone),
		provider.WithTokenRevocation(func(*goidc.Client) bool { return true }, goidc.ClientAuthnTLS, goidc.ClientAuthnNone),
		provider.WithMTLS(issuer, func(*http.Request) (*x509.Certificate, error) { return x.certificate() }),
		provider.WithTLSCertTokenBinding(),
		provider.WithPKCERequired(goidc.CodeChallengeMethodSHA256),
		provider.WithIssuerResponseParameter(),
		provider.WithPolicies(goidc.NewPolicy("sca", always, x.authenticate)),
		provider.WithHandleGrantFunc(func(r *http.Request, g *goidc.GrantInfo) error { return x.judge(r.Context(), g) }),
		provider.WithTokenOptions(x.tokens),
		provider.WithNotifyErrorFunc(x.notice),
		provider.WithRenderErrorFunc(func(_ http.ResponseWriter, _ *http.Request, err error) error {
			x.page = err
			return nil
		}),
	)
}

// noKeys are the keys of a server that signs nothing: its tokens are opaque.
func noKeys(context.Context) (goidc.JSONWebKeySet, error) { return goidc.JSONWebKeySet{}, nil }

// scopes are those that the client may ask for, as the library takes them.
func (x *exchange) scopes() []goidc.Scope {
	var list []goidc.Scope
	if x.client == nil {
		return list
	}
	for _, s := range x.offered(x.roles) {
		list = append(list, goidc.NewDynamicScope(s.name, s.fits))
	}
	return list
}

// notice hears why the library refuses.
func (x *exchange) notice(ctx context.Context, err error) {
	x.noticed = err
	if _, refused := errors.AsType[goidc.Error](err); !refused { // of a token that is asked after
		explain.Note(ctx, "oauth2: the token opens nothing for this TPP")
		return
	}
	said := refusalOf(err)
	explain.Refuse(ctx, "oauth2: %s", said.Description)
	explain.Conclude(ctx, said.Error, said.Description)
}

// ask lets the library answer a request, and keeps the answer back.
func (x *exchange) ask(r *http.Request) (*answer, error) {
	op, err := x.provider()
	if err != nil {
		return nil, err
	}
	a := &answer{header: http.Header{}}
	op.Handler().ServeHTTP(a, r)
	switch {
	case x.trouble != nil:
		return nil, x.trouble
	case a.status == 0 && x.page == nil: // the library tells nothing to who has left
		return nil, errors.Join(errUnanswered, r.Context().Err())
	}
	return a, nil
}

var errUnanswered = errors.New("the library has not answered")

// answer keeps what the library writes until it is known whether all went well.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*answer)(nil)

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// clients tells the library who the client is: nobody but whose call it is.
type clients struct{ x *exchange }

var _ goidc.ClientManager = clients{}

var errReadOnly = errors.New("clients are kept in the register")

// Save implements goidc.ClientManager.
func (clients) Save(context.Context, *goidc.Client) error { return errReadOnly }

// Delete implements goidc.ClientManager.
func (clients) Delete(context.Context, string) error { return errReadOnly }

// Client implements goidc.ClientManager.
func (c clients) Client(_ context.Context, id string) (*goidc.Client, error) {
	x := c.x
	if x.client == nil || x.client.ID != id {
		return nil, consent.E(consent.CodeNotFound, "another client")
	}
	var names []string
	for _, s := range x.offered(x.roles) {
		names = append(names, s.name)
	}
	client := &goidc.Client{ID: id, ClientMeta: goidc.ClientMeta{
		Name:             x.client.Name,
		RedirectURIs:     x.client.RedirectURIs,
		GrantTypes:       []goidc.GrantType{goidc.GrantAuthorizationCode, goidc.GrantRefreshToken},
		ResponseTypes:    []goidc.ResponseType{goidc.ResponseTypeCode},
		ScopeIDs:         strings.Join(names, " "),
		TokenAuthnMethod: goidc.ClientAuthnNone,
	}}
	if cert, err := x.certificate(); err == nil {
		client.TokenAuthnMethod, client.TLSSubDistinguishedName = goidc.ClientAuthnTLS, cert.Subject.String()
	}
	return client, nil
}
