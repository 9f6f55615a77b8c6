package web

import (
	"strings"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/overview"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

// What may be different about a consent of the stories.

func named(tpp string) func(*overview.Detail) { return func(d *overview.Detail) { d.TPPName = tpp } }

func byRights(d *overview.Detail) { d.Staged, d.Rail = nil, consent.RailXS2A }

func allAccounts(d *overview.Detail) {
	d.All = true
	if d.Kind != consent.Connection {
		d.Access = consent.Access{Scope: consent.ScopeAllPSD2, OwnerName: true, Rights: consent.RightAccounts | consent.RightBalances | consent.RightTransactions}
	}
}

func once(d *overview.Detail) { d.Recurring, d.FrequencyPerDay = false, 1 }

func ofCompany(d *overview.Detail) { d.Customer, d.Signers = "Creek Trading LLC", 2 }

func sealed(d *overview.Detail) {
	d.Sealed = true
	paidTo(d, nil)
}

// paidTo says who is paid, in all that tells of it.
func paidTo(d *overview.Detail, whom *overview.Parties) {
	d.Parties = whom
	for i := range d.Payments {
		d.Payments[i].Parties = whom
	}
}

func longNamed(d *overview.Detail) {
	d.TPPName = "Gesellschaft für außergewöhnlich umfangreiche Kontoinformationsdienstleistungen mbH & Co. KG"
	d.Staged.OnBehalfOf = "Donaudampfschifffahrtsgesellschaftskapitänswitwenversorgungskasse"
	d.Customer = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
	d.Staged.Reference = strings.Repeat("a1b2c3d4", 16)
	d.Accounts[0].Name = "Gemeinschaftskontokorrentverrechnungskonto für Nebenkostenabrechnungen"
}

func arabicNamed(d *overview.Detail) {
	const payee = "مؤسسة النخيل للكهرباء"
	d.TPPName = "شركة الدفع السريع (ش.م.ح.)"
	paidTo(d, &overview.Parties{CreditorName: payee, CreditorIBAN: d.Parties.CreditorIBAN})
}

// renewed is the second of its line.
func renewed(d *overview.Detail) {
	first := storyID("the first of the line")
	d.GroupID, d.Members, d.Since = first, 2, d.CreatedAt.Add(-90*storyDay)
	added := overview.Change{Permissions: []string{"ReadStandingOrdersDetail"}, Accounts: []overview.Account{storySavings()}}
	d.Events = []overview.Event{
		{At: d.CreatedAt.Add(time.Hour), Kind: overview.EventReplaced, Consent: first, By: consent.BySystem, Reason: consent.ReasonReplaced},
		{
			At: d.CreatedAt.Add(time.Hour), Kind: overview.EventRenewed, Consent: d.ID, By: consent.ByPSU, Added: added,
			Removed: overview.Change{Permissions: []string{"ReadStatements"}},
		},
		{At: d.Since.Add(time.Hour), Kind: overview.EventGiven, Consent: first, By: consent.ByPSU},
		{At: d.Since, Kind: overview.EventAsked, Consent: first, By: consent.ByTPP},
	}
}

// payFailed has its only payment rejected, after which nothing is paid.
func payFailed(d *overview.Detail) {
	d.Payments[0].Status = consent.PaymentRejected
	d.Payments[0].Rejections = []consent.Rejection{{Code: "AANI.AC04", Message: "Closed account"}}
	d.Sum = d.Staged.Payment.Consumed([]consent.Payment{d.Payments[0].Payment}, storyNow(), time.UTC)
}

// scheduled allows payments of a shape.
func scheduled(s consent.Schedule) func(*overview.Detail) {
	return func(d *overview.Detail) {
		t := &consent.PaymentTerms{Schedule: s, Currency: "AED", Amount: dirhams(1250)}
		d.Staged.Payment = t
		d.Payments, d.LastUsed, d.PaidAt, d.Sum = nil, time.Time{}, time.Time{}, t.Consumed(nil, storyNow(), time.UTC)
		dates := []consent.Due{
			{On: consent.Date{Year: 2026, Month: time.June, Day: 1}, Amount: dirhams(500)}, {On: consent.Date{Year: 2026, Month: time.September, Day: 1}, Amount: dirhams(750)},
		}
		switch s {
		case consent.SingleDated:
			t.On = dates[0].On
		case consent.FixedDefined, consent.VariableDefined:
			t.Dates, t.Amount = dates, consent.Money{}
		case consent.FixedPeriodic:
			t.Period, t.From = consent.PeriodWeek, dates[0].On
		case consent.FixedOnDemand:
			t.Period, t.CountPerPeriod = consent.PeriodDay, 2
		case consent.VariableOnDemand:
			t.Amount, t.Period, t.MaxPerPeriod, t.CountPerPeriod = consent.Money{}, consent.PeriodYear, dirhams(9000), 1
		default:
		}
	}
}

// The pages on which people log in and authorise.

func storyView(page sca.Page, change ...func(*sca.View)) func() *sca.View {
	return func() *sca.View {
		v := &sca.View{
			Page: page, TPP: "Acme Budget", TriesLeft: 3, Step: 2, Fields: []flow.Field{{Name: "psuId"}, {Name: "password", Kind: flow.Password}},
			Consent: &consent.Consent{
				Kind: consent.AccountAccess, Status: consent.Received, Access: consent.Access{Scope: consent.ScopeBankOffered, Rights: storyCurrent().Rights},
				Recurring: true, FrequencyPerDay: 4, ValidUntil: consent.Date{Year: 2026, Month: time.October, Day: 31},
			},
		}
		if page == sca.PageFactor {
			v.Fields, v.Message = []flow.Field{{Name: "otp", Kind: flow.Code}}, "We sent a code by SMS to the number ending in 42."
		}
		if page == sca.PageAccounts || page == sca.PageConsent {
			v.Customer = storyCurrent().Owner
			for _, a := range []overview.Account{storyCurrent(), storySavings()} {
				v.Offers = append(v.Offers, sca.Offer{Key: a.ID, Account: service.Account{Name: a.Name, Reference: a.Reference}, Rights: storyCurrent().Rights})
			}
		}
		for _, do := range change {
			do(v)
		}
		return v
	}
}

// ofBank is a run by which the bank itself asks.
func ofBank(v *sca.View) { v.TPP, v.Consent, v.Purpose = "", nil, consent.ForLogin }

func toConfirm(v *sca.View) {
	ofBank(v)
	v.Purpose, v.What = consent.ForAction, "Stop sharing with Acme Budget (consent "+storyID("dataSharingvalid").String()+")"
}

func mistaken(v *sca.View) { v.Wrong, v.TriesLeft = true, 2 }

func walkScenes() []scene {
	wait := func(v *sca.View) { v.Fields, v.Message = nil, "We sent a request to the app on your phone." }
	idp := func(v *sca.View) { v.Fields, v.URL = nil, "https://login.bank.example/authorize" }
	good := func(v *sca.View) { v.Consent.Status = consent.Valid }
	return []scene{
		walkScene("bank-login", "", storyView(sca.PageLogin, ofBank)),
		walkScene("bank-login-wrong", consent.CodeCredentials, storyView(sca.PageLogin, ofBank, mistaken)),
		walkScene("bank-login-elsewhere", "", storyView(sca.PageElsewhere, ofBank, idp)),
		walkScene("bank-login-factor", "", storyView(sca.PageFactor, ofBank)),
		walkScene("bank-login-wait", "", storyView(sca.PageWait, ofBank, wait)),
		walkScene("bank-login-expired", consent.CodeExpired, storyView(sca.PageLogin, ofBank)),
		walkScene("bank-login-locked", consent.CodeLocked, storyView(sca.PageEnded, ofBank)),
		walkScene("bank-login-over", "", storyView(sca.PageEnded, ofBank)),
		walkScene("bank-confirm", "", storyView(sca.PageLogin, toConfirm)),
		walkScene("bank-confirm-factor", "", storyView(sca.PageFactor, toConfirm)),
		walkScene("bank-confirm-wait", "", storyView(sca.PageWait, toConfirm, wait)),
		walkScene("login", "", storyView(sca.PageLogin)),
		walkScene("login-wrong", consent.CodeCredentials, storyView(sca.PageLogin, mistaken)),
		walkScene("elsewhere", "", storyView(sca.PageElsewhere, idp)),
		walkScene("accounts", "", storyView(sca.PageAccounts)),
		walkScene("accounts-none", "", storyView(sca.PageAccounts, mistaken)),
		walkScene("consent", "", storyView(sca.PageConsent)),
		walkScene("factor", "", storyView(sca.PageFactor)),
		walkScene("factor-wrong", consent.CodeCredentials, storyView(sca.PageFactor, mistaken)),
		walkScene("wait", "", storyView(sca.PageWait, wait)),
		walkScene("done", "", storyView(sca.PageEnded, good)),
		walkScene("done-refused", "", storyView(sca.PageEnded)),
		walkScene("problem-unknown", consent.CodeNotFound, func() *sca.View { return nil }),
		walkScene("problem-expired", consent.CodeExpired, storyView(sca.PageLogin)),
		walkScene("problem-locked", consent.CodeLocked, storyView(sca.PageLogin)),
		walkScene("problem-unavailable", consent.CodeUnavailable, storyView(sca.PageLogin)),
	}
}
