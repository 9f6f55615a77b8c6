package aspsp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// Authorisations goes on with authorisations on pages of the bank's own; see
// service/sca for what the methods do and how they fail. A HandOff that comes with
// an error may still say where the browser goes.
type Authorisations interface {
	LookUp(ctx context.Context, cause consent.Cause, handle string) (*sca.HandOff, error)
	Look(ctx context.Context, authorisation uuid.UUID) (*sca.HandOff, error)
	SetPSU(ctx context.Context, by sca.Acting, psu, customer string) (*sca.HandOff, error)
	SetStatus(ctx context.Context, by sca.Acting, to consent.ScaStatus, method string) (*sca.HandOff, error)
	SetAccounts(ctx context.Context, by sca.Acting, choice sca.Choice) (*sca.HandOff, error)
	FaultsOf(ctx context.Context, authorisation uuid.UUID, choice sca.Choice) (consent.Faults, error)
	SetResult(ctx context.Context, by sca.Acting, result sca.HandOffResult) (*sca.HandOff, error)
}

const (
	memberHandle    = "handle"
	memberCustomer  = "customer"
	memberStatus    = "scaStatus"
	memberMethod    = "method"
	memberAccounts  = "accounts"
	memberUntilDay  = "validUntil"
	memberFrequency = "frequencyPerDay"
	memberRecurring = "recurringIndicator"
	memberResult    = "result"

	// maxHandle, maxMethod and maxAccounts bound what a call may say.
	maxHandle, maxMethod, maxAccounts = 100, 70, 500
)

// lookUp serves POST /aspsp/v1/authorisations/lookups.
func (h *Handler) lookUp(k *call) (any, error) {
	m := k.members(memberHandle)
	handle := m.text(memberHandle, maxHandle)
	m.require(memberHandle)
	if err := k.wrong(m.faults); err != nil {
		return nil, err
	}
	found, err := h.Authorisations.LookUp(k.ctx(), k.cause(), handle)
	return shown(found, err, "no such handle")
}

// getAuthorisation serves GET /aspsp/v1/authorisations/{authorisationId}.
func (h *Handler) getAuthorisation(k *call) (any, error) {
	if err := k.wrong(nil); err != nil {
		return nil, err
	}
	by, err := k.acting()
	if err != nil {
		return nil, err
	}
	return told(h.Authorisations.Look(k.ctx(), by.Authorisation))
}

// putPSU serves PUT /aspsp/v1/authorisations/{authorisationId}/psu.
func (h *Handler) putPSU(k *call) (any, error) {
	m := k.members(memberPSU, memberCustomer)
	psu, customer := m.text(memberPSU, maxBankID), m.text(memberCustomer, maxBankID)
	m.require(memberPSU)
	by, err := k.judged(m)
	if err != nil {
		return nil, err
	}
	return told(h.Authorisations.SetPSU(k.ctx(), by, psu, customer))
}

// settable are the states that the bank may say it has come to.
func settable() []string {
	return []string{
		string(consent.ScaPSUIdentified), string(consent.ScaPSUAuthenticated), string(consent.ScaMethodSelected), string(consent.ScaStarted),
	}
}

// putStatus serves PUT /aspsp/v1/authorisations/{authorisationId}/status.
func (h *Handler) putStatus(k *call) (any, error) {
	m := k.members(memberStatus, memberMethod)
	to, method := m.word(memberStatus, settable()), m.text(memberMethod, maxMethod)
	m.require(memberStatus)
	by, err := k.judged(m)
	if err != nil {
		return nil, err
	}
	return told(h.Authorisations.SetStatus(k.ctx(), by, consent.ScaStatus(to), method))
}

// putAccounts serves PUT /aspsp/v1/authorisations/{authorisationId}/accounts.
func (h *Handler) putAccounts(k *call) (any, error) {
	m := k.members(memberAccounts, memberUntilDay, memberFrequency, memberRecurring)
	choice := sca.Choice{Accounts: m.texts(memberAccounts), Narrower: consent.Narrowing{
		ValidUntil: m.day(memberUntilDay), FrequencyPerDay: m.count(memberFrequency), Recurring: m.boolean(memberRecurring),
	}}
	by, err := k.acting()
	if len(m.faults) > 0 && err == nil {
		if m.faults, err = h.moreFaults(k, by, m.faults, choice); err != nil {
			return nil, err
		}
	}
	if by, err = k.judged(m); err != nil {
		return nil, err
	}
	return told(h.Authorisations.SetAccounts(k.ctx(), by, choice))
}

// moreFaults adds what is wrong with a choice as far as it could be read, so that
// all is told at once. A member that could not be read is not judged again.
func (h *Handler) moreFaults(k *call, by sca.Acting, faults consent.Faults, choice sca.Choice) (consent.Faults, error) {
	more, err := h.Authorisations.FaultsOf(k.ctx(), by.Authorisation, choice)
	if err != nil && consent.CodeOf(err) == consent.CodeInternal {
		return nil, err
	}
	for _, f := range more {
		if !slices.ContainsFunc(faults, func(known *consent.Error) bool { return known.Path == f.Path }) {
			faults = append(faults, f)
		}
	}
	return faults, nil
}

