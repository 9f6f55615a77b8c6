package bank

import (
	"context"

	"consentd/internal/consent"
	"consentd/internal/service"
)

type reference struct {
	IBAN            string `json:"iban,omitempty"`
	BBAN            string `json:"bban,omitempty"`
	PAN             string `json:"pan,omitempty"`
	MaskedPAN       string `json:"maskedPan,omitempty"`
	MSISDN          string `json:"msisdn,omitempty"`
	Other           *other `json:"other,omitempty"`
	Currency        string `json:"currency,omitempty"`
	CashAccountType string `json:"cashAccountType,omitempty"`
}

type other struct {
	Identification string `json:"identification"`
	SchemeCode     string `json:"schemeNameCode,omitempty"`
	SchemeName     string `json:"schemeNameProprietary,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
}

func (r reference) domain() consent.Reference {
	ref := consent.Reference{
		IBAN: r.IBAN, BBAN: r.BBAN, PAN: r.PAN, MaskedPAN: r.MaskedPAN, MSISDN: r.MSISDN,
		Currency: r.Currency, CashAccountType: r.CashAccountType,
	}
	if r.Other != nil {
		ref.Other = consent.Other(*r.Other)
	}
	return ref
}

// wire writes a reference with exactly one identifier, as the bank wants it.
// Where there are several they name one account, and the first says which.
func wire(ref consent.Reference) reference {
	w := reference{Currency: ref.Currency, CashAccountType: ref.CashAccountType}
	switch {
	case ref.IBAN != "":
		w.IBAN = ref.IBAN
	case ref.BBAN != "":
		w.BBAN = ref.BBAN
	case ref.PAN != "":
		w.PAN = ref.PAN
	case ref.MaskedPAN != "":
		w.MaskedPAN = ref.MaskedPAN
	case ref.MSISDN != "":
		w.MSISDN = ref.MSISDN
	default:
		o := other(ref.Other)
		w.Other = &o
	}
	return w
}

type accounts struct {
	Accounts []struct {
		Account         string    `json:"account"`
		Reference       reference `json:"reference"`
		Name            string    `json:"name"`
		CashAccountType string    `json:"cashAccountType"`
		Owner           string    `json:"owner"`
	} `json:"accounts"`
}

func (a accounts) domain() []service.Account {
	list := make([]service.Account, len(a.Accounts))
	for i, x := range a.Accounts {
		list[i] = service.Account{ID: x.Account, Reference: x.Reference.domain(), Name: x.Name, Owner: x.Owner}
		if x.CashAccountType != "" {
			list[i].Reference.CashAccountType = x.CashAccountType
		}
	}
	return list
}

// List implements service.Accounts.
func (c *Client) List(ctx context.Context, customer string) ([]service.Account, error) {
	var answer accounts
	if _, err := c.get(ctx, &answer, "customers", customer, "accounts"); err != nil {
		return nil, err
	}
	return answer.domain(), nil
}

// Resolve implements service.Accounts.
func (c *Client) Resolve(ctx context.Context, customer string, ref consent.Reference) ([]service.Account, error) {
	var answer accounts
	body := map[string]reference{"reference": wire(ref)}
	if err := c.post(ctx, body, &answer, "customers", customer, "account-resolutions"); err != nil {
		return nil, err
	}
	return answer.domain(), nil
}

// Available implements service.Funds.
func (c *Client) Available(ctx context.Context, account string, amount service.Amount) (bool, error) {
	var answer struct {
		Available bool `json:"available"`
	}
	body := map[string]any{
		"account": account,
		"amount":  map[string]string{"currency": amount.Currency, "amount": amount.Value},
	}
	err := c.post(ctx, body, &answer, "funds-checks")
	return answer.Available, err
}
