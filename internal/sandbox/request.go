package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/pkg/xs2a"
)

// The models of consent that the start page offers.
const (
	modelOffered   = "offered"
	modelDedicated = "dedicated"
)

// demoDays is for how long the demo TPP asks, in days.
const demoDays = 90

// choice is what the visitor of the start page picked.
type choice struct {
	Persona persona
	Model   string
}

// choose reads a choice from a query or a form. What it cannot read is the
// first of the list: this is a start page, not an API.
func choose(value func(name string) string) choice {
	c := choice{Persona: personas()[0], Model: modelOffered}
	if p, err := personaOf(value("psu")); err == nil {
		c.Persona = p
	}
	if value("model") == modelDedicated {
		c.Model = modelDedicated
	}
	return c
}

// body is the consent that the demo TPP asks for. A persona without accounts
// has none to name and is offered the choice.
func (s *Sandbox) body(ctx context.Context, c choice) (xs2a.ConsentsRequest, error) {
	owned, err := s.Bank.owned(ctx, c.Persona.Customer)
	if err != nil {
		return xs2a.ConsentsRequest{}, err
	}
	refs := []xs2a.AccountReference{}
	if c.Model == modelDedicated {
		for _, a := range owned {
			refs = append(refs, xs2a.AccountReference{IBAN: a.IBAN, MaskedPAN: a.MaskedPAN, Currency: a.Currency})
		}
	}
	return xs2a.ConsentsRequest{
		Access:             xs2a.AccountAccess{Accounts: refs, Balances: refs, Transactions: refs},
		RecurringIndicator: true,
		ValidUntil:         consent.DateOf(s.Clock.Now(), time.UTC).AddDays(demoDays).String(),
		FrequencyPerDay:    4,
	}, nil
}

// curl is the same as a command to paste.
func (s *Sandbox) curl(ctx context.Context, base string, c choice) (string, error) {
	body, err := s.body(ctx, c)
	if err != nil {
		return "", err
	}
	raw, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode the demo request: %w", err)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("request id: %w", err)
	}
	call := draft{tpp: defaultTPP, method: http.MethodPost, target: base + s.BasePath + "/v1/consents", body: raw, headers: []header{
		{"Content-Type", "application/json"},
		{"X-Request-ID", id.String()},
		{"PSU-IP-Address", "192.0.2.7"},
		{"PSU-ID", c.Persona.ID},
		{"TPP-Redirect-URI", returnBase(base) + "/sandbox/return"},
		{"TPP-Nok-Redirect-URI", returnBase(base) + "/sandbox/return/nok"},
	}}
	headers, err := s.signed(ctx, call)
	if err != nil {
		return "", err
	}
	// Nothing in it holds a single quote: names of accounts are not sent, and
	// what is was checked when the account was opened.
	return command("curl -i "+call.target, headers, "-d '"+string(raw)+"'"), nil
}

// commands get certificates and, where they are asked for, create the consent that
// the page is about with them.
func (s *Sandbox) commands(ctx context.Context, page startPage) (string, error) {
	order := "consentd tpp new --name acme --out acme" + sandboxFlag(page.Base)
	if page.Secure == "" {
		return order, nil
	}
	body, err := s.body(ctx, page.Choice)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("encode the demo request: %w", err)
	}
	return order + "\n" + command("consentd tpp call POST "+page.Secure+s.BasePath+"/v1/consents --tpp acme", []header{
		{"PSU-IP-Address", "192.0.2.7"},
		{"PSU-ID", page.Choice.Persona.ID},
		{"TPP-Redirect-URI", returnBase(page.Base) + "/sandbox/return"},
	}, "--body '"+string(raw)+"'"), nil
}

// command writes a call for a shell, each header on a line of its own.
func command(call string, headers []header, more ...string) string {
	lines := []string{call}
	for _, h := range headers {
		lines = append(lines, "-H '"+h.Name+": "+h.Value+"'")
	}
	return strings.Join(append(lines, more...), " \\\n  ")
}
