package aspsp

import (
	"time"

	"consentd/internal/service/register"
)

// tppList is a page of the register.
type tppList struct {
	TPPs []tpp  `json:"tpps"`
	Next string `json:"next,omitempty"` // for after, where there are more
}

// blocked is a TPP that was shut out.
type blocked struct {
	tpp

	EndedConsents int `json:"endedConsents"`
}

type tpp struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Organisation string       `json:"organisationId"`
	NCA          authority    `json:"nca"`
	Roles        []string     `json:"roles"`
	Certificate  *certificate `json:"certificate,omitempty"`
	FirstSeenAt  *time.Time   `json:"firstSeenAt,omitempty"`
	Block        *block       `json:"block,omitempty"`
	RedirectURIs []string     `json:"redirectUris,omitempty"`
	Seals        []seal       `json:"seals,omitempty"`
}

type authority struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type certificate struct {
	Fingerprint  string     `json:"fingerprint"`
	FirstShownAt *time.Time `json:"firstShownAt,omitempty"`
}

// seal is a certificate that was registered.
type seal struct {
	Fingerprint string     `json:"fingerprint"`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty"`
}

type block struct {
	At           time.Time  `json:"at"`
	Until        *time.Time `json:"until,omitempty"`
	By           string     `json:"by"`
	Reason       string     `json:"reason"`
	EndsConsents bool       `json:"endsConsents"`
}

// tppOf shows a TPP. One that is on the stop list and has never called has
// neither a certificate nor a time at which it was first seen.
func tppOf(t *register.TPP) tpp {
	w := tpp{
		ID: t.ID, Name: t.Name, Organisation: t.Organisation, NCA: authority{ID: t.NCAID, Name: t.NCAName},
		Roles: t.Roles, FirstSeenAt: moment(t.FirstSeen), RedirectURIs: t.RedirectURIs, Seals: sealsOf(t.Seals),
	}
	if w.Roles == nil {
		w.Roles = []string{}
	}
	if t.Certificate != "" {
		w.Certificate = &certificate{Fingerprint: t.Certificate, FirstShownAt: moment(t.CertificateSeen)}
	}
	if b := t.Block; b != nil {
		w.Block = &block{
			At: b.At.UTC(), Until: moment(b.Until), By: b.By, Reason: b.Reason, EndsConsents: b.EndsConsents,
		}
	}
	return w
}

// moment is a time in UTC, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
