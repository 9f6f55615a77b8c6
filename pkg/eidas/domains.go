package eidas

import (
	"net/netip"
	"slices"
	"strings"
)

// wildcard begins a name that stands for what is below the rest of it.
const wildcard = "*."

// Domains are the domains that the certificate secures, in lower case and each
// once: the DNS names and IP addresses of subjectAltName, and the commonName
// where it is a domain. A wildcard is there as such (*.tpp.example). Entries that
// are no domain are left out: they secure nothing.
func (c *Certificate) Domains() []string {
	if c.X509 == nil {
		return nil
	}
	var found []string
	add := func(name string) {
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	for _, name := range c.X509.DNSNames {
		if domain, ok := domainOf(name); ok {
			add(domain)
		}
	}
	// A commonName is mostly the name of an organisation: without a dot it is no domain.
	if domain, ok := domainOf(c.X509.Subject.CommonName); ok && strings.Contains(domain, ".") {
		add(domain)
	}
	for _, ip := range c.X509.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			add(addr.Unmap().String())
		}
	}
	return found
}

// Covers says whether host lies in a domain of the certificate (XS2A, conformance
// of TPP-Notification-URI and TPP-Redirect-URI): whether it is that domain or
// below it. A wildcard covers what is below its domain, at any depth, but not the
// domain. A name without a dot covers only itself, for nobody owns what is below
// a top-level domain. An IP address covers itself.
//
// The host comes without a port; case and a dot at its end do not matter. Hosts
// and names are compared as DNS has them, so that an international one must be in
// punycode (xn--…) on both sides; what is not, is not covered.
func (c *Certificate) Covers(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return slices.Contains(c.Domains(), addr.Unmap().String())
	}
	host, ok := domainOf(host)
	if !ok || strings.HasPrefix(host, wildcard) {
		return false
	}
	return slices.ContainsFunc(c.Domains(), func(domain string) bool { return covers(domain, host) })
}

func covers(domain, host string) bool {
	base, below := strings.CutPrefix(domain, wildcard)
	if base == host {
		return !below
	}
	return strings.Contains(base, ".") && strings.HasSuffix(host, "."+base)
}

// domainOf is a domain name in lower case without the dot at its end, or false
// where it is none. Only the whole label at the left may be a wildcard.
func domainOf(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	base, _ := strings.CutPrefix(name, wildcard)
	if base == "" || len(name) > 253 {
		return "", false
	}
	var last string
	for last = range strings.SplitSeq(base, ".") {
		if !isLabel(last) {
			return "", false
		}
	}
	if strings.Trim(last, "0123456789") == "" { // an IP address, whole or in part
		return "", false
	}
	return strings.ToLower(name), true // ASCII by now
}

// isLabel knows letters, digits, hyphens within, and the underscore that hosts have
// in spite of RFC 1123.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_':
		default:
			return false
		}
	}
	return true
}
