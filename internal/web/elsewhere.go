package web

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// maxElsewhere is how long an address of another site may be: a request of
// authorization with signed parameters is longer than a TPP's address.
const maxElsewhere = 8 << 10 // bytes

// departure is the body of the page that says which site comes next.
type departure struct {
	Host string
	Last bool // to confirm there, not to log in
}

func depart(v *sca.View) (body departure, heading string) {
	to, _ := elsewhere(v.URL)
	if placeOf(v) == sca.PageFactor {
		return departure{Host: to.host, Last: true}, "elsewhere.confirmTitle"
	}
	return departure{Host: to.host}, "elsewhere.title"
}

// elsewhere judges where a flow sends the browser: https, or http on the machine
// itself. No list of apps counts: an identity provider is a site.
func elsewhere(to string) (target, bool) {
	u, err := consent.ParseURI(to)
	if len(to) > maxElsewhere || err != nil || u.User != nil {
		return target{}, false
	}
	site, err := consent.ParseRedirectURI(u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return target{}, false
	}
	// #nosec G203 -- only an address with a scheme and a host that were checked gets here
	return target{href: template.URL(to), source: sourceOf(site), host: u.Host}, true
}

var errElsewhere = errors.New("a flow redirects to what is no https address")

// elsewhere shows what comes next, and sends the browser there once the PSU has
// said so.
func (s *SCA) elsewhere(v *visit) error {
	to, ok := elsewhere(v.view.URL)
	if !ok {
		v.err = consent.E(consent.CodeInternal, "the next page cannot be opened").Because(errElsewhere)
		s.report(v, consent.CodeInternal)
		return s.problem(v, problemOf(consent.CodeInternal))
	}
	if v.view.Go {
		http.Redirect(v.c.Response(), v.c.Request(), string(to.href), http.StatusSeeOther)
		return nil
	}
	return s.page(v, http.StatusOK)
}

// move is the body of the page that stays behind when another device goes on.
type move struct {
	Address string // what the other device opens; empty once it has
	Code    *code
}

// device tells the browser that was left what to open on the other device.
func (s *SCA) device(v *visit) (move, error) {
	if v.view.Handle == "" {
		return move{}, nil
	}
	address := s.origin(v.c.Request()) + "/sca/" + url.PathEscape(v.view.Handle)
	drawn, err := draw(address)
	return move{Address: address, Code: drawn}, err
}
