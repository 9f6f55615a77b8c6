package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// checkListeners looks at the addresses, at what they share, and at who reaches them.
func (l *loader) checkListeners() {
	c := l.config
	insecure := c.Insecure || l.unreadable()
	taken := map[string]string{}
	for _, listener := range []struct{ path, address string }{
		{"listeners.tpp", c.Listeners.TPP},
		{"listeners.psu", c.Listeners.PSU},
		{"listeners.bank", c.Listeners.Bank},
		{"listeners.ops", c.Listeners.Ops},
	} {
		host, port, ok := hostPort(listener.address)
		if !ok {
			l.report(listener.path, "must be host:port")
			continue
		}
		if insecure && !loopback(host) {
			l.report(listener.path, "must be on loopback where callers are not verified (insecure: true)")
		}
		if listener.path == "listeners.bank" && !c.TLS.Bank.Given() && !loopback(host) {
			l.report(listener.path, "must be on loopback without tls.bank: tokens would cross the network in clear")
		}
		if host == "localhost" {
			host = "127.0.0.1"
		}
		address := net.JoinHostPort(host, port)
		if first, ok := taken[address]; ok {
			l.report(listener.path, "is the same address as "+first)
			continue
		}
		taken[address] = listener.path
	}
}

// unreadable reports whether the file does not say if callers are verified.
func (l *loader) unreadable() bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Path == "insecure" })
}

// checkTPPs wants to know how TPPs are told, unless they are not.
func (l *loader) checkTPPs() {
	c := l.config
	proxied := c.TPPs.Proxy.Header != "" || len(c.TPPs.Proxy.Addresses) > 0
	if !c.Insecure && !l.unreadable() {
		if len(c.TPPs.Anchors) == 0 {
			l.report("tpps.anchors", "name the authorities whose certificates TPPs may show")
		}
		if !c.TLS.TPP.Given() && !proxied {
			l.report("tls.tpp", "TPPs must show a certificate: set tls.tpp, or tpps.proxy where a proxy ends TLS")
		}
	}
	l.checkProxy(proxied)
	for i, issuer := range c.TPPs.BlockedIssuers {
		if !strings.Contains(issuer, "=") && !fingerprint(issuer) {
			l.report("tpps.blockedIssuers["+strconv.Itoa(i)+"]", "must be a name such as CN=…,O=…,C=…, or a SHA-256 fingerprint")
		}
	}
}

func (l *loader) checkProxy(proxied bool) {
	p := l.config.TPPs.Proxy
	if !proxied {
		return
	}
	if !headerName(p.Header) || http.CanonicalHeaderKey(p.Header) == "Authorization" {
		l.report("tpps.proxy.header", "must be the name of a header, such as ssl-client-cert")
	}
	if len(p.Addresses) == 0 {
		l.report("tpps.proxy.addresses", "name the addresses of the proxy: the header is believed from nobody else")
	}
	for i, address := range p.Addresses {
		prefix, err := ParsePrefix(address)
		path := "tpps.proxy.addresses[" + strconv.Itoa(i) + "]"
		switch {
		case err != nil:
			l.report(path, "must be an IP address or a prefix such as 10.0.0.0/8")
		case prefix.Bits() < widest:
			l.report(path, "is too wide: the header is believed from everybody there")
		}
	}
}

// widest is the shortest prefix, in bits, that one network could have.
const widest = 8

// ParsePrefix reads an IP address, or a prefix of addresses.
func ParsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err == nil && prefix.Addr().Is4In6() { // addresses of callers are compared as IPv4 too
		return prefix.Addr().Unmap().Prefix(prefix.Bits() - 96) //nolint:wrapcheck // the caller says what is wrong
	}
	return prefix, err //nolint:wrapcheck // the caller says what is wrong
}

// headerName tells what a header may be called (RFC 9110 §5.1).
func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func fingerprint(s string) bool {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	return err == nil && len(b) == 32
}

// checkSignature looks at the names of headers; they are compared in lower case.
func (l *loader) checkSignature() {
	s := &l.config.Signature
	for _, list := range []struct {
		path  string
		names []string
	}{
		{"signature.covered", s.Covered}, {"signature.coveredIfSent", s.CoveredIfSent}, {"signature.mayCover", s.MayCover},
	} {
		for i, name := range list.names {
			anything := name == "*" && list.path == "signature.mayCover"
			if !anything && name != "(request-target)" && !headerName(name) {
				l.report(list.path+"["+strconv.Itoa(i)+"]", "must be the name of a header, or (request-target)")
			}
			list.names[i] = strings.ToLower(name)
		}
	}
	if !slices.Contains(s.Covered, "digest") {
		l.report("signature.covered", "must name digest: the body would not be signed otherwise")
	}
}

func (l *loader) checkBankCallers() {
	b := l.config.BankCallers
	if len(b.Certificates) > 0 && (b.CAFile == "" || !l.config.TLS.Bank.Given()) {
		l.report("bankCallers.certificates", "need tls.bank and bankCallers.caFile")
	}
	for i, caller := range b.Certificates {
		path := "bankCallers.certificates[" + strconv.Itoa(i) + "]"
		if (caller.Subject == "") == (caller.Fingerprint == "") {
			l.report(path, "set one of subject, fingerprint")
		}
		if caller.Fingerprint != "" && !fingerprint(caller.Fingerprint) {
			l.report(path+".fingerprint", "must be a SHA-256 fingerprint, 64 hexadecimal digits")
		}
	}
}

// findFiles turns the names of certificates and keys into paths: like secrets, a
// relative one is looked for beside the configuration, or where systemd puts
// credentials; authorities, which are no secret, only beside the configuration.
func (l *loader) findFiles() {
	c := l.config
	for _, pair := range []struct {
		path string
		*KeyPair
	}{
		{"tls.tpp", &c.TLS.TPP}, {"tls.psu", &c.TLS.PSU}, {"tls.bank", &c.TLS.Bank}, {"signature.answers", &c.Signature.Answers},
	} {
		if pair.Given() && (pair.CertificateFile == "" || pair.KeyFile == "") {
			l.report(pair.path, "needs both certificateFile and keyFile")
		}
		pair.CertificateFile, pair.KeyFile = from(l.secretDir(), pair.CertificateFile), from(l.secretDir(), pair.KeyFile)
	}
	c.BankCallers.CAFile = from(filepath.Dir(l.name), c.BankCallers.CAFile)
	c.OAuth.Outside.JWKSFile = from(filepath.Dir(l.name), c.OAuth.Outside.JWKSFile)
	for i, anchor := range c.TPPs.Anchors {
		c.TPPs.Anchors[i] = from(filepath.Dir(l.name), anchor)
	}
	for name, section := range c.SCA.Flows {
		c.SCA.Flows[name] = l.findIn(section)
	}
}

// findIn finds the files that a flow's section names, in the same way: they stand
// under keys that end in File.
func (l *loader) findIn(section json.RawMessage) json.RawMessage {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(section))
	d.UseNumber()
	if d.Decode(&values) != nil {
		return section
	}
	l.findAll(values)
	found, err := json.Marshal(values)
	if err != nil {
		return section
	}
	return found
}

func (l *loader) findAll(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if name, ok := inner.(string); ok && strings.HasSuffix(key, "File") {
				value[key] = from(l.secretDir(), name)
			}
			l.findAll(inner)
		}
	case []any:
		for _, inner := range value {
			l.findAll(inner)
		}
	}
}

func from(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
