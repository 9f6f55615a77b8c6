package push

import (
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
)

// stageAsked is the one place where this flow can stand.
const stageAsked = "asked"

// state is what the flow remembers: which question waits, and for whom.
type state struct {
	Stage    string `json:"stage"`
	Question string `json:"question"`
	PSU      string `json:"psu"`
}

var errState = errors.New("push flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	if s.Stage != stageAsked || s.Question == "" || s.PSU == "" {
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
