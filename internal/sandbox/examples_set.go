package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"consentd/internal/consent"
)

// channel is by which the personas decide.
const channel = "App"

// The types of what TPPs ask for, as the UAE's Open Finance names them.
const (
	typeSharing = "urn:openfinanceuae:account-access-consent:v2.1"
	typePayment = "urn:openfinanceuae:service-initiation-consent:v2.1"
)

// How payments end.
const (
	paymentPending  = ""
	paymentAccepted = "AcceptedWithoutPosting"
	paymentCredited = "AcceptedCreditSettlementCompleted"
	paymentRejected = "Rejected"
)

// example is a consent that a persona is given to have something to look at.
type example struct {
	Name  string // among those of the persona
	About string // for people
	TPP   hubTPP
	Type  string
	Base  string // the name of the example that began its line; empty for none
	Terms object // what is asked for
	// Declined says that the persona refuses it.
	Declined  bool
	Used      bool           // data was shared by it
	RevokedBy string         // who ends it; empty for nobody
	Suspended consent.Reason // why the bank suspends it; empty for not at all
	Payments  []examplePayment
}

// examplePayment is a payment that is made by an example.
type examplePayment struct {
	Key, Amount, Status string
}

// hubTPP is a TPP that no authority of the sandbox certifies: it asks the hub.
type hubTPP struct{ ID, Name, Client, Org, Software string }

// The TPPs of the examples.
func budgetApp() hubTPP {
	return hubTPP{
		ID: "falcon-budget", Name: "Falcon Budget", Client: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3a001",
		Org: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3b001", Software: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3c001",
	}
}

func walletApp() hubTPP {
	return hubTPP{
		ID: "oasis-wallet", Name: "Oasis Wallet", Client: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3a002",
		Org: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3b002", Software: "7f1d2b36-0c5a-4e0e-9d8e-5b1a60c3c002",
	}
}

// wire is the TPP as the hub knows it from the directory.
func (t hubTPP) wire() object {
	return object{
		"clientId": t.Client, "orgId": t.Org, "softwareStatementId": t.Software, "tppId": t.ID, "tppName": t.Name,
		"decodedSsa": object{
			"client_name": t.Name, "client_uri": "https://" + t.ID + ".example", "client_id": t.Client,
			"redirect_uris": []string{"https://" + t.ID + ".example/callback"}, "roles": []string{"BDSP", "BSIP"},
			"application_type": "web", "organisation_id": t.Org,
		},
	}
}

// examplesOf are the examples of a persona, in the order in which they came about.
func examplesOf(who *payer) []example {
	return append(sharings(), payments(who)...)
}

// sharings are a line with three renewals, each of which shares more, one that the
// bank has suspended, and one that was refused.
func sharings() []example {
	budget := func(name, about, base, revokedBy string, permissions ...string) example {
		return example{
			Name: name, About: about, TPP: budgetApp(), Type: typeSharing, Base: base, RevokedBy: revokedBy, Used: true,
			Terms: object{
				"Permissions":        permissions,
				"OnBehalfOf":         object{"TradingName": "Falcon Budget Planner"},
				"OpenFinanceBilling": object{"UserType": "Retail", "Purpose": "BudgetingAnalysis"},
			},
		}
	}
	const first = "sharing"
	wallet := func(name, about string, permissions ...string) example {
		return example{Name: name, About: about, TPP: walletApp(), Type: typeSharing, Terms: object{
			"Permissions": permissions, "OpenFinanceBilling": object{"UserType": "Retail", "Purpose": "AccountAggregation"},
		}}
	}
	suspended := wallet("suspended", "data sharing, suspended by the bank", "ReadAccountsBasic", "ReadBalances", "ReadDirectDebits")
	suspended.Suspended = consent.ReasonIdentity
	refused := wallet("refused", "data sharing, refused", "ReadAccountsDetail", "ReadPartyUserIdentity")
	refused.Declined = true
	return []example{
		budget(first, "data sharing, ended at the TPP", "", "TPP.InitiatedByUser", "ReadAccountsBasic", "ReadBalances"),
		budget("sharing-renewed", "its first renewal, replaced", first, "TPP",
			"ReadAccountsBasic", "ReadBalances", "ReadTransactionsBasic"),
		budget("sharing-renewed-again", "its second renewal, replaced", first, "TPP",
			"ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic", "ReadTransactionsDetail"),
		budget("sharing-now", "its third renewal, in force", first, "",
			"ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic", "ReadTransactionsDetail", "ReadStandingOrdersDetail", "ReadParty"),
		suspended,
		refused,
	}
}

