package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"unicode/utf8"

	"consentd/pkg/sca"
)

// Limits of an answer, as the description has them.
const (
	maxState     = 64 << 10 // bytes, decoded
	maxMessage   = 500      // characters: that of psuMessage (XS2A IG 1.3.x)
	maxURL       = 4096     // bytes
	maxPollAfter = 24 * 60 * 60
	maxQR        = 2331 // bytes: version 40, level M (ISO/IEC 18004)
)

// members are those that an answer must and may have besides outcome, by its
// outcome. What stands in the wrong place was meant otherwise, so it is refused
// rather than passed over.
var members = map[sca.Outcome]struct{ must, may []string }{
	sca.Prompt:     {nil, []string{"state", "wrong", "fields", "methods", "challenge", "message", "qr"}},
	sca.Identified: {[]string{"psu"}, []string{"state", "message"}},
	sca.Redirect:   {[]string{"url"}, []string{"state", "message"}},
	sca.Wait:       {[]string{"pollAfter"}, []string{"state", "message", "number", "qr"}},
	sca.Done:       {[]string{"psu"}, []string{"state", "message", "accounts"}},
	sca.Denied:     {nil, []string{"state", "message", "blocked"}},
}

// ids are what the bank may call a PSU or an account: as in openapi/bank.yaml.
var ids = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)

// numbers are those that a PSU can carry from a page to a phone.
var numbers = regexp.MustCompile(`^[0-9]{1,8}$`)

// decode reads an answer. Its errors quote nothing of it but members that every
// answer may have.
func decode(body []byte) (sca.Step, error) {
	var there map[string]json.RawMessage
	if err := json.Unmarshal(body, &there); err != nil {
		return sca.Step{}, errors.New("not a JSON object")
	}
	var s step
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return sca.Step{}, errors.New("a member is unknown or of the wrong type")
	}
	if err := placed(s.Outcome, there); err != nil {
		return sca.Step{}, err
	}
	if err := s.check(); err != nil {
		return sca.Step{}, err
	}
	return s.domain(), nil
}

// placed holds the members of an answer against its outcome.
func placed(outcome sca.Outcome, there map[string]json.RawMessage) error {
	allowed, known := members[outcome]
	if !known || there["outcome"] == nil { // encoding/json takes Outcome too
		return errors.New("outcome: is missing or unknown")
	}
	for _, name := range allowed.must {
		if there[name] == nil {
			return fmt.Errorf("%s: is missing with outcome %s", name, outcome)
		}
	}
	for name := range there {
		if name != "outcome" && !slices.Contains(allowed.must, name) && !slices.Contains(allowed.may, name) {
			return fmt.Errorf("a member does not belong to outcome %s", outcome)
		}
	}
	return nil
}

// check judges the values.
func (s step) check() error {
	switch {
	case len(s.State) > maxState:
		return fmt.Errorf("state: more than %d bytes", maxState)
	case utf8.RuneCountInString(s.Message) > maxMessage:
		return fmt.Errorf("message: more than %d characters", maxMessage)
	case s.Number != "" && !numbers.MatchString(s.Number):
		return errors.New("number: must be one to eight digits")
	case slices.ContainsFunc(s.Accounts, func(a string) bool { return !ids.MatchString(a) }):
		return errors.New("accounts: one is no id of an account")
	case !object(s.Challenge):
		return errors.New("challenge: must be an object")
	case s.QR != nil && (s.QR.Text == "" || s.QR.Content == "" || len(s.QR.Content) > maxQR):
		return fmt.Errorf("qr: needs text, and content of at most %d bytes", maxQR)
	}
	switch s.Outcome {
	case sca.Prompt:
		return s.checkPrompt()
	case sca.Redirect:
		return checkURL(s.URL)
	case sca.Wait:
		if s.PollAfter < 1 || s.PollAfter > maxPollAfter {
			return fmt.Errorf("pollAfter: must be 1 to %d seconds", maxPollAfter)
		}
	case sca.Identified, sca.Done:
		if !ids.MatchString(s.PSU) {
			return errors.New("psu: is no id of a PSU")
		}
	case sca.Denied:
	}
	return nil
}

func (s step) checkPrompt() error {
	if s.Wrong {
		return nil // all but the message is passed over
	}
	if len(s.Fields) == 0 && len(s.Methods) == 0 {
		return errors.New("fields, methods: both are missing with outcome prompt")
	}
	for _, f := range s.Fields {
		if err := f.check(); err != nil {
			return err
		}
	}
	for _, m := range s.Methods {
		if m.ID == "" || m.Type == "" || m.Name == "" {
			return errors.New("methods: one has no id, type or name")
		}
	}
	return nil
}

func (f field) check() error {
	if f.Name == "" {
		return errors.New("fields: one has no name")
	}
	switch f.Kind {
	case sca.Text, sca.Password, sca.Code:
		if f.Options != nil {
			return errors.New("fields: options are for passkeys")
		}
	case sca.PasskeyCreate, sca.PasskeyGet:
		if f.Options == nil || !object(f.Options) {
			return errors.New("fields: a passkey has no options")
		}
	default:
		return errors.New("fields: one is of no kind that there is")
	}
	return nil
}

// object tells a JSON object, or nothing at all.
func object(raw json.RawMessage) bool {
	return len(raw) == 0 || raw[0] == '{' // the decoder has found it to be whole, and cuts off what stands around it
}

// checkURL judges where a browser is to go. A server that another has taken over
// must not send PSUs to a script, nor in clear.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, len(address) > maxURL, u.Hostname() == "", u.User != nil:
		return errors.New("url: must be an absolute address without user name")
	case !sca.Protected(u):
		return errors.New("url: must be https, or http on loopback")
	}
	return nil
}
