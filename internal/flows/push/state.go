package push

import (
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
)

// stage is where the flow stands.
type stage string

const (
	stageLogin stage = "login" // the PSU is to say who they are
	stageAsked stage = "asked" // a question waits in the app
	// stageNobody is like stageAsked, to whoever looks, but nobody was asked.
	stageNobody stage = "nobody"
)

// state is what the flow remembers: which question waits, for whom, and the
// number that must come back with it.
type state struct {
	Stage    stage  `json:"stage"`
	Question string `json:"question,omitempty"`
	PSU      string `json:"psu,omitempty"`
	Number   string `json:"number,omitempty"`
}

var errState = errors.New("push flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	switch {
	case s == state{Stage: stageLogin}:
		return s, nil
	case s.Stage == stageAsked && s.Question != "" && s.PSU != "":
		return s, nil
	case s == state{Stage: stageNobody, Number: s.Number}:
		return s, nil
	default:
		return s, errState
	}
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