// putResult serves PUT /aspsp/v1/authorisations/{authorisationId}/result.
func (h *Handler) putResult(k *call) (any, error) {
	m := k.members(memberResult)
	result := m.word(memberResult, []string{string(sca.ResultAuthorised), string(sca.ResultRefused), string(sca.ResultFailed)})
	m.require(memberResult)
	by, err := k.judged(m)
	if err != nil {
		return nil, err
	}
	found, err := h.Authorisations.SetResult(k.ctx(), by, sca.HandOffResult(result))
	if err != nil {
		return told(found, err)
	}
	return concluded{RedirectURI: found.ReturnTo, Status: found.Authorisation.Status, ConsentStatus: found.Consent.Status}, nil
}

// judged tells what is wrong with a request, and else whose walk it goes on with.
func (k *call) judged(m *members) (sca.Acting, error) {
	if err := k.wrong(m.faults); err != nil {
		return sca.Acting{}, err
	}
	return k.acting()
}

// acting names the authorisation in the path, and who calls.
func (k *call) acting() (sca.Acting, error) {
	text := k.id
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(id.String()) {
		return sca.Acting{}, consent.E(consent.CodeNotFound, noAuthorisation)
	}
	return sca.Acting{Authorisation: id, Cause: k.cause()}, nil
}

const noAuthorisation = "no such authorisation"

func told(found *sca.HandOff, err error) (any, error) { return shown(found, err, noAuthorisation) }

// shown answers with an authorisation, or with an error that says where the browser
// goes, where it is to go anywhere.
func shown(found *sca.HandOff, err error, unknown string) (any, error) {
	switch {
	case err == nil:
		return authorisationOf(found), nil
	case consent.CodeOf(err) == consent.CodeNotFound:
		return nil, consent.E(consent.CodeNotFound, "%s", unknown).Because(err)
	case found != nil && found.ReturnTo != "":
		return nil, &leading{error: err, to: found.ReturnTo}
	default:
		return nil, err
	}
}

// leading is an error after which the browser goes somewhere.
type leading struct {
	error

	to string
}

func (l *leading) Unwrap() error { return l.error }

// members reads the members of a body, one after the other, and gathers what is
// wrong with them. One that is left out is read as nothing.
type members struct {
	raw    map[string]json.RawMessage
	faults consent.Faults
}

func (k *call) members(names ...string) *members {
	raw, faults := object(k.body, names...)
	return &members{raw: raw, faults: faults}
}

// require finds fault with what is left out of a body that could be read.
func (m *members) require(name string) {
	if _, ok := m.raw[name]; !ok && m.raw != nil {
		m.faults = append(m.faults, fault(name, "is required"))
	}
}

func (m *members) text(name string, limit int) string {
	raw, ok := m.raw[name]
	if !ok {
		return ""
	}
	s, faults := text(name, raw, limit)
	m.faults = append(m.faults, faults...)
	return s
}

func (m *members) word(name string, words []string) string {
	raw, ok := m.raw[name]
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || !slices.Contains(words, s) {
		m.faults = append(m.faults, fault(name, "must be one of "+strings.Join(words, ", ")))
	}
	return s
}

func (m *members) texts(name string) []string {
	raw, ok := m.raw[name]
	if !ok {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || list == nil || len(list) > maxAccounts {
		m.faults = append(m.faults, fault(name, "must be a list of at most 500 strings"))
		return nil
	}
	var all []string
	for _, x := range list {
		s, faults := text(name, x, maxBankID)
		m.faults = append(m.faults, faults...)
		all = append(all, s)
	}
	return all
}

func (m *members) day(name string) consent.Date {
	raw, ok := m.raw[name]
	if !ok {
		return consent.Date{}
	}
	var s string
	d, err := consent.ParseDate("")
	if json.Unmarshal(raw, &s) == nil {
		d, err = consent.ParseDate(s)
	}
	if err != nil || d.Year < 1 {
		m.faults = append(m.faults, fault(name, "must be a date like 2026-12-31"))
	}
	return d
}

func (m *members) count(name string) int {
	raw, ok := m.raw[name]
	if !ok {
		return 0
	}
	var n int
	if json.Unmarshal(raw, &n) != nil || n < 1 {
		m.faults = append(m.faults, fault(name, "must be a whole number from 1"))
	}
	return n
}

func (m *members) boolean(name string) *bool {
	raw, ok := m.raw[name]
	if !ok {
		return nil
	}
	b, faults := boolean(name, raw)
	m.faults = append(m.faults, faults...)
	return &b
}
