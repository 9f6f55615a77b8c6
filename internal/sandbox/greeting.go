package sandbox

import (
	"context"
	"fmt"
	"strings"
)

// Greeting is what the program prints at its start: where to click, who can log
// in, and a request that works when pasted. base is the sandbox's own URL, which
// stands back behind Public, and secure the one with TLS, empty for none.
func (s *Sandbox) Greeting(ctx context.Context, base, secure string) (string, error) {
	own := base
	if s.Public != "" {
		base = s.Public
	}
	example, err := s.example(ctx, base)
	if err != nil {
		return "", err
	}
	var who strings.Builder
	for _, p := range personas() {
		fmt.Fprintf(&who, "    %-9s %s\n", p.ID, p.About)
	}
	return fmt.Sprintf(`consentd sandbox

  Start page  %[1]s/
  Demo TPP    %[1]s/tpp
  Customers   %[1]s/psu/consents
  Staff       %[1]s/back-office
  API         %[1]s/docs
%[5]s
  Personas, password %[2]q:
%[3]s
  Create a consent, open its scaRedirect link in a browser, log in as anna; the
  code arrives at %[1]s/sandbox/psus/anna/phone
  Sent again, the request gets the same answer: a new consent needs a new
  X-Request-ID.

%[4]s
`, base, Password, who.String(), example, behind(s.Public, own)+certified(base, secure)), nil
}

// behind says in a line where a proxy finds the sandbox; empty without one.
func behind(public, own string) string {
	if public == "" {
		return ""
	}
	return fmt.Sprintf("  Listener    %s, for the proxy in front\n", own)
}

// certified says in a line where certificates are asked for, and how to get some.
func certified(base, secure string) string {
	if secure == "" {
		return ""
	}
	return fmt.Sprintf("  Mutual TLS  %s, with what `consentd tpp new --name acme --out acme%s` writes\n", secure, sandboxFlag(base))
}

// sandboxFlag tells the command where the sandbox is, unless it knows.
func sandboxFlag(base string) string {
	if base == DefaultURL {
		return ""
	}
	return " --sandbox " + base
}

// DefaultURL is where the sandbox is reached unless it is told otherwise.
const DefaultURL = "http://localhost:8080"

// example is a request that creates a consent. A strict sandbox takes signed ones
// only, for which no keys have been made yet: the start page has one.
func (s *Sandbox) example(ctx context.Context, base string) (string, error) {
	if s.Strict {
		return fmt.Sprintf("  Strict: every request must be signed. One that is, to paste, is at\n  %s/#curl", base), nil
	}
	return s.curl(ctx, base, choose(func(name string) string { return map[string]string{"psu": "anna"}[name] }))
}
