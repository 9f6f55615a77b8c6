package handoff

import (
	"encoding/json"
	"errors"
	"fmt"

	"consentd/pkg/sca"
)

// stage is where the flow stands.
type stage string

const (
	stagePSU    stage = "psu"    // the bank is to say who it is
	stageReview stage = "review" // consentd is to say that they have agreed
	stageResult stage = "result" // the bank is to say how it ends
)

// state is what the flow remembers.
type state struct {
	Stage stage  `json:"stage"`
	PSU   string `json:"psu,omitempty"`
}

var errState = errors.New("hand-off flow: not a state of this flow")

// parse reads a state and refuses one that the flow cannot have written.
func parse(raw []byte) (state, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errState // the cause may quote the state, which is private
	}
	switch {
	case s == state{Stage: stagePSU}:
		return s, nil
	case (s.Stage == stageReview || s.Stage == stageResult) && s.PSU != "":
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

// wait is the step until the bank says more.
func (s state) wait(req sca.Request) (sca.Step, error) {
	return s.in(sca.Step{Outcome: sca.Wait, PollAfter: pollAfter, Message: textFor(req.Language)})
}
