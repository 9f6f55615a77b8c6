package sca_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// toyBank knows everybody who is called, with one account in euros and one in dollars.
type toyBank struct {
	down atomic.Bool
	more atomic.Bool // an account in pounds has been opened, and all have changed their type
}

func (b *toyBank) List(_ context.Context, customer string) ([]service.Account, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	if customer == "poor" {
		return nil, nil
	}
	iban := "DE00" + strings.ToUpper(customer)
	accounts := []service.Account{
		{ID: customer + "-eur", Reference: consent.Reference{IBAN: iban, Currency: "EUR", CashAccountType: "CACC"}},
		{ID: customer + "-usd", Reference: consent.Reference{IBAN: iban, Currency: "USD", CashAccountType: "CACC"}},
		{ID: customer + "-card", Reference: consent.Reference{MaskedPAN: customer + "****", Currency: "EUR", CashAccountType: "CARD"}},
	}
	if b.more.Load() {
		accounts = append(accounts, service.Account{ID: customer + "-gbp", Reference: consent.Reference{IBAN: iban, Currency: "GBP"}})
		for i := range accounts {
			accounts[i].Reference.CashAccountType = "TRAN"
		}
	}
	return accounts, nil
}

func (b *toyBank) Resolve(ctx context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	all, err := b.List(ctx, customer)
	return slices.DeleteFunc(all, func(a service.Account) bool {
		return a.Reference.IBAN != ref.IBAN || (ref.Currency != "" && a.Reference.Currency != ref.Currency)
	}), err
}

func (b *toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if b.down.Load() {
		return nil, errors.New("connection refused")
	}
	switch psu {
	case "stranger":
		return nil, nil
	case "ghost":
		return nil, service.ErrUnknownPSU
	case "ceo", "cfo", "clerk":
		return []service.Customer{{ID: psu, Name: psu}, {ID: "firm", Name: "The Firm", OrganisationID: "852126789"}}, nil
	}
	return []service.Customer{{ID: psu, Name: strings.ToUpper(psu)}}, nil
}

func (b *toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	if customer == "firm" {
		return []string{"ceo", "cfo"}, nil
	}
	return []string{customer}, nil
}

// toyFlow asks for a word, then for another. The first word is the PSU's name.
type toyFlow struct {
	judged atomic.Int32
	broken atomic.Bool
	wait   atomic.Bool  // a right second word is followed by a wait
	trip   atomic.Bool  // it asks once, and that is all
	spoken atomic.Value // the language of the last start
	choice atomic.Bool  // there are two methods to choose from
	keys   sync.Map     // every StepKey seen
	// What the last call was for, in words and as a purpose.
	summary, purpose atomic.Value
	failsApproval    atomic.Bool // it cannot ask for the second word
	// A word that begins with "slowly " is judged when release is closed; begun tells.
	begun, release chan struct{}
}

func (f *toyFlow) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	if f.broken.Load() {
		return flow.Step{}, errors.New("out of order")
	}
	f.spoken.Store(req.Language)
	fields := []flow.Field{{Name: "psuId", Kind: flow.Text}, {Name: "password", Kind: flow.Password}}
	state := "one"
	if f.trip.Load() {
		state = "trip"
	}
	return flow.Step{Outcome: flow.Prompt, State: []byte(state), Fields: fields}, nil
}

// factor asks for the second word, by a method.
func factor(method string) flow.Step {
	return flow.Step{
		Outcome: flow.Prompt, State: []byte("three"), Fields: []flow.Field{{Name: "otp", Kind: flow.Code}}, Message: "look at your phone",
		Methods: []flow.Method{{ID: method, Type: "SMS_OTP", Name: "By " + method}}, Challenge: json.RawMessage(`{"otpMaxLength":5}`),
	}
}

// calls is how many calls with keys of their own there were.
func (f *toyFlow) calls() (n int) {
	f.keys.Range(func(any, any) bool { n++; return true })
	return n
}

