package sca

import (
	"context"
	"slices"

	"consentd/internal/consent"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// Page is what the PSU has to do next.
type Page string

// The pages of a walk.
const (
	PageLogin     Page = "login"
	PageAccounts  Page = "accounts"
	PageConsent   Page = "consent"
	PageFactor    Page = "factor"
	PageWait      Page = "wait"
	PageElsewhere Page = "elsewhere" // the next page is another's, such as an identity provider's: View.URL
	PageDevice    Page = "device"    // another device goes on: View.Handle
	PageEnded     Page = "ended"     // back to the TPP, View.ReturnTo; nowhere where that is empty
)

// View is where a run stands, as a page shows it.
type View struct {
	Page    Page
	Purpose consent.Purpose
	// What is confirmed, in words, with ForAction; gone with the end of the run.
	What string
	TPP  string // who asks; empty where it is the bank, for a log-in or an action
	// ReturnTo is the TPP's URI for how the run ended; for a run that goes on, the
	// negative one. For a log-in and an action it is a page of ours.
	ReturnTo  string
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
	// Accounts and consent.
	Customer string
	Others   int              // how many other PSUs must agree before the consent is valid
	Offers   []Offer          // accounts: all; consent: those that will be shared
	Consent  *consent.Consent // nil for a log-in and an action
	// Authenticated says that no factor is asked for after the approval.
	Authenticated bool
	// CanMove says that the PSU may go on, on another device (Answer.Device).
	CanMove bool
	// Handle, on PageDevice, is what the other device opens; empty once it has.
	Handle string
	// URL, on PageElsewhere, is where the next page is, and Go says that the
	// browser is to be sent there now.
	URL string
	Go  bool
	// Number is what the PSU has to repeat in the bank's app; QR is for them to scan.
	Number string
	QR     *flow.QR
}

func (s *Dispatcher) view(w *walk) *View {
	shown := *w.c // with the addresses of this authorisation
	ok, nok := s.ways(w)
	shown.RedirectURI, shown.NokRedirectURI = ok, nok
	v := &View{
		Page:      pageOf(w),
		Purpose:   w.run.Purpose,
		What:      w.memo.What,
		TPP:       w.c.TPPName,
		ReturnTo:  nok,
		Language:  w.memo.Hint.Language,
		TriesLeft: s.Policy.MaxTries - w.run.Tries,
		Hint:      w.memo.Hint.PSU,
		Fields:    w.memo.Step.Fields,
		Methods:   w.memo.Step.Methods,
		Message:   w.memo.Step.Message,
		Spoken:    w.memo.Spoken,
		Customer:  w.memo.Customer.Name,
		Consent:   &shown,
		Step:      w.run.Seq,

		Authenticated: w.memo.Authenticated || s.exempt(w),
		CanMove:       w.movable(),
		Number:        w.memo.Step.Number,
		QR:            w.memo.Step.QR,
		URL:           w.memo.Step.URL,
		Go:            w.leave,
	}
	if w.run.Visits() {
		v.Consent = nil
	}
	v.Others = max(len(w.memo.Signers)-w.c.Signatures()-1, 0)
	switch {
	case w.run.Outcome == consent.RunDone:
		v.ReturnTo = shown.RedirectURI
	case w.run.Stage == consent.StageConfirm && w.admitted: // the code is for this browser alone
		v.ReturnTo = withCode(shown.RedirectURI, w.memo.Code)
	}
	for _, o := range w.memo.Offered {
		if v.Page == PageAccounts || len(w.memo.Picked) == 0 || slices.Contains(w.memo.Picked, o.Key) {
			v.Offers = append(v.Offers, o)
		}
	}
	return v
}

// ways are where the browser goes for a good and for a bad result.
func (s *Dispatcher) ways(w *walk) (ok, nok string) {
	switch {
	case w.run.Visits():
		return w.waysIn()
	case w.forTokens() && s.OwnPages(w.run): // SetResult alone tells
		return "", ""
	default:
		return w.c.Return(w.run.Authorisation)
	}
}

func pageOf(w *walk) Page {
	if w.halfIn() {
		return PageFactor // nothing is asked for: whatever is sent goes on
	}
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
		return PageElsewhere
	case w.run.Approved:
		return PageFactor
	default:
		return PageLogin
	}
}

// Message is what the flow of an authorisation tells the PSU while it waits for
// them away from any page: the number to repeat in the bank's app, for instance.
// Empty where there is nothing to tell, or a page of ours does. It asks nobody.
// Fails with CodeNotFound and CodeResourceUnknown for what is not the caller's.
func (s *Dispatcher) Message(ctx context.Context, call service.Call, at Target) (string, error) {
	w, err := s.target(ctx, call, at)
	if err != nil || w.approach() == consent.Redirect || w.run.Stage != consent.StageFlow || w.memo.Step.Outcome != flow.Wait {
		return "", err
	}
	if w.c.Status.Pending() && s.Now().Before(w.run.Deadline()) {
		return w.memo.Step.Message, nil
	}
	return "", nil
}
