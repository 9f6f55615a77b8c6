package idp

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Defect is one thing that a provider does wrong.
type Defect string

// The defects of an ID token. They hold for those who log in while they are set.
const (
	Sound         Defect = "sound" // as the zero value: none
	WrongNonce    Defect = "another nonce"
	NoNonce       Defect = "no nonce"
	WrongAudience Defect = "made for another client"
	TwoAudiences  Defect = "made for two clients"
	WrongParty    Defect = "made for another authorised party"
	WrongIssuer   Defect = "another issuer"
	Expired       Defect = "expired"
	IssuedLater   Defect = "issued in the future"
	LowACR        Defect = "a weaker acr than asked"
	NoACR         Defect = "no acr"
	OldLogin      Defect = "an old auth_time"
	LaterLogin    Defect = "an auth_time in the future"
	NoLoginTime   Defect = "no auth_time"
	OddLoginTime  Defect = "an auth_time that is no number"
	NoSubject     Defect = "an empty subject"
)

// The defects of the provider. They hold while they are set.
const (
	Unsigned    Defect = "an ID token without signature"
	ForgedKey   Defect = "an ID token signed by a key that is not published"
	NoIDToken   Defect = "no ID token"
	Gossip      Defect = "an error that repeats what was sent"
	BrokenToken Defect = "a token endpoint that fails"
	NotJSON     Defect = "answers that are not JSON"
	Huge        Defect = "answers of 2 MiB"
	Away        Defect = "redirects to elsewhere"
	Silent      Defect = "no answers"
	Down        Defect = "down"
)

// Set makes the provider do one thing wrong.
func (p *Provider) Set(d Defect) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.defect = d
}

func (p *Provider) has() Defect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.defect
}

// spoil puts the defect of a token into the claims of a session: they take the
// place of the library's own.
func (p *Provider) spoil(as *goidc.AuthnSession) {
	now := time.Now()
	claims := map[Defect]map[string]any{
		WrongNonce:    {"nonce": "of another run"},
		WrongAudience: {"aud": "another-client"},
		TwoAudiences:  {"aud": []string{p.ClientID, "another-client"}},
		WrongParty:    {"azp": "another-client"},
		WrongIssuer:   {"iss": "https://another.example"},
		Expired:       {"iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-time.Minute).Unix()},
		IssuedLater:   {"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()},
		LowACR:        {"acr": "urn:example:acr:none"},
		OldLogin:      {"auth_time": now.Add(-time.Hour).Unix()},
		LaterLogin:    {"auth_time": now.Add(time.Hour).Unix()},
		OddLoginTime:  {"auth_time": "yesterday"},
		NoSubject:     {"sub": " "},
	}
	dropped := map[Defect]string{NoNonce: "nonce", NoACR: "acr", NoLoginTime: "auth_time"}
	d := p.has()
	maps.Copy(as.AdditionalIDTokenClaims, claims[d])
	delete(as.AdditionalIDTokenClaims, dropped[d])
}

// misbehave stands before the library: it counts, and does what it does not do.
func (p *Provider) misbehave(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Path == "/token"
		switch {
		case r.URL.Path == "/favicon.ico": // browsers ask for it
			w.WriteHeader(http.StatusNoContent)
			return
		case p.options.Moved && r.URL.Path == "/authorize" && p.Page != "http://"+r.Host:
			http.Redirect(w, r, p.Page+r.URL.RequestURI(), http.StatusSeeOther)
			return
		case token:
			p.exchanges.Add(1)
		case strings.HasPrefix(r.URL.Path, "/.well-known/"):
			p.lookUps.Add(1)
		}
		switch d := p.has(); {
		case d == Down:
			panic(http.ErrAbortHandler) // the connection ends without an answer
		case d == Silent:
			p.wait(r)
		case d == Huge:
			_, _ = w.Write(make([]byte, 2<<20)) // the caller need not read it all
		case d == NotJSON:
			_, _ = w.Write([]byte("<p>under maintenance</p>"))
		case d == Away:
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
		case token && d == BrokenToken:
			w.WriteHeader(http.StatusBadGateway)
		case token && d == Gossip:
			gossip(w, r)
		case token && (d == Unsigned || d == NoIDToken):
			rewrite(w, r, next, d)
		case d == ForgedKey && r.URL.Path == "/jwks":
			_ = json.NewEncoder(w).Encode(goidc.JSONWebKeySet{Keys: []goidc.JSONWebKey{p.forged.Public()}})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// wait keeps a caller waiting until it gives up, or the provider stops.
func (p *Provider) wait(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed when the caller goes
	select {
	case <-r.Context().Done():
	case <-p.stopped:
	}
}

// gossip answers with all that the client sent.
func gossip(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{
		"error": "unknown_code_" + r.PostFormValue("code"), "error_description": r.PostForm.Encode(),
	})
}

// rewrite changes the ID token of an answer.
func rewrite(w http.ResponseWriter, r *http.Request, next http.Handler, d Defect) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	var answer map[string]any
	if json.Unmarshal(recorder.Body.Bytes(), &answer) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	parts := strings.Split(answer["id_token"].(string), ".")
	parts[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	if answer["id_token"] = parts[0] + "." + parts[1] + "."; d == NoIDToken {
		delete(answer, "id_token")
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
