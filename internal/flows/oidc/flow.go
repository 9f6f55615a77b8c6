package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"consentd/internal/openid"
	"consentd/pkg/sca"
)

// What a step may fail with, besides the end of its context.
var (
	// ErrProvider means that the provider is down, slow, or not as the standard wants it.
	ErrProvider = openid.ErrProvider
	// ErrRequest means that the provider refuses what consentd asks: a fault of the set-up.
	ErrRequest = errors.New("the identity provider refuses the request")
	// ErrReturn means that what the browser brought back does not belong to this run.
	ErrReturn = errors.New("what came back from the identity provider is not for this run")
	// ErrToken means that the ID token does not show what it has to.
	ErrToken = errors.New("the ID token is refused")
)

// Flow implements sca.Flow.
type Flow struct {
	cfg      Config
	client   *http.Client
	provider *openid.Lookup
}

var (
	_ sca.Flow    = (*Flow)(nil)
	_ sca.Limited = (*Flow)(nil)
)

// New makes a Flow. It reaches for nothing. Fails with what is missing or wrong
// in the configuration.
func New(cfg Config) (*Flow, error) {
	if err := errors.Join(cfg.check(), cfg.complete()); err != nil {
		return nil, err
	}
	client := openid.Bounded(cfg.HTTP)
	return &Flow{cfg: cfg, client: client, provider: &openid.Lookup{Client: client, Now: cfg.Now}}, nil
}

// Approaches implements sca.Limited: without a browser there is no redirect.
func (*Flow) Approaches() []sca.Approach { return []sca.Approach{sca.InRedirect} }

// Start implements sca.Flow.
func (f *Flow) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("start: %w", err)
	}
	return f.sendAway(ctx, req)
}

// Continue implements sca.Flow.
func (f *Flow) Continue(ctx context.Context, req sca.Request, raw []byte, in sca.Input) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("continue: %w", err)
	}
	s, err := parse(raw)
	if err != nil {
		return sca.Step{}, err
	}
	switch in.Kind {
	case sca.Returned:
		return f.returned(ctx, req, s, in.Fields)
	case sca.Cancel:
		return sca.Step{Outcome: sca.Denied}, nil
	default:
		return sca.Step{}, fmt.Errorf("oidc flow: input %q: %w", in.Kind, errors.ErrUnsupported)
	}
}

// sendAway is the step that sends the browser to the provider.
func (f *Flow) sendAway(ctx context.Context, req sca.Request) (sca.Step, error) {
	if req.ReturnURL == "" || req.ReturnState == "" {
		return sca.Step{}, fmt.Errorf("oidc flow without a browser: %w", errors.ErrUnsupported)
	}
	p, err := f.provider.Get(ctx, f.cfg.Issuer)
	if err != nil {
		return sca.Step{}, err
	}
	s := state{Stage: stageAway, Key: req.StepKey, Return: req.ReturnURL, Known: digest(req.ReturnState)}
	address := f.oauth(p, s.Return).AuthCodeURL(req.ReturnState, f.asking(req, s)...)
	return s.in(sca.Step{Outcome: sca.Redirect, URL: address})
}

// oauth is the OAuth2 client for one trip.
func (f *Flow) oauth(p *openid.Provider, returnURL string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: f.cfg.ClientID, ClientSecret: f.cfg.ClientSecret,
		Endpoint: p.Endpoint, RedirectURL: returnURL, Scopes: f.cfg.Scopes,
	}
}

// isTag is the shape of a language tag (BCP 47); the provider decides which it knows.
var isTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// asking are the parameters of the authentication request (OpenID Connect Core
// 1.0 §3.1.2.1) besides those of OAuth2.
func (f *Flow) asking(req sca.Request, s state) []oauth2.AuthCodeOption {
	options := []oauth2.AuthCodeOption{oidc.Nonce(f.nonce(s)), oauth2.S256ChallengeOption(f.verifier(s))}
	for name, value := range map[string]string{
		"max_age":    strconv.Itoa(int(f.cfg.MaxAge / time.Second)),
		"prompt":     f.cfg.Prompt,
		"acr_values": strings.Join(f.cfg.ACRValues, " "),
		"login_hint": strings.TrimSpace(req.Hint),
		"ui_locales": isTag.FindString(req.Language),
	} {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return options
}

// returned judges what the browser brought back.
func (f *Flow) returned(ctx context.Context, req sca.Request, s state, fields map[string]string) (sca.Step, error) {
	if !s.brought(fields["state"]) {
		return sca.Step{}, fmt.Errorf("%w: another state", ErrReturn)
	}
	p, err := f.provider.Get(ctx, f.cfg.Issuer)
	if err != nil {
		return sca.Step{}, err
	}
	// Without this, an answer of another provider could be taken for this one's (RFC 9207 §2.4).
	if iss, given := fields["iss"]; iss != f.cfg.Issuer && (given || p.NamesIssuer) {
		return sca.Step{}, fmt.Errorf("%w: another issuer", ErrReturn)
	}
	if code := fields["error"]; code != "" {
		return f.refused(ctx, req, code)
	}
	if fields["code"] == "" {
		return sca.Step{}, fmt.Errorf("%w: no code", ErrReturn)
	}
	psu, err := f.identify(ctx, p, trip{state: s, code: fields["code"], key: req.StepKey})
	if errors.Is(err, errSpent) {
		return f.sendAway(ctx, req)
	}
	if err != nil {
		return sca.Step{}, err
	}
	return sca.Step{Outcome: sca.Done, PSU: psu}, nil
}

// refused answers an error of the authorization endpoint.
func (f *Flow) refused(ctx context.Context, req sca.Request, code string) (sca.Step, error) {
	switch {
	case code == "access_denied":
		return sca.Step{Outcome: sca.Denied}, nil
	case openid.IsOurs(code):
		return sca.Step{}, fmt.Errorf("%w: %s", ErrRequest, code)
	default:
		return f.sendAway(ctx, req)
	}
}
