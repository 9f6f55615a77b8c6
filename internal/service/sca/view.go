package sca

import (
	"context"
	"fmt"
	"slices"

	"consentd/internal/consent"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// Page is what the PSU has to do next.
type Page string

// The pages of a walk.
const (
	PageLogin    Page = "login"
	PageAccounts Page = "accounts"
	PageConsent  Page = "consent"
	PageFactor   Page = "factor"
	PageWait     Page = "wait"
	PageRedirect Page = "redirect" // on to the flow's own page, View.URL
	PageEnded    Page = "ended"    // back to the TPP, View.ReturnTo
)

// Offer is an account that may be shared, with the rights that are asked for it.
type Offer struct {
	// Key names the offer in forms: the IBAN, or what else identifies the
	// account, with /CUR where one identifier has several currencies.
	Key     string
	Account service.Account
	Rights  consent.Rights
}

// View is where a run stands, as a page shows it.
type View struct {
	Page      Page
	TPP       string // who asks
	ReturnTo  string // the TPP's URI for how the run ended; for a run that goes on, the negative one
	Language  string // as the TPP said; may be empty
	Wrong     bool   // the last answer was not accepted
	TriesLeft int
	Step      int // for Answer.Step
	// Login and factor.
	Hint    string // who the TPP says that the PSU is
	Fields  []flow.Field
	Methods []flow.Method
	Message string // the flow's
	Spoken  string // the language of Message, BCP 47
	URL     string // of PageRedirect
	// Accounts and consent.
	Customer string
	Offers   []Offer // accounts: all; consent: those that will be shared
	Consent  *consent.Consent
	// Authenticated says that no factor is asked for after the approval.
	Authenticated bool
}

func (s *Dispatcher) view(w *walk) *View {
	v := &View{
		Page:      pageOf(w),
		TPP:       w.c.TPPName,
		ReturnTo:  w.c.NokURI(),
		Language:  w.memo.Hint.Language,
		TriesLeft: s.Policy.MaxTries - w.run.Tries,
		Hint:      w.memo.Hint.PSU,
		Fields:    w.memo.Step.Fields,
		Methods:   w.memo.Step.Methods,
		Message:   w.memo.Step.Message,
		Spoken:    w.memo.Spoken,
		URL:       w.memo.Step.URL,
		Customer:  w.memo.Customer.Name,
		Consent:   w.c,
		Step:      w.run.Seq,

		Authenticated: w.memo.Authenticated,
	}
	if w.run.Outcome == consent.RunDone {
		v.ReturnTo = w.c.RedirectURI
	}
	for _, o := range w.memo.Offered {
		if v.Page == PageAccounts || len(w.memo.Picked) == 0 || slices.Contains(w.memo.Picked, o.Key) {
			v.Offers = append(v.Offers, o)
		}
	}
	return v
}

func pageOf(w *walk) Page {
	switch w.run.Stage {
	case consent.StageAccounts:
		return PageAccounts
	case consent.StageReview:
		return PageConsent
	case consent.StageStart, consent.StageFlow:
		return flowPage(w)
	default:
		return PageEnded
	}
}

// flowPage is the page for what the flow has asked last.
func flowPage(w *walk) Page {
	switch {
	case w.memo.Step.Outcome == flow.Wait:
		return PageWait
	case w.memo.Step.Outcome == flow.Redirect:
		return PageRedirect
	case w.run.Approved:
		return PageFactor
	default:
		return PageLogin
	}
}

// offers lists the accounts that a consent is about, among those that the
// customer may share, and whether everything that it asks for is among them.
func (s *Dispatcher) offers(ctx context.Context, a consent.Access, customer string) ([]Offer, bool, error) {
	if a.Scope == consent.ScopeDedicated {
		return s.asked(ctx, a, customer)
	}
	accounts, err := s.Accounts.List(ctx, customer)
	if err != nil {
		return nil, false, fmt.Errorf("accounts of a customer: %w", err)
	}
	granted := func(acc service.Account) bool {
		return len(a.Grants) == 0 || slices.ContainsFunc(a.Grants, func(g consent.Grant) bool { return g.Reference == acc.Reference })
	}
	var offers []Offer
	for _, acc := range accounts {
		if a.Allows(acc.Reference.CashAccountType) && granted(acc) {
			offers = append(offers, Offer{Account: acc, Rights: a.Rights})
		}
	}
	return keyed(offers), true, nil
}

// asked resolves what a dedicated consent names. An account that is named twice
// has the rights of both.
func (s *Dispatcher) asked(ctx context.Context, a consent.Access, customer string) ([]Offer, bool, error) {
	var offers []Offer
	complete := true
	for _, x := range a.Asked {
		accounts, err := s.Accounts.Resolve(ctx, customer, x.Reference)
		if err != nil {
			return nil, false, fmt.Errorf("resolve an account: %w", err)
		}
		complete = complete && len(accounts) > 0
		for _, acc := range accounts {
			i := slices.IndexFunc(offers, func(o Offer) bool { return o.Account.ID == acc.ID })
			if i < 0 {
				offers = append(offers, Offer{Account: acc})
				i = len(offers) - 1
			}
			offers[i].Rights |= x.Rights
		}
	}
	return keyed(offers), complete, nil
}

// keyed names each offer in forms.
func keyed(offers []Offer) []Offer {
	times := map[string]int{}
	for _, o := range offers {
		times[identifier(o.Account.Reference)]++
	}
	for i := range offers {
		ref := offers[i].Account.Reference
		offers[i].Key = identifier(ref)
		if times[offers[i].Key] > 1 {
			offers[i].Key += "/" + ref.Currency
		}
	}
	return offers
}

func identifier(r consent.Reference) string {
	for _, id := range []string{r.IBAN, r.BBAN, r.MaskedPAN, r.PAN, r.MSISDN} {
		if id != "" {
			return id
		}
	}
	return r.Other.Identification
}
