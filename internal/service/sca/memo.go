package sca

import (
	"encoding/json"
	"fmt"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// memo is what a run remembers between two answers: personal and secret, hence
// sealed, and wiped when the run ends.
type memo struct {
	Hint service.Hint
	// Step is the flow's last step: its State, and the Prompt to show again.
	Step flow.Step
	// Left are states of the flow that were overtaken, with which it may have put
	// something out in the world.
	Left   [][]byte
	Spoken string // the language of the Step's texts, BCP 47
	// Login is what the PSU logged in as, on a form; empty where nobody typed a name.
	Login string
	// Proof tells whether a password that the TPP sends again is the one that was right.
	Proof []byte
	// Proved says that the PSU has shown a factor on a form, not only said who they are.
	Proved bool
	// Authenticated says that the flow is through; only the PSU's approval is missing.
	Authenticated bool
	PSU           string // the bank's id
	// Only is the one PSU who can go on with the run; empty for anybody.
	Only string
	// What is confirmed, in words, where there is no consent that says it.
	What     string
	Customer service.Customer
	Signers  []string // the bank's ids
	Offered  []Offer
	Picked   []string // keys of Offered, once the PSU has chosen
	Chosen   []string // what the PSU chose outside the browser, as the flow names it
	// HandOff is what the bank has said of a walk on pages of its own; nil before
	// it has taken the walk up.
	HandOff *handedOff
	// Device is the handle by which another device goes on.
	Device string
	// Agreed and Code wait for the TPP's confirmation.
	Agreed *consent.Agreement
	Code   string
}

func sealPurpose(r *consent.Run) string { return "run " + r.ID.String() }

func (s *Dispatcher) seal(r *consent.Run, m memo) ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode run memo: %w", err)
	}
	return s.Keys.Seal(sealPurpose(r), b), nil
}

func (s *Dispatcher) open(r *consent.Run) (memo, error) {
	var m memo
	if r.Memo == nil {
		return m, nil
	}
	b, err := s.Keys.Open(sealPurpose(r), r.Memo)
	if err != nil {
		return m, fmt.Errorf("run %s: %w", r.ID, err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("decode memo of run %s: %w", r.ID, err)
	}
	return m, nil
}

// confirmationCode is a secret that only the browser brings to the TPP.
func confirmationCode() string { return secret.Handle()[:22] }
