package web

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// storyNow is when the stories are told.
func storyNow() time.Time { return time.Date(2026, time.May, 14, 11, 30, 0, 0, time.UTC) }

// storyID is always the same for a name.
func storyID(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

const storyDay = 24 * time.Hour

// storyCurrent and storySavings are the accounts of the stories' customer.
func storyCurrent() overview.Account {
	return overview.Account{
		ID: "a1", Name: "Everyday", Owner: "Omar Al Farsi", Rights: consent.RightAccounts | consent.RightBalances | consent.RightTransactions,
		Reference: consent.Reference{IBAN: "AE070331234567890123456", Currency: "AED", CashAccountType: "CACC"},
	}
}

func storySavings() overview.Account {
	return overview.Account{
		ID: "a2", Name: "Rainy days", Owner: "Omar Al Farsi", Rights: consent.RightAccounts | consent.RightBalances,
		Reference: consent.Reference{IBAN: "AE460330000000012345678", Currency: "AED", CashAccountType: "SVGS"},
	}
}

func dirhams(whole int64) consent.Money {
	const hundred = 100
	return consent.Money{Minor: whole * hundred, Currency: "AED"}
}

// storyBoard is what a customer of long standing sees of a tab.
func storyBoard(w overview.Wish) *overview.Board {
	var all []*overview.Detail
	switch {
	case w.Tab == overview.Current && !w.Pays:
		all = []*overview.Detail{
			storyDetail(overview.DataSharing, consent.Valid), storyDetail(overview.DataSharing, consent.Suspended, named("Saffron Budget")),
			storyDetail(overview.DataSharing, consent.PartiallyAuthorised, named("Ledgerly"), ofCompany), storyDetail(overview.Funds, consent.Valid, named("Corner Card")),
			storyDetail(overview.Connected, consent.Valid, named("Acme Budget"), allAccounts),
		}
	case w.Tab == overview.Current:
		all = []*overview.Detail{
			storyDetail(overview.FlexiPay, consent.Valid), storyDetail(overview.SinglePayment, consent.Received, named("Desert Travel")),
			storyDetail(overview.SinglePayment, consent.Valid, named("Corner Shop")), storyDetail(overview.FlexiPay, consent.Suspended, named("Palm Utilities")),
		}
	case !w.Pays:
		all = []*overview.Detail{
			storyDetail(overview.DataSharing, consent.Revoked), storyDetail(overview.DataSharing, consent.Expired, named("Saffron Budget")),
			storyDetail(overview.DataSharing, consent.Rejected, named("Quick Credit")),
		}
	default:
		all = []*overview.Detail{
			storyDetail(overview.SinglePayment, consent.Consumed, named("Corner Shop")), storyDetail(overview.FlexiPay, consent.Revoked, named("Palm Utilities")),
			storyDetail(overview.FlexiPay, consent.Consumed, named("Gym on the Creek")), storyDetail(overview.SinglePayment, consent.Consumed, named("Desert Travel"), payFailed),
		}
	}
	b := &overview.Board{Page: 1, Pages: 1, Total: len(all), Current: 9, History: 6, Shares: 5, Pays: 4}
	if w.Tab == overview.History {
		b.Shares, b.Pays, b.History = 3, 4, 7
	}
	for _, d := range all {
		b.Cards = append(b.Cards, d.Card)
		b.TPPs = append(b.TPPs, overview.TPP{ID: d.TPP + d.TPPName, Name: d.TPPName})
		if !slices.Contains(b.Types, d.Type) {
			b.Types = append(b.Types, d.Type)
		}
		if !slices.Contains(b.Statuses, d.Status) {
			b.Statuses = append(b.Statuses, d.Status)
		}
	}
	return b
}

// storyDetail is a consent of a type in a state.
func storyDetail(ty overview.Type, s consent.Status, change ...func(*overview.Detail)) *overview.Detail {
	id := storyID(string(ty) + string(s))
	made := storyNow().Add(-40 * storyDay)
	c := &consent.Consent{
		ID: id, GroupID: id, Kind: consent.AccountAccess, Rail: consent.RailManager, TPP: "tpp-1", TPPName: "Acme Budget",
		Status: s, StatusChangedAt: made.Add(time.Hour), Access: consent.Access{Scope: consent.ScopeDedicated}, Recurring: true, FrequencyPerDay: 4,
		ValidUntil: consent.Date{Year: 2026, Month: time.October, Day: 31}, CreatedAt: made,
		Staged: &consent.Staged{Reference: "b8f42378-10ac-46a1-8d20-4e020484216d", Permissions: []string{
			"ReadAccountsBasic", "ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic", "ReadTransactionsDetail", "ReadStandingOrdersDetail", "ReadParty",
		}},
	}
	d := &overview.Detail{
		Card: overview.Card{
			Consent: c, Type: ty, Accounts: []overview.Account{storyCurrent(), storySavings()}, Since: made, Renewed: made, Members: 1,
			LastUsed: storyNow().Add(-3 * time.Hour),
		},
		Stops: !s.Final(), Signers: 1,
	}
	storyType(d)
	storyState(d)
	for _, do := range change {
		do(d)
	}
	d.Events = append(storyEvents(d), d.Events...)
	slices.SortStableFunc(d.Events, func(a, b overview.Event) int { return b.At.Compare(a.At) })
	return d
}

// storyType makes it of its type.
func storyType(d *overview.Detail) {
	switch d.Type {
	case overview.SinglePayment, overview.FlexiPay:
		storyPayments(d)
	case overview.Funds:
		d.Kind, d.Rail, d.Staged, d.Accounts = consent.FundsConfirmation, consent.RailXS2A, nil, d.Accounts[:1]
		d.ValidUntil, d.Accounts[0].Rights = consent.Date{Year: endless, Month: time.December, Day: 30}, consent.RightFunds
	case overview.Connected:
		d.Kind, d.Rail, d.Staged = consent.Connection, consent.RailSTET, nil
		d.Access = consent.Access{Scope: consent.ScopeAvailable, Rights: consent.RightAccounts | consent.RightLongHistory}
		d.Accounts[0].Rights, d.Accounts[1].Rights = d.Access.Rights, d.Access.Rights
	case overview.DataSharing:
	}
}

// storyPayments makes it one of payments.
func storyPayments(d *overview.Detail) {
	d.Kind, d.Accounts = consent.Payments, d.Accounts[:1]
	d.TPPName, d.Staged.Permissions = "Palm Pay", []string{"ReadAccountsBasic", "ReadBalances"}
	d.Parties = &overview.Parties{CreditorName: "Dubai Electric Services LLC", CreditorIBAN: "AE210260000000098765432", CreditorAgent: "Creek Bank"}
	terms := &consent.PaymentTerms{Currency: "AED", CreditorReference: "INV-2026-0417", DebtorReference: "Electricity", Purpose: "UTL"}
	d.Staged.Payment = terms
	pay := func(days int, amount int64, s consent.PaymentStatus) overview.Payment {
		return overview.Payment{Payment: consent.Payment{
			ID: storyID("payment"), Consent: d.ID, Amount: dirhams(amount), Status: s, CreatedAt: storyNow().Add(-time.Duration(days) * storyDay), Purpose: "UTL", Reference: "INV-2026-0417",
		}, Parties: d.Parties}
	}
	if d.Type == overview.SinglePayment {
		terms.Schedule, terms.Amount = consent.SingleInstant, dirhams(1250)
		if d.Status == consent.Consumed {
			d.Payments = []overview.Payment{pay(39, 1250, consent.PaymentCredited)}
		}
	} else {
		terms.Schedule, terms.Period, terms.From = consent.VariablePeriodic, consent.PeriodMonth, consent.Date{Year: 2026, Month: time.April, Day: 1}
		terms.MaxEach, terms.MaxPerPeriod, terms.CountPerPeriod, terms.MaxTotal, terms.Count = dirhams(500), dirhams(1500), 5, dirhams(12000), 24
		d.Payments = []overview.Payment{pay(4, 80, consent.PaymentPending), pay(12, 75, consent.PaymentRejected), pay(30, 120, consent.PaymentCredited)}
		d.Payments[1].Rejections = []consent.Rejection{{Code: "AANI.AM04", Message: "Insufficient funds"}}
	}
	switch {
	case d.Status.Pending() || d.Status == consent.Rejected:
		d.Payments = nil
	case d.Status == consent.Consumed && d.Type == overview.FlexiPay:
		d.Payments[0].Status, terms.Count = consent.PaymentCredited, 2
	}
	log := make([]consent.Payment, len(d.Payments))
	for i := range d.Payments {
		log[i] = d.Payments[i].Payment
	}
	d.Sum = terms.Consumed(log, storyNow(), time.UTC)
	d.LastUsed = time.Time{}
	if len(log) > 0 {
		d.LastUsed, d.PaidAt = log[0].CreatedAt, log[0].CreatedAt
	}
}

// storyState makes it be in its state.
func storyState(d *overview.Detail) {
	if d.Status.Pending() {
		d.LastUsed = time.Time{}
	}
	switch d.Status {
	case consent.PartiallyAuthorised:
		d.Signers = 2
		if d.Staged != nil {
			d.Staged.Required, d.Staged.Approvals = 2, []consent.Approval{{ID: "1", State: consent.ApprovalGiven}, {ID: "2", State: consent.ApprovalPending}}
		}
	case consent.Suspended:
		suspendedFor(consent.ReasonIdentity)(d)
	case consent.Revoked:
		endedBy(consent.ByPSU, consent.ReasonWithdrawn)(d)
	case consent.Rejected:
		d.LastUsed = time.Time{}
		endedBy(consent.ByPSU, consent.ReasonRefused)(d)
	case consent.Expired:
		endedBy(consent.BySystem, consent.ReasonDate)(d)
	case consent.Consumed:
		endedBy(consent.BySystem, consent.ReasonUsedUp)(d)
	case consent.Received, consent.Valid:
		return
	}
	if d.LastUsed.After(d.StatusChangedAt) { // nothing is shared any more
		d.LastUsed = d.StatusChangedAt.Add(-3 * time.Hour)
	}
}

func suspendedFor(reason consent.Reason) func(*overview.Detail) {
	return func(d *overview.Detail) {
		d.Suspension, d.StatusChangedAt = consent.Suspension{Reason: reason}, storyNow().Add(-2*storyDay)
	}
}

func endedBy(by consent.Actor, reason consent.Reason) func(*overview.Detail) {
	return func(d *overview.Detail) {
		d.Ending, d.StatusChangedAt = consent.Ending{By: by, Reason: reason}, storyNow().Add(-storyDay)
	}
}

// storyEvents are what has happened to it, the newest first.
func storyEvents(d *overview.Detail) []overview.Event {
	at := func(t time.Time, kind overview.EventKind, by consent.Actor, why consent.Reason) overview.Event {
		return overview.Event{At: t, Kind: kind, Consent: d.ID, By: by, Reason: why}
	}
	var all []overview.Event
	switch d.Status {
	case consent.Suspended:
		all = append(all, at(d.StatusChangedAt, overview.EventSuspended, consent.ByASPSP, d.Suspension.Reason))
	case consent.Rejected:
		all = append(all, at(d.StatusChangedAt, overview.EventRefused, d.Ending.By, d.Ending.Reason))
	case consent.Revoked:
		all = append(all, at(d.StatusChangedAt, overview.EventStopped, d.Ending.By, d.Ending.Reason))
	case consent.Expired:
		kind := overview.EventExpired
		if d.Ending.Reason == consent.ReasonReplaced {
			kind = overview.EventReplaced
		}
		all = append(all, at(d.StatusChangedAt, kind, d.Ending.By, d.Ending.Reason))
	case consent.Consumed:
		all = append(all, at(d.StatusChangedAt, overview.EventConsumed, d.Ending.By, d.Ending.Reason))
	case consent.Received, consent.PartiallyAuthorised, consent.Valid:
	}
	if !d.Status.Pending() && d.Status != consent.Rejected && !slices.ContainsFunc(d.Events, func(e overview.Event) bool { return e.Consent == d.ID }) {
		all = append(all, at(d.CreatedAt.Add(time.Hour), overview.EventGiven, consent.ByPSU, ""))
	}
	return append(all, at(d.CreatedAt, overview.EventAsked, consent.ByTPP, ""))
}
