package persona

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"consentd/pkg/sca"
)

// stage is where the flow stands.
type stage string

const (
	stageLogin      stage = "login"
	stageKnown      stage = "known"
	stageMethod     stage = "method"
	stageCode       stage = "code"
	stageApp        stage = "app"
	stageNewApp     stage = "newApp"
	stagePasskey    stage = "passkey"
	stageNewPasskey stage = "newPasskey"
	stageWait       stage = "wait"
)

// state is what the flow remembers. No code and no key is in it, only what they
// are made from.
type state struct {
	Stage stage  `json:"stage"`
	PSU   string `json:"psu,omitempty"`
	// Account is what the PSU logs in as, and Name what the bank calls them: an app
	// and a passkey are labelled with it.
	Account string `json:"account,omitempty"`
	Name    string `json:"name,omitempty"`
	// Methods are all that the PSU may use, and Method is the id of the chosen one,
	// empty where the bank names none.
	Methods []sca.Method `json:"methods,omitempty"`
	Method  string       `json:"method,omitempty"`
	Sent    int          `json:"sent,omitempty"` // how many codes
	// First is the factor whose setting up the code of stageCode protects.
	First kind `json:"first,omitempty"`
	// Key names what the code, or the key of the app, is made from.
	Key     string    `json:"key,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // of the code, of the challenge
	// Ceremony is what the answer of a passkey is held against.
	Ceremony *webauthn.SessionData `json:"ceremony,omitempty"`
	Since    time.Time             `json:"since,omitzero"` // of the wait
}

var errState = errors.New("persona flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	ok := s.PSU != ""
	switch s.Stage {
	case stageLogin:
		ok = s.PSU == ""
	case stageKnown, stageApp:
	case stageMethod:
		ok = ok && len(s.Methods) > 1
	case stageCode:
		ok = ok && s.Key != "" && !s.Expires.IsZero()
	case stageNewApp:
		ok = ok && s.Key != ""
	case stagePasskey, stageNewPasskey:
		ok = ok && s.Ceremony != nil && !s.Expires.IsZero()
	case stageWait:
		ok = ok && !s.Since.IsZero()
	default:
		ok = false
	}
	if !ok {
		return s, errState
	}
	return s, nil
}

// in puts the state into a step.
func (s state) in(step sca.Step) (sca.Step, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return sca.Step{}, fmt.Errorf("encode state: %w", err)
	}
	step.State = raw
	return step, nil
}

// chosen is the method in use; the empty one where the bank names none.
func (s state) chosen() sca.Method {
	if i := s.find(s.Method); i >= 0 {
		return s.Methods[i]
	}
	return sca.Method{}
}

// find looks for a method that was offered, and returns -1 for another.
func (s state) find(id string) int {
	return slices.IndexFunc(s.Methods, func(m sca.Method) bool { return m.ID == id })
}

// choice lists the methods of a page on which one is in use: that one first, and
// alone where the PSU cannot choose anew. While the code stands that protects the
// setting up of the one in use, it is of the type by which that code came: taken
// again, it sends a new one.
func (s state) choice(paged bool) []sca.Method {
	i := s.find(s.Method)
	if i < 0 {
		return nil
	}
	list := []sca.Method{s.Methods[i]}
	if way := s.way(); s.Stage == stageCode && way >= 0 {
		list[0].Type = s.Methods[way].Type
	}
	if !paged {
		return list
	}
	list = append(list, s.Methods[:i]...)
	return append(list, s.Methods[i+1:]...)
}
