package persona

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"consentd/pkg/sca"
)

// stage is where the flow stands.
type stage string

const (
	stageLogin  stage = "login"
	stageKnown  stage = "known"
	stageMethod stage = "method"
	stageCode   stage = "code"
	stageWait   stage = "wait"
)

// state is what the flow remembers. The code is not in it, only what it was
// made from.
type state struct {
	Stage stage  `json:"stage"`
	PSU   string `json:"psu,omitempty"`
	// Methods are those that the PSU may use: what they choose among, and once
	// the code is sent the one by which it went, if the bank names any.
	Methods []sca.Method `json:"methods,omitempty"`
	Key     string       `json:"key,omitempty"`
	Expires time.Time    `json:"expires,omitzero"` // of the code
	Since   time.Time    `json:"since,omitzero"`   // of the wait
}

var errState = errors.New("persona flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	ok := false
	switch s.Stage {
	case stageLogin:
		ok = s.PSU == ""
	case stageKnown:
		ok = s.PSU != ""
	case stageMethod:
		ok = s.PSU != "" && len(s.Methods) > 1
	case stageCode:
		ok = s.PSU != "" && s.Key != "" && !s.Expires.IsZero()
	case stageWait:
		ok = s.PSU != "" && !s.Since.IsZero()
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
