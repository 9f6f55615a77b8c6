package idp

import (
	"bytes"
	_ "embed" // the page
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:embed page.html
var pageSource string

//go:embed style.css
var styleSource []byte

// page is read when it is first shown: a sandbox that shows none starts sooner.
var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageSource)) })

// wish is a request for authentication (OpenID Connect Core 1.0 §3.1.2.1).
type wish struct {
	redirect, state, nonce, challenge string
	// fault is what is wrong with it; Redirect is right all the same.
	fault string
}

// carried are the parameters that the page's form repeats.
var carried = []string{"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}

// read judges a request. Nobody is sent to an address that is not the client's.
func (p *Provider) read(r *http.Request, v url.Values) (wish, bool) {
	_, redirect := p.Here(r)
	if v.Get("client_id") != ClientID || v.Get("redirect_uri") != redirect {
		return wish{}, false
	}
	u := wish{redirect: redirect, state: v.Get("state"), nonce: v.Get("nonce"), challenge: v.Get("code_challenge")}
	switch {
	case v.Get("response_type") != "code":
		u.fault = "unsupported_response_type"
	case !slices.Contains(strings.Fields(v.Get("scope")), "openid"):
		u.fault = "invalid_scope"
	case v.Get("code_challenge_method") != "S256", u.challenge == "":
		u.fault = "invalid_request"
	}
	return u, true
}

// ask shows the page on which one says who one is.
func (p *Provider) ask(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	u, ok := p.read(r, v)
	switch {
	case !ok:
		p.render(w, r, http.StatusBadRequest, sheet{Fault: "The address of the application that sent you here is not one that this provider knows."})
	case u.fault != "":
		p.back(w, r, u, url.Values{"error": {u.fault}})
	default:
		p.render(w, r, http.StatusOK, sheet{People: People(), Carried: repeat(v)})
	}
}

// answer sends the browser back with a code for whom it has chosen to be.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.render(w, r, http.StatusBadRequest, sheet{Fault: "The form cannot be read."})
		return
	}
	u, ok := p.read(r, r.PostForm)
	chosen := r.PostForm.Get("person")
	at := slices.IndexFunc(People(), func(x Person) bool { return x.ID == chosen })
	switch {
	case !ok:
		p.render(w, r, http.StatusBadRequest, sheet{Fault: "The address of the application that sent you here is not one that this provider knows."})
	case u.fault != "":
		p.back(w, r, u, url.Values{"error": {u.fault}})
	case at < 0:
		p.back(w, r, u, url.Values{"error": {"access_denied"}})
	default:
		issuer, _ := p.Here(r)
		code, kept := p.keep(grant{person: People()[at], issuer: issuer, redirect: u.redirect, nonce: u.nonce, challenge: u.challenge})
		if !kept {
			p.back(w, r, u, url.Values{"error": {"temporarily_unavailable"}})
			return
		}
		p.back(w, r, u, url.Values{"code": {code}})
	}
}

// back sends the browser to the client.
func (p *Provider) back(w http.ResponseWriter, r *http.Request, u wish, fields url.Values) {
	issuer, _ := p.Here(r)
	fields.Set("iss", issuer)
	if u.state != "" {
		fields.Set("state", u.state)
	}
	w.Header().Set("Location", u.redirect+"?"+fields.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// sheet is what the page shows.
type sheet struct {
	Fault   string
	People  []Person
	Carried []field
}

type field struct{ Name, Value string }

func repeat(v url.Values) []field {
	var fields []field
	for _, name := range carried {
		if v.Has(name) {
			fields = append(fields, field{name, v.Get(name)})
		}
	}
	return fields
}

func (p *Provider) render(w http.ResponseWriter, r *http.Request, status int, s sheet) {
	var b bytes.Buffer
	if err := page().Execute(&b, s); err != nil {
		p.Log.ErrorContext(r.Context(), "sandbox provider: page", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser has gone: nobody is left to tell
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleSource) // as above
}
