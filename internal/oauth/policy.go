package oauth

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/consents"
)

// What a request remembers of where the PSU agrees.
const (
	keyGrant         = "grant"
	keyAuthorisation = "authorisation"
)

func stored(kept map[string]any, key string) string {
	text, _ := kept[key].(string)
	return text
}

// challenge is a SHA-256 in base64url (RFC 7636 §4.2).
var challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authenticate is how the library has the PSU authenticated: it begins, and hears
// how it ended.
func (x *exchange) authenticate(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession) (goidc.AuthnStatus, error) {
	ctx := r.Context()
	if x.back {
		return x.ended(ctx, as)
	}
	if x.unsupported != nil {
		return goidc.StatusFailure, x.unsupported
	}
	asked, err := wanted(as.Scopes)
	if err != nil {
		return goidc.StatusFailure, err
	}
	if !challenge.MatchString(as.CodeChallenge) {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeInvalidRequest, "code_challenge must be a SHA-256, base64url without padding")
	}
	grant, started, err := x.begin(ctx, as, asked)
	if err != nil {
		return x.unable(ctx, err)
	}
	as.StoreParameter(keyGrant, grant.String())
	as.StoreParameter(keyAuthorisation, started.Authorisation.String())
	http.Redirect(w, r, x.Page(x.r, started.Handle), http.StatusSeeOther)
	return goidc.StatusInProgress, nil
}

// unable ends a request that cannot begin, or go on. Who is blocked gets nothing,
// not even the browser back.
func (x *exchange) unable(ctx context.Context, err error) (goidc.AuthnStatus, error) {
	if consent.CodeOf(err) == consent.CodeCertificateBlocked {
		return x.stay(err)
	}
	return goidc.StatusFailure, x.oauth(ctx, err)
}

// stay keeps the browser here, with a page, and the request as it is.
func (x *exchange) stay(err error) (goidc.AuthnStatus, error) {
	x.page = err
	return goidc.StatusInProgress, nil
}

// begin makes the connection, or finds the consent that a scope names, and starts
// the authorisation after whose end the browser comes back here.
func (x *exchange) begin(ctx context.Context, as *goidc.AuthnSession, asked []string) (uuid.UUID, *consents.Started, error) {
	call := callOf(x.client, x.caller, asked[0])
	back := x.Options.Issuer(x.r) + PathAuthorize + "/" + as.CallbackID
	wish := consents.Wish{
		Approach: consent.Redirect, Hint: service.Hint{Language: x.language}, RedirectURI: back, NokRedirectURI: back,
	}
	if id, ok := consentOf(asked[0]); ok {
		started, err := x.authorise(ctx, call, id, wish)
		return id, started, err
	}
	var started *consents.Started
	c, err := x.Consents.Create(ctx, call, connection(asked, as.RedirectURI), wish,
		func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
			started = s
			return nil
		})
	if err != nil {
		return uuid.Nil, nil, err
	}
	explain.Note(ctx, "oauth2: connection %s for scope %s", c.ID, strings.Join(asked, " "))
	return c.ID, started, nil
}

// connection is what a PSU agrees to who connects a TPP.
func connection(asked []string, redirectURI string) consent.Draft {
	return consent.Draft{
		Access: consent.Access{Scope: consent.ScopeAvailable, Rights: rightsOf(asked)}, Recurring: true, RedirectURI: redirectURI,
	}
}

// authorise starts an authorisation of a consent whose use takes a token. Fails with
// CodeNotFound for any other.
func (x *exchange) authorise(ctx context.Context, call service.Call, id uuid.UUID, wish consents.Wish) (*consents.Started, error) {
	c, err := x.Consents.Get(ctx, call, id)
	if err != nil {
		return nil, err
	}
	if !c.ByToken {
		explain.Refuse(ctx, "oauth2: consent %s takes no token", id)
		return nil, service.ErrUnknown()
	}
	return x.Consents.StartAuthorisation(ctx, call, id, wish, nil)
}

// finished tells whether it is the browser in which a run has been walked that comes
// back. On pages of the bank's own no browser is bound to us: there the address is told
// with the result alone (sca.Dispatcher.SetResult), and whoever has it is the one.
func (x *exchange) finished(run *consent.Run) bool {
	if x.OwnPages != nil && x.OwnPages(run) {
		return true
	}
	return run.Bound() && run.Browser == x.browser
}

// ended decides by how the authorisation ended, in the browser in which it did.
func (x *exchange) ended(ctx context.Context, as *goidc.AuthnSession) (goidc.AuthnStatus, error) {
	asked := plain(as.Scopes)
	c, a, err := x.authorisation(ctx, as, asked[0])
	if err != nil {
		return x.unable(ctx, err)
	}
	run, err := x.Runs.RunOf(ctx, a.ID)
	switch {
	case err != nil:
		return x.unable(ctx, err)
	case a.Status.Final() && !a.Status.Granted(): // nobody gets anything by that
		return denied(ctx, c, a, "the authorisation was not given")
	case !x.finished(run) && (run.Bound() || a.Status.Final()):
		explain.Refuse(ctx, "oauth2: the authorisation %s belongs to another browser", a.ID)
		return x.stay(consent.E(consent.CodeForbidden, "this belongs to another browser"))
	case !a.Status.Final(): // a page has led back before the end
		return denied(ctx, c, a, "the authorisation was not finished")
	case c.Status == consent.PartiallyAuthorised:
		return denied(ctx, c, a, "another signer has to authorise, too")
	case c.Status != consent.Valid:
		return denied(ctx, c, a, "what was authorised has ended")
	}
	as.SetUserID(a.PSU.String())
	as.GrantScopes(strings.Join(asked, " "))
	return goidc.StatusSuccess, nil
}

func denied(ctx context.Context, c *consent.Consent, a *consent.Authorisation, why string) (goidc.AuthnStatus, error) {
	explain.Refuse(ctx, "oauth2: consent %s is %s, its authorisation %s is %s", c.ID, c.Status, a.ID, a.Status)
	return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, why)
}

// authorisation is what a request waits for.
func (x *exchange) authorisation(ctx context.Context, as *goidc.AuthnSession, scope string) (*consent.Consent, *consent.Authorisation, error) {
	grant, err := uuid.Parse(stored(as.Storage, keyGrant))
	if err != nil {
		return nil, nil, fmt.Errorf("grant of a request: %w", err)
	}
	id, err := uuid.Parse(stored(as.Storage, keyAuthorisation))
	if err != nil {
		return nil, nil, fmt.Errorf("authorisation of a request: %w", err)
	}
	c, err := x.Consents.Get(ctx, callOf(x.client, x.caller, scope), grant)
	if err != nil {
		return nil, nil, err
	}
	a, err := c.Authorisation(id)
	return c, a, err
}
