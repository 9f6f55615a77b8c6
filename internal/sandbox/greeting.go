package sandbox

import (
	"context"
	"fmt"
	"strings"
)

// Greeting is what the program prints at its start: where to click, who can log
// in, and a request that works when pasted. base is the sandbox's own URL.
func (s *Sandbox) Greeting(ctx context.Context, base string) (string, error) {
	anna := choose(func(name string) string { return map[string]string{"psu": "anna"}[name] })
	example, err := s.curl(ctx, base, anna)
	if err != nil {
		return "", err
	}
	var who strings.Builder
	for _, p := range personas() {
		fmt.Fprintf(&who, "    %-9s %s\n", p.ID, p.About)
	}
	return fmt.Sprintf(`consentd sandbox

  Start page  %[1]s/
  API         %[1]s/docs

  Personas, password %[2]q:
%[3]s
  Create a consent, open its scaRedirect link in a browser, log in as anna; the
  code arrives at %[1]s/sandbox/psus/anna/phone
  Sent again, the request gets the same answer: a new consent needs a new
  X-Request-ID.
%[5]s
%[4]s
`, base, Password, who.String(), example, s.strictness()), nil
}

// strictness tells what a strict sandbox checks; empty for any other.
func (s *Sandbox) strictness() string {
	if !s.Strict {
		return ""
	}
	return `
  Strict: requests must carry Digest, Signature and TPP-Signature-Certificate.
  This version checks that they are there, their form and the digest, and
  verifies no signature yet; the last two are stand-ins below.
`
}
