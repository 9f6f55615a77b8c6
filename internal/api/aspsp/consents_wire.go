package aspsp

import (
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

// consentList is a page of consents.
type consentList struct {
	Consents []consentView `json:"consents"`
	Next     string        `json:"next,omitempty"` // for after, where there are more
}

// consentWhole is a consent with its authorisations.
type consentWhole struct {
	consentView

	Authorisations []consentAuthorisation `json:"authorisations"`
}

type consentView struct {
	ID              string         `json:"consentId"`
	Kind            consent.Kind   `json:"kind"`
	Rail            consent.Rail   `json:"rail"`
	TPP             consentTPP     `json:"tpp"`
	Customer        string         `json:"customer,omitempty"`
	PSU             string         `json:"psu,omitempty"`          // who has given it, where one PSU alone has
	Connection      string         `json:"connectionId,omitempty"` // on which it rests
	Status          consent.Status `json:"status"`
	StatusChangedAt time.Time      `json:"statusChangedAt"`
	Ending          *ending        `json:"ending,omitempty"`
	Access          consentAccess  `json:"access"`
	Recurring       bool           `json:"recurringIndicator"`
	Frequency       int            `json:"frequencyPerDay,omitempty"`
	ValidUntil      string         `json:"validUntil,omitempty"`
	EndsAt          *time.Time     `json:"endsAt,omitempty"` // where it does not end with a day
	CreatedAt       time.Time      `json:"createdAt"`
	LastSCAAt       *time.Time     `json:"lastScaAt,omitempty"`
	LastSharedAt    *time.Time     `json:"lastDataSharedAt,omitempty"`
}

type consentTPP struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type ending struct {
	By         consent.Actor  `json:"by"`
	Reason     consent.Reason `json:"reason"`
	ReplacedBy string         `json:"replacedBy,omitempty"`
}

type consentAccess struct {
	Scope        consent.Scope    `json:"scope,omitempty"` // none of a connection
	Rights       []string         `json:"rights"`
	OwnerName    bool             `json:"ownerName"`
	AccountTypes []string         `json:"accountTypes,omitempty"`
	Asked        []askedAccount   `json:"asked,omitempty"`
	Accounts     []grantedAccount `json:"accounts,omitempty"`
}

type askedAccount struct {
	Reference accountReference `json:"reference"`
	Rights    []string         `json:"rights"`
}

type grantedAccount struct {
	ID        string           `json:"accountId,omitempty"`
	Name      string           `json:"name,omitempty"`
	Reference accountReference `json:"reference"`
	Rights    []string         `json:"rights"`
}

type accountReference struct {
	IBAN            string          `json:"iban,omitempty"`
	BBAN            string          `json:"bban,omitempty"`
	PAN             string          `json:"pan,omitempty"`
	MaskedPAN       string          `json:"maskedPan,omitempty"`
	MSISDN          string          `json:"msisdn,omitempty"`
	Other           *otherReference `json:"other,omitempty"`
	Currency        string          `json:"currency,omitempty"`
	CashAccountType string          `json:"cashAccountType,omitempty"`
}

type otherReference struct {
	Identification string `json:"identification"`
	SchemeCode     string `json:"schemeNameCode,omitempty"`
	SchemeName     string `json:"schemeNameProprietary,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
}

type consentAuthorisation struct {
	ID        string            `json:"authorisationId"`
	Approach  consent.Approach  `json:"approach"`
	Status    consent.ScaStatus `json:"scaStatus"`
	PSU       string            `json:"psu,omitempty"`
	CreatedAt time.Time         `json:"createdAt"`
	ChangedAt time.Time         `json:"changedAt"`
	Deadline  *time.Time        `json:"deadline,omitempty"`
}

// viewOf shows a consent without its authorisations. A confirmation of funds has
// neither a date nor a frequency; a connection has no frequency, for what is counted
// rests on it.
func viewOf(s *consents.Seen) consentView {
	v := consentView{
		ID: s.ID.String(), Kind: s.Kind, Rail: s.Rail, TPP: consentTPP{ID: s.TPP, Name: s.TPPName},
		Customer: s.BankIDs[s.Customer], PSU: s.BankIDs[s.GivenBy], Status: s.Status, StatusChangedAt: s.StatusChangedAt.UTC(),
		Access: accessOf(s), Recurring: s.Recurring, CreatedAt: s.CreatedAt.UTC(), LastSCAAt: moment(s.LastSCA), LastSharedAt: moment(s.LastShared),
	}
	if s.Kind != consent.FundsConfirmation {
		v.Frequency, v.ValidUntil = s.FrequencyPerDay, s.ValidUntil.String()
	}
	if s.Kind == consent.Connection {
		v.Frequency, v.Access.Scope = 0, ""
	}
	if s.Rail == consent.RailSTET {
		v.EndsAt = moment(s.EndsAt)
	}
	if s.Connection != uuid.Nil {
		v.Connection = s.Connection.String()
	}
	if s.Ending != (consent.Ending{}) {
		v.Ending = &ending{By: s.Ending.By, Reason: s.Ending.Reason}
		if s.Ending.Reason == consent.ReasonReplaced {
			v.Ending.ReplacedBy = s.ReplacedBy.String()
		}
	}
	return v
}

// wholeOf shows a consent with its authorisations. One that has ended has no
// deadline any more.
func wholeOf(s *consents.Seen) consentWhole {
	w := consentWhole{consentView: viewOf(s), Authorisations: []consentAuthorisation{}}
	for _, a := range s.Authorisations {
		x := consentAuthorisation{
			ID: a.ID.String(), Approach: a.Approach, Status: a.Status, PSU: s.BankIDs[a.PSU],
			CreatedAt: a.CreatedAt.UTC(), ChangedAt: a.ChangedAt.UTC(),
		}
		if !a.Status.Final() {
			x.Deadline = moment(a.Deadline)
		}
		w.Authorisations = append(w.Authorisations, x)
	}
	return w
}

func accessOf(s *consents.Seen) consentAccess {
	a := consentAccess{
		Scope: s.Access.Scope, Rights: rightsOf(s.Access.AllRights()), OwnerName: s.Access.OwnerName, AccountTypes: s.Access.Only,
	}
	for _, x := range s.Access.Asked {
		a.Asked = append(a.Asked, askedAccount{Reference: referenceOf(x.Reference), Rights: rightsOf(x.Rights)})
	}
	for _, g := range s.Access.Grants {
		a.Accounts = append(a.Accounts, grantedAccount{
			ID: s.BankIDs[g.AccountID], Name: s.Names[g.AccountID], Reference: referenceOf(g.Reference), Rights: rightsOf(g.Rights),
		})
	}
	return a
}

func referenceOf(r consent.Reference) accountReference {
	w := accountReference{
		IBAN: r.IBAN, BBAN: r.BBAN, PAN: r.PAN, MaskedPAN: r.MaskedPAN, MSISDN: r.MSISDN,
		Currency: r.Currency, CashAccountType: r.CashAccountType,
	}
	if r.Other != (consent.Other{}) {
		w.Other = &otherReference{
			Identification: r.Other.Identification, SchemeCode: r.Other.SchemeCode, SchemeName: r.Other.SchemeName, Issuer: r.Other.Issuer,
		}
	}
	return w
}

// rightsOf names each right of a set.
func rightsOf(set consent.Rights) []string {
	names := []string{}
	for _, x := range []struct {
		right consent.Rights
		name  string
	}{
		{consent.RightAccounts, "accounts"},
		{consent.RightBalances, "balances"},
		{consent.RightTransactions, "transactions"},
		{consent.RightOwnerName, "ownerName"},
		{consent.RightTrustedBeneficiaries, "trustedBeneficiaries"},
		{consent.RightIdentity, "identity"},
		{consent.RightFunds, "funds"},
		{consent.RightPayments, "payments"},
		{consent.RightLongHistory, "longHistory"},
	} {
		if set.Has(x.right) {
			names = append(names, x.name)
		}
	}
	return names
}