func (f *toyFlow) Continue(_ context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	f.keys.Store(req.StepKey, true)
	f.summary.Store(req.Summary)
	f.purpose.Store(req.Purpose)
	if f.broken.Load() || f.failsApproval.Load() && in.Kind == flow.Approved {
		return flow.Step{}, errors.New("out of order")
	}
	if in.Kind == flow.Cancel {
		return flow.Step{Outcome: flow.Denied}, nil
	}
	f.judged.Add(1)
	word, slowly := strings.CutPrefix(cmp.Or(in.Fields["password"], in.Fields["otp"]), "slowly ")
	if slowly {
		close(f.begun)
		<-f.release
	}
	switch string(state) + "/" + string(in.Kind) {
	case "one/form":
		switch word {
		case "wrong":
			return flow.Step{Outcome: flow.Prompt, Wrong: true}, nil
		case "blocked":
			return flow.Step{Outcome: flow.Denied, Blocked: true}, nil
		case "another page":
			return flow.Step{Outcome: flow.Prompt, State: state, Fields: []flow.Field{{Name: "password"}}}, nil
		case "sandbox": // everybody's, with the name in its own field
			word = in.Fields["psuId"]
		}
		return flow.Step{Outcome: flow.Identified, PSU: word, State: []byte("two")}, nil
	case "trip/form":
		return flow.Step{Outcome: flow.Done, PSU: cmp.Or(in.Fields["psuId"], word)}, nil
	case "two/approved":
		if f.choice.Load() {
			methods := []flow.Method{{ID: "sms", Type: "SMS_OTP", Name: "By SMS"}, {ID: "post", Type: "SMTP_OTP", Name: "By mail"}, {ID: "full", Type: "PUSH_OTP"}}
			return flow.Step{Outcome: flow.Prompt, State: []byte("choose"), Methods: methods}, nil
		}
		return factor("sms"), nil
	case "choose/form":
		if in.MethodID == "full" {
			return flow.Step{Outcome: flow.Prompt, Wrong: true, Message: "no more of these"}, nil
		}
		return factor(in.MethodID), nil
	case "three/form":
		switch {
		case word == "wrong":
			return flow.Step{Outcome: flow.Prompt, Wrong: true}, nil
		case word == "by enzo" || word == "by anna":
			return flow.Step{Outcome: flow.Done, PSU: strings.TrimPrefix(word, "by ")}, nil
		case word == "no":
			return flow.Step{Outcome: flow.Denied}, nil
		case f.wait.Load():
			return flow.Step{Outcome: flow.Wait, State: []byte("four"), PollAfter: time.Second}, nil
		}
		return flow.Step{Outcome: flow.Done, PSU: req.PSU}, nil
	case "four/poll":
		if f.wait.Load() {
			return flow.Step{Outcome: flow.Wait, State: state, PollAfter: time.Second}, nil
		}
		return flow.Step{Outcome: flow.Done, PSU: req.PSU}, nil
	}
	return flow.Step{}, fmt.Errorf("unexpected %s in state %q", in.Kind, state)
}

// toyApp asks the PSU in the bank's app.
type toyApp struct {
	asked  atomic.Int32
	keys   sync.Map // StepKey of each question
	polls  sync.Map // and of each look
	broken atomic.Bool
	answer atomic.Pointer[flow.Step] // what the PSU has said; the wait goes on while there is none
}

func (f *toyApp) Start(_ context.Context, req flow.Request) (flow.Step, error) {
	if f.broken.Load() {
		return flow.Step{}, errors.New("out of order")
	}
	if _, before := f.keys.LoadOrStore(req.StepKey, true); !before {
		f.asked.Add(1)
	}
	return flow.Step{Outcome: flow.Wait, State: []byte(req.Hint), PollAfter: time.Second}, nil
}

// looks is how many calls with keys of their own asked for the answer.
func (f *toyApp) looks() (n int) {
	f.polls.Range(func(any, any) bool { n++; return true })
	return n
}

func (f *toyApp) Continue(_ context.Context, req flow.Request, state []byte, in flow.Input) (flow.Step, error) {
	f.polls.Store(req.StepKey, true)
	said := f.answer.Load()
	switch {
	case f.broken.Load():
		return flow.Step{}, errors.New("out of order")
	case said == nil || in.Kind == flow.Approved:
		return flow.Step{Outcome: flow.Wait, State: state, PollAfter: time.Second}, nil
	}
	step := *said
	if step.Outcome == flow.Done {
		step.PSU = string(state)
	}
	return step, nil
}

// approve answers in the app, perhaps with a choice of accounts.
func (f *toyApp) approve(accounts ...string) {
	f.answer.Store(&flow.Step{Outcome: flow.Done, Accounts: accounts})
}
