package xs2a

import (
	"net/url"
	"slices"

	"consentd/internal/consent"
	"consentd/internal/explain"
	wire "consentd/pkg/xs2a"
)

// DomainRule says what becomes of URIs that lie outside the domains which the
// certificate of the TPP secures (NextGenPSD2 1.3.x §4.10).
type DomainRule string

// The rules.
const (
	DomainsOff    DomainRule = "off"    // they are taken
	DomainsWarn   DomainRule = "warn"   // they are taken, and the answer warns
	DomainsReject DomainRule = "reject" // 400 FORMAT_ERROR
)

// measured are the headers whose URIs are held against the certificate.
var measured = []string{keyRedirectURI, keyNokRedirectURI, keyNotificationURI}

const outside = "does not lie in a domain of the client certificate (CN or SubjectAltName)"

// checkDomains holds the URIs of a call against the certificate of its TPP, but
// for those at fault already. An app's own scheme has no domain: the bank's list
// of schemes is what it is measured by.
func (h *Handler) checkDomains(k *call, already consent.Faults) consent.Faults {
	if k.caller.Certificate == nil || h.Options.Domains != DomainsWarn && h.Options.Domains != DomainsReject {
		return nil
	}
	var faults consent.Faults
	for _, key := range measured {
		sent := k.req.Header[key]
		if len(sent) == 0 { // as in most calls
			continue
		}
		value, path := sent[0], pathOf(key, k.ep.place)
		if path == "" || slices.ContainsFunc(already, func(f *consent.Error) bool { return f.Path == path }) {
			continue
		}
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || k.caller.Covers(u.Hostname()) {
			continue
		}
		explain.Note(k.ctx(), "%s %s: %s", path, outside, h.Options.Domains)
		if h.Options.Domains == DomainsReject {
			faults = append(faults, consent.At(consent.CodeFormat, path, "%s", outside))
			continue
		}
		k.hints = append(k.hints, wire.TPPMessage{Category: wire.CategoryWarning, Code: wire.Warning, Path: path, Text: outside})
	}
	return faults
}

// pathOf is how a header is named in an answer; empty where the operations at a
// place do not take it.
func pathOf(key string, at place) string {
	for i := range rules {
		if r := &rules[i]; r.key == key && r.on&at != 0 {
			return "Header." + r.name
		}
	}
	return ""
}
