package inspector

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// byItself are the headers that curl sends as it must, or that belong to one
// connection only.
var byItself = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Expect": true, "Keep-Alive": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// curl is the call as a command for a POSIX shell, which repeats it as it was
// sent, X-Request-ID too. Where a secret was, the command has the mask; where a
// certificate was shown, it names the files that `consentd tpp new` writes. In
// which order headers came, nobody keeps: they go by their names.
func (c *inspected) curl() string {
	lines := []string{c.curlCall()}
	if c.Subject != "" {
		lines = append(lines, "--cert acme/qwac.pem --key acme/qwac.key")
	}
	if strings.Contains(c.Protocol, overTLS) {
		lines = append(lines, "--cacert acme/ca.pem")
	}
	h := c.Request.Headers
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if !byItself[name] {
				lines = append(lines, "-H "+quoted(headerLine(spelt(name), value)))
			}
		}
	}
	switch {
	case c.Request.NoText:
		lines = append(lines, "--data-binary @body")
	case c.Request.Body != "":
		lines = append(lines, "--data-raw "+quoted(c.Request.Body))
	}
	if c.Request.Body != "" && len(h["Content-Type"]) == 0 {
		lines = append(lines, "-H 'Content-Type:'") // or curl would make one up
	}
	return strings.Join(lines, " \\\n  ")
}

// curlCall is the beginning of the command.
func (c *inspected) curlCall() string {
	call := "curl -i"
	if strings.ContainsAny(c.Target, "[]{}") {
		call += " --globoff"
	}
	if strings.Contains(c.Target, "/.") {
		call += " --path-as-is"
	}
	switch {
	case c.Method == http.MethodHead:
		call += " --head"
	case c.Method != http.MethodGet || c.Request.Body != "":
		call += " -X " + quoted(c.Method)
	}
	if strings.HasPrefix(c.Target, "/") {
		return call + " " + quoted(c.Origin+c.Target)
	}
	return call + " " + quoted(c.Target) // the whole URL, as to a proxy
}

// capitals are the parts of header names that the standards write in capitals.
var capitals = map[string]string{
	"Aspsp": "ASPSP", "Id": "ID", "Ip": "IP", "Jws": "JWS", "Os": "OS", "Psu": "PSU", "Sca": "SCA", "Tpp": "TPP", "Uri": "URI",
}

// spelt is the name of a header as the standards write it, not as net/http does.
func spelt(name string) string {
	parts := strings.Split(name, "-")
	for i, part := range parts {
		if in, ok := capitals[part]; ok {
			parts[i] = in
		}
	}
	return strings.Join(parts, "-")
}

// headerLine writes a header as curl takes it, which leaves out those that end
// with a colon.
func headerLine(name, value string) string {
	if value == "" {
		return name + ";"
	}
	return name + ": " + value
}

// quoted is a word of a POSIX shell that stands for a text, whatever is in it.
func quoted(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,%+@", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