// payments are a single payment that was made, and one in several, as the TPP likes.
func payments(who *payer) []example {
	currency := who.Accounts[0].Currency
	money := func(amount string) object { return object{"Amount": amount, "Currency": currency} }
	return []example{
		{
			Name: "single-payment", About: "a single payment, made", TPP: walletApp(), Type: typePayment,
			Terms: paymentTerms("Oasis order 1042", object{"SinglePayment": object{
				"Type": "SingleInstantPayment", "Amount": money("249.00"),
			}}),
			Payments: []examplePayment{{Key: "order-1042", Amount: "249.00", Status: paymentCredited}},
		},
		{
			Name: "flexi-pay", About: "recurring payments, in force", TPP: walletApp(), Type: typePayment,
			Terms: paymentTerms("Oasis top up", object{"MultiPayment": object{
				"MaximumCumulativeValueOfPayments":  money("1000.00"),
				"MaximumCumulativeNumberOfPayments": 5,
				"PeriodicSchedule": object{
					"Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": who.now.Format(time.DateOnly),
					"Controls": object{
						"MaximumIndividualAmount": money("250.00"), "MaximumCumulativeValueOfPaymentsPerPeriod": money("500.00"),
					},
				},
			}}),
			Payments: []examplePayment{
				{Key: "top-up-1", Amount: "120.05", Status: paymentAccepted},
				{Key: "top-up-2", Amount: "75.00", Status: paymentRejected},
				{Key: "top-up-3", Amount: "80.05", Status: paymentPending},
			},
		},
	}
}

// purpose is the example payments' (Aani: goods bought or sold).
const purpose = "GDS"

func paymentTerms(reference string, schedule object) object {
	return object{
		"IsSingleAuthorization": true, "Permissions": []string{"ReadAccountsBasic", "ReadBalances"},
		"ControlParameters": object{"IsDelegatedAuthentication": false, "ConsentSchedule": schedule},
		"DebtorReference":   reference, "CreditorReference": reference, "PaymentPurposeCode": purpose,
	}
}

// lifetime is for how long an example is valid.
const lifetime = 180 * aDay

// request is what the TPP of an example asks the hub for.
func (s *Sandbox) request(who *payer, e example) (object, error) {
	terms := object{
		"ConsentId": who.consentID(e.Name), "ExpirationDateTime": who.now.Add(lifetime).Format(time.RFC3339),
	}
	maps.Copy(terms, e.Terms)
	if e.Base != "" {
		terms["BaseConsentId"] = who.consentID(e.Base)
	}
	if e.Type == typePayment {
		sealed, err := s.sealed(object{"Initiation": object{"DebtorAccount": who.debtor(), "Creditor": []object{creditor()}}})
		if err != nil {
			return nil, err
		}
		terms["PersonalIdentifiableInformation"] = sealed
	}
	return object{"type": e.Type, "consent": terms, "tpp": e.TPP.wire()}, nil
}

// decision is what the persona makes of a consent.
func (p *payer) decision(e example) object {
	change := object{"authorizationChannel": channel, "psuIdentifiers": object{"userId": p.UserID}, "status": statusAuthorized}
	if e.Declined {
		change["status"] = statusRejected
		return change
	}
	accounts := p.Accounts
	if e.Type == typePayment {
		accounts = accounts[:1]
	}
	var ids []string
	for _, a := range accounts {
		ids = append(ids, a.id())
	}
	change["accountIds"] = ids
	return change
}

func (p *payer) debtor() object {
	return object{"SchemeName": "IBAN", "Identification": p.Accounts[0].IBAN, "Name": object{"en": p.Name}}
}

// creditor is whom the examples pay.
func creditor() object {
	return object{
		"CreditorAgent":   object{"SchemeName": "BICFI", "Identification": "SBXEAEAD", "Name": "Second Sandbox Bank"},
		"Creditor":        object{"Name": "Oasis Wallet Trading LLC"},
		"CreditorAccount": object{"SchemeName": "IBAN", "Identification": "AE460090000000123456789", "Name": object{"en": "Oasis Wallet Trading LLC"}},
	}
}

// sealed is what only the bank opens.
func (s *Sandbox) sealed(parties object) (string, error) {
	raw, err := json.Marshal(parties)
	if err != nil {
		return "", fmt.Errorf("write the parties of a payment: %w", err)
	}
	jwe, err := s.Seal(raw)
	if err != nil {
		return "", fmt.Errorf("seal the parties of a payment: %w", err)
	}
	return jwe, nil
}
