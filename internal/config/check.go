package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"
)

// appScheme is what an app's own scheme looks like (RFC 3986 §3.1), in lower case.
var appScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// notApps are schemes that a browser handles itself; a redirect to one of them
// could run a script or leave the protection of TLS.
var notApps = map[string]bool{
	"http": true, "https": true, "javascript": true, "data": true, "file": true, "blob": true,
	"about": true, "vbscript": true, "view-source": true, "ws": true, "wss": true, "ftp": true,
}

// texts say what a tag wants; %s is its parameter.
var texts = map[string]string{
	"required": "is missing",
	"min":      "must be at least %s",
	"max":      "must be at most %s",
	"oneof":    "must be one of %s",
	"unique":   "must not name one thing twice",
	"timezone": "must be an IANA time zone such as Europe/Paris",
}

// CheckSwitches looks at how the dialect and the authentication are set, for a
// program that sets them without a file. Fails with [Problems].
func (c *Config) CheckSwitches() error {
	l := &loader{name: "options", config: c}
	l.checkTags("xs2a.", c.XS2A)
	l.checkTags("sca.", c.SCA)
	l.checkTags("stet.", c.STET)
	l.checkTags("oauth.", c.OAuth)
	l.checkTags("manager.", c.Manager)
	l.checkTags("dashboard.", c.Dashboard)
	l.checkTags("backOffice.", c.BackOffice)
	l.checkFlows()
	l.checkBasePath()
	l.checkOAuth()
	l.checkManager()
	if len(l.problems) > 0 {
		return l.problems
	}
	return nil
}

// checkTags applies the validate tags of a section, "" for the whole.
func (l *loader) checkTags(section string, of any) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string { return field.Tag.Get("yaml") })
	var faults validator.ValidationErrors
	if !errors.As(v.Struct(of), &faults) {
		return
	}
	for _, fault := range faults {
		_, path, _ := strings.Cut(fault.Namespace(), ".")
		parameter := fault.Param()
		if fault.Tag() == "oneof" {
			parameter = strings.ReplaceAll(parameter, " ", ", ")
		}
		l.report(section+path, strings.ReplaceAll(texts[fault.Tag()], "%s", parameter))
	}
}

// checkURLs looks at the public addresses, and derives those that are not given.
func (l *loader) checkURLs() {
	c := l.config
	for _, public := range []struct {
		path, scheme, listener string
		url                    *string
	}{
		{"urls.tpp", schemeOf(c.TLS.TPP), c.Listeners.TPP, &c.URLs.TPP},
		{"urls.psu", schemeOf(c.TLS.PSU), c.Listeners.PSU, &c.URLs.PSU},
		{"urls.bank", schemeOf(c.TLS.Bank), c.Listeners.Bank, &c.URLs.Bank},
	} {
		if *public.url == "" {
			*public.url = public.scheme + "://" + public.listener
			continue
		}
		*public.url = strings.TrimSuffix(*public.url, "/")
		if parsed := l.checkURL(public.path, *public.url); parsed != nil && parsed.Path != "" {
			l.report(public.path, "must have no path")
		}
	}
	if c.Bank.URL == "" {
		l.report("bank.url", "is missing")
		return
	}
	l.checkURL("bank.url", c.Bank.URL)
	if c.Access.AccountsURL != "" {
		l.checkURL("access.accountsUrl", c.Access.AccountsURL)
	}
}

func schemeOf(p KeyPair) string {
	if p.Given() {
		return "https"
	}
	return "http"
}

// checkURL wants an absolute address that protects what is sent to it: https,
// or http within the machine. It returns nil when it has reported a problem.
func (l *loader) checkURL(path, text string) *url.URL {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || parsed.Hostname() == "" || (parsed.Scheme != "https" && parsed.Scheme != "http"):
		l.report(path, "must be an address such as https://bank.example")
	case parsed.User != nil || parsed.RawQuery != "" || parsed.ForceQuery || strings.Contains(text, "#"):
		l.report(path, "must have no user, query or fragment")
	case parsed.Scheme == "http" && !loopback(parsed.Hostname()):
		l.report(path, "must be https, unless it is on loopback")
	default:
		return parsed
	}
	return nil
}

// checkDatabaseURL looks at the secret's form; its text stays unseen.
func (l *loader) checkDatabaseURL() {
	text := l.config.Database.URL.Reveal()
	if text == "" {
		return // reported already
	}
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		l.report(l.either("database.url", "database.urlFile", "database.urlEnv"), "must be an address such as postgres://user:password@host:5432/name")
	}
}

// checkPolicy looks at what must fit together.
func (l *loader) checkPolicy() {
	if p := l.config.Policy; p.OpenWithin+p.FinishWithin > p.AuthorisationWindow {
		l.report("policy.authorisationWindow", "must be at least openWithin and finishWithin together")
	}
	for i, scheme := range l.config.XS2A.RedirectSchemes {
		if !appScheme.MatchString(scheme) || notApps[scheme] {
			l.report("xs2a.redirectSchemes["+strconv.Itoa(i)+"]", "must be the scheme of an app, in lower case and without a colon")
		}
	}
}

// checkFlows wants every approach to name a flow that has a section, and every
// way out to be an origin.
func (l *loader) checkFlows() {
	s := l.config.SCA
	for i, onward := range s.Onward {
		path := "sca.onward[" + strconv.Itoa(i) + "]"
		if onward == "https:" {
			continue
		}
		if parsed := l.checkURL(path, onward); parsed != nil && parsed.Path != "" {
			l.report(path, "must have no path")
		}
	}
	if s.Confirmation && !slices.Contains(s.Approaches, "redirect") {
		l.report("sca.confirmation", "needs the approach redirect: no code comes back otherwise")
	}
	named := map[string]string{"redirect": s.Redirect, "decoupled": s.Decoupled, "embedded": s.Embedded}
	for _, approach := range s.Approaches {
		flow, known := named[approach]
		if _, ok := s.Flows[flow]; known && !ok && (flow != "" || approach != "redirect") {
			l.report("sca."+approach, "must name one of sca.flows")
		}
	}
}

// basePath is what may stand before every path.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (l *loader) checkBasePath() {
	if p := l.config.XS2A.BasePath; p != "" && !l.path(p) {
		l.report("xs2a.basePath", "must be a path such as /psd2, without a slash at its end")
	}
}

// path tells a text that may stand before other paths.
func (*loader) path(text string) bool {
	dots := slices.ContainsFunc(strings.Split(text, "/"), func(s string) bool { return s == "." || s == ".." }) // clients resolve them
	return !dots && basePath.MatchString(text)
}

// hostPort splits an address to listen on; the port is a number from 1.
func hostPort(address string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return host, port, err == nil && number > 0
}

// loopback tells a host that only this machine reaches.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
