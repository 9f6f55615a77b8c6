package persona

import (
	"fmt"
	"strings"

	"consentd/pkg/sca"
)

// words are the flow's texts in one language.
type words struct {
	Language string

	// The message that brings a code.
	Code   string // code, what it is for
	Bare   string // the code, when nothing is known of what it is for
	ForApp string // what it is for: setting up an app, of which bank
	ForKey string // what it is for: creating a passkey, of which bank

	// The pages of methods and codes. Where a code went stands in the place.
	Choose   string // what was chosen is no method of theirs
	NoMethod string // none of theirs can be used
	Sent     string
	FirstApp string // the code comes before an app is set up
	FirstKey string // the code comes before a passkey is created
	Again    string // the PSU wanted another code
	Renewed  string // the code came too late
	NoMore   string // too many codes were sent, and there are ways without one
	NoneLeft string // too many codes were sent, and there is no other way

	// The pages of the app.
	AppName string
	App     string
	NewApp  string
	Used    string // the code was right once

	// The pages of the passkey.
	KeyName string
	Key     string
	NewKey  string
	BadKey  string
	TooLate string

	Wait string
}

// textsFor finds the texts for a language tag; English for one that we lack.
func textsFor(tag string) words {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if t, ok := texts[primary]; ok {
		return t
	}
	return texts["en"]
}

// message is what arrives on the phone.
func (w words) message(code, subject string) string {
	subject = strings.TrimRight(strings.TrimSpace(subject), ".")
	if subject == "" {
		return fmt.Sprintf(w.Bare, code)
	}
	return fmt.Sprintf(w.Code, code, subject)
}

// sent is what the page says with a code, by what the code protects.
func (w words) sent(first kind) string {
	switch first {
	case byApp:
		return w.FirstApp
	case byPasskey:
		return w.FirstKey
	default:
		return w.Sent
	}
}

// name is what a method is called. The bank names its own; it does not know those
// that the flow keeps.
func (w words) name(m sca.Method) string {
	switch kindOf(m) {
	case byApp:
		return w.AppName
	case byPasskey:
		return w.KeyName
	default:
		return m.Name
	}
}
