package aspsp

import (
	"slices"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

// authorisation is an authorisation that goes on, on pages of the bank's.
type authorisation struct {
	ID          string            `json:"authorisationId"`
	Status      consent.ScaStatus `json:"scaStatus"`
	WaitsFor    sca.Waiting       `json:"waitsFor,omitempty"`
	Until       *time.Time        `json:"until,omitempty"`
	RedirectURI string            `json:"redirectUri,omitempty"`
	Hint        *hint             `json:"hint,omitempty"`
	PSU         string            `json:"psu,omitempty"`
	Customer    *customer         `json:"customer,omitempty"`
	Method      string            `json:"method,omitempty"`
	Accounts    []offeredAccount  `json:"accounts,omitempty"`
	Terms       *terms            `json:"terms,omitempty"`
	Signers     *signers          `json:"signers,omitempty"`
	Consent     consentView       `json:"consent"`
}

// hint is whom the TPP means.
type hint struct {
	PSU       string `json:"psuId,omitempty"`
	Corporate string `json:"corporateId,omitempty"`
	Language  string `json:"language,omitempty"`
}

type customer struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Organisation string `json:"organisationId,omitempty"`
}

type offeredAccount struct {
	grantedAccount

	Chosen bool `json:"chosen"`
}

type terms struct {
	ValidUntil string `json:"validUntil"`
	Frequency  int    `json:"frequencyPerDay"`
	Recurring  bool   `json:"recurringIndicator"`
}

type signers struct {
	Needed int `json:"needed"`
	Signed int `json:"signed"`
}

// concluded is how an authorisation ended, and where the browser goes.
type concluded struct {
	RedirectURI   string            `json:"redirectUri"`
	Status        consent.ScaStatus `json:"scaStatus"`
	ConsentStatus consent.Status    `json:"consentStatus"`
}

func authorisationOf(h *sca.HandOff) authorisation {
	w := authorisation{
		ID: h.Authorisation.ID.String(), Status: h.Authorisation.Status, WaitsFor: h.Waits, Until: moment(h.Until),
		RedirectURI: h.ReturnTo, PSU: h.PSU, Method: h.Method, Consent: viewOf(&consents.Seen{Consent: h.Consent}),
	}
	if h.Hint != (service.Hint{}) {
		w.Hint = &hint{PSU: h.Hint.PSU, Corporate: h.Hint.Corporate, Language: h.Hint.Language}
	}
	if c := h.Customer; c.ID != "" {
		w.Customer = &customer{ID: c.ID, Name: c.Name, Organisation: c.OrganisationID}
		w.Signers = &signers{Needed: h.Signers, Signed: h.Signed}
	}
	for _, o := range h.Offers {
		// Where nothing is to be chosen all are shared; before the choice none is.
		all := len(h.Picked) == 0 && h.Waits != sca.WaitsForAccounts
		w.Accounts = append(w.Accounts, offeredAccount{
			grantedAccount: grantedAccount{
				ID: o.Account.ID, Name: o.Account.Name, Reference: referenceOf(o.Account.Reference), Rights: rightsOf(o.Rights),
			},
			Chosen: all || slices.Contains(h.Picked, o.Key),
		})
	}
	if h.Consent.Kind != consent.FundsConfirmation {
		w.Terms = &terms{ValidUntil: h.Terms.ValidUntil.String(), Frequency: h.Terms.FrequencyPerDay, Recurring: h.Terms.Recurring}
	}
	return w
}
