package scatest

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"consentd/pkg/sca"
)

// maxQR is what a QR code can hold of bytes (ISO/IEC 18004, version 40, level M).
const maxQR = 2331

// numbers are those that a PSU can carry from a page to a phone.
var numbers = regexp.MustCompile(`^[0-9]{1,8}$`)

// wellFormed: each outcome comes with what it needs, and nothing comes where
// nobody would look for it.
func wellFormed(t testing.TB, step sca.Step) {
	t.Helper()
	switch step.Outcome {
	case sca.Prompt:
		formedPrompt(t, step)
	case sca.Redirect:
		if fault := faultOfURL(step.URL); fault != "" {
			t.Fatalf("a Redirect %s", fault)
		}
	case sca.Wait:
		if step.PollAfter <= 0 {
			t.Fatalf("a Wait without PollAfter would be polled without a pause")
		}
	case sca.Identified, sca.Done:
		if step.PSU == "" {
			t.Fatalf("%s without PSU", step.Outcome)
		}
	case sca.Denied:
	default:
		t.Fatalf("unknown outcome %q", step.Outcome)
	}
	formedNumber(t, step)
	formedQR(t, step)
}

func formedPrompt(t testing.TB, step sca.Step) {
	t.Helper()
	if len(step.Fields) == 0 && len(step.Methods) == 0 {
		t.Fatalf("a Prompt asks for nothing")
	}
	names := map[string]bool{}
	for _, f := range step.Fields {
		if f.Name == "" || f.Kind == "" {
			t.Fatalf("a Prompt has a field without name or kind: %+v", f)
		}
		if names[f.Name] {
			t.Fatalf("a Prompt has two fields of the name %q", f.Name)
		}
		names[f.Name] = true
		formedField(t, f)
	}
	ids := map[string]bool{}
	for _, m := range step.Methods {
		if m.ID == "" || ids[m.ID] {
			t.Fatalf("a Prompt lists a method without an id of its own: %+v", m)
		}
		ids[m.ID] = true
	}
}

func formedField(t testing.TB, f sca.Field) {
	t.Helper()
	switch f.Kind {
	case sca.Text, sca.Password, sca.Code:
	case sca.PasskeyCreate, sca.PasskeyGet:
		var options map[string]any
		if err := json.Unmarshal(f.Options, &options); err != nil || len(options) == 0 {
			t.Fatalf("the field %q is for a passkey, and its Options are no JSON object", f.Name)
		}
	default:
		t.Fatalf("the field %q is of the kind %q, which no page can show", f.Name, f.Kind)
	}
}

// faultOfURL says what is wrong with where a browser is sent; nothing when it is well.
func faultOfURL(address string) string {
	if address == "" {
		return "without URL"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Hostname() == "":
		return "whose URL is not absolute"
	case u.User != nil:
		return "whose URL says who logs in"
	case !sca.Protected(u):
		return "whose URL is neither https nor http on loopback"
	}
	return ""
}

func formedNumber(t testing.TB, step sca.Step) {
	t.Helper()
	switch {
	case step.Number == "":
	case step.Outcome != sca.Wait:
		t.Fatalf("%s with a Number, which only a Wait shows", step.Outcome)
	case !numbers.MatchString(step.Number):
		t.Fatalf("the Number %q is not one to eight digits", step.Number)
	case !strings.Contains(step.Message, step.Number):
		t.Fatalf("the Message does not say the Number %q, so without a page nobody learns it", step.Number)
	}
}

func formedQR(t testing.TB, step sca.Step) {
	t.Helper()
	switch {
	case step.QR == nil:
	case step.Outcome != sca.Prompt && step.Outcome != sca.Wait:
		t.Fatalf("%s with a QR, which only a Prompt or a Wait shows", step.Outcome)
	case step.QR.Content == "" || len(step.QR.Content) > maxQR:
		t.Fatalf("a QR of %d bytes; want 1 to %d", len(step.QR.Content), maxQR)
	case step.QR.Text == "":
		t.Fatalf("a QR without Text leaves out who cannot scan it")
	}
}
