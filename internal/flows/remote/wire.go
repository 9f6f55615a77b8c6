package remote

import (
	"encoding/json"
	"fmt"
	"time"

	"consentd/pkg/sca"
)

// The two calls of sca.Flow, as the member "call" names them.
const (
	callStart    = "start"
	callContinue = "continue"
)

// message is the body of a call (openapi/sca-remote.yaml, Call).
type message struct {
	Call    string  `json:"call"`
	Request request `json:"request"`
	State   []byte  `json:"state,omitempty"` // base64 on the wire
	Input   *input  `json:"input,omitempty"`
}

type request struct {
	RunID       string `json:"runId"`
	StepKey     string `json:"stepKey"`
	Purpose     string `json:"purpose"`
	Hint        string `json:"hint,omitempty"`
	PSU         string `json:"psu,omitempty"`
	Summary     string `json:"summary,omitempty"`
	ReturnURL   string `json:"returnUrl,omitempty"`
	ReturnState string `json:"returnState,omitempty"`
	CallbackURL string `json:"callbackUrl,omitempty"`
	Language    string `json:"language,omitempty"`
	Paged       bool   `json:"paged"`
	Choose      bool   `json:"choose"`
}

type input struct {
	Kind     string            `json:"kind"`
	MethodID string            `json:"methodId,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"`
	Accounts []string          `json:"accounts,omitempty"`
}

// step is the answer to a call (openapi/sca-remote.yaml, Step).
type step struct {
	Outcome   sca.Outcome     `json:"outcome"`
	State     []byte          `json:"state"`
	PSU       string          `json:"psu"`
	Wrong     bool            `json:"wrong"`
	Blocked   bool            `json:"blocked"`
	Fields    []field         `json:"fields"`
	Methods   []method        `json:"methods"`
	Challenge json.RawMessage `json:"challenge"`
	Accounts  []string        `json:"accounts"`
	URL       string          `json:"url"`
	PollAfter int             `json:"pollAfter"` // seconds
	Message   string          `json:"message"`
	Number    string          `json:"number"`
	QR        *qr             `json:"qr"`
}

type field struct {
	Name    string          `json:"name"`
	Label   string          `json:"label"`
	Kind    sca.FieldKind   `json:"kind"`
	Options json.RawMessage `json:"options"`
}

type method struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

type qr struct {
	Content string `json:"content"`
	Text    string `json:"text"`
}

func requestOf(r sca.Request) request {
	return request{
		RunID: r.RunID, StepKey: r.StepKey, Purpose: string(r.Purpose), Hint: r.Hint, PSU: r.PSU, Summary: r.Summary,
		ReturnURL: r.ReturnURL, ReturnState: r.ReturnState, CallbackURL: r.CallbackURL, Language: r.Language,
		Paged: r.Paged, Choose: r.Choose,
	}
}

func inputOf(in sca.Input) *input {
	return &input{Kind: string(in.Kind), MethodID: in.MethodID, Fields: in.Fields, Accounts: in.Accounts}
}

func (m message) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the call: %w", err)
	}
	return body, nil
}

// domain is the step as package sca has it.
func (s step) domain() sca.Step {
	out := sca.Step{
		Outcome: s.Outcome, State: s.State, PSU: s.PSU, Wrong: s.Wrong, Blocked: s.Blocked, Challenge: s.Challenge,
		Accounts: s.Accounts, URL: s.URL, PollAfter: time.Duration(s.PollAfter) * time.Second, Message: s.Message, Number: s.Number,
	}
	for _, f := range s.Fields {
		out.Fields = append(out.Fields, sca.Field(f))
	}
	for _, m := range s.Methods {
		out.Methods = append(out.Methods, sca.Method(m))
	}
	if s.QR != nil {
		out.QR = &sca.QR{Content: s.QR.Content, Text: s.QR.Text}
	}
	return out
}
