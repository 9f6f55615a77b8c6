package aspsp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

var walkID = uuid.MustParse("019a9c34-7d1e-7b53-a1b2-c3d4e5f60718")

// walks goes on with one authorisation as it is told to, and remembers the calls.
type walks struct {
	calls  []string
	causes []consent.Cause
	found  *sca.HandOff
	fails  error
	fields map[string]string
	faults consent.Faults
}

func (w *walks) say(by sca.Acting, format string, args ...any) (*sca.HandOff, error) {
	w.calls, w.causes = append(w.calls, fmt.Sprintf(format, args...)), append(w.causes, by.Cause)
	if by.Authorisation != walkID {
		return nil, consent.E(consent.CodeNotFound, "the consent is not known to this TPP")
	}
	return w.found, w.fails
}

func (w *walks) LookUp(_ context.Context, cause consent.Cause, handle string) (*sca.HandOff, error) {
	if handle != "secret" {
		return nil, consent.E(consent.CodeNotFound, "there is no such run")
	}
	return w.say(sca.Acting{Authorisation: walkID, Cause: cause}, "look up")
}

func (w *walks) Look(_ context.Context, id uuid.UUID) (*sca.HandOff, error) {
	return w.say(sca.Acting{Authorisation: id}, "look")
}

func (w *walks) SetPSU(_ context.Context, by sca.Acting, psu, customer string) (*sca.HandOff, error) {
	return w.say(by, "psu %s %s", psu, customer)
}

func (w *walks) SetStatus(_ context.Context, by sca.Acting, to consent.ScaStatus, method string) (*sca.HandOff, error) {
	return w.say(by, "status %s %s", to, method)
}

func (w *walks) SetAccounts(_ context.Context, by sca.Acting, c sca.Choice) (*sca.HandOff, error) {
	recurring := "as asked"
	if c.Narrower.Recurring != nil {
		recurring = fmt.Sprint(*c.Narrower.Recurring)
	}
	return w.say(by, "accounts %v %v %d %s", c.Accounts, c.Narrower.ValidUntil, c.Narrower.FrequencyPerDay, recurring)
}

func (w *walks) FaultsOf(_ context.Context, id uuid.UUID, _ sca.Choice) (consent.Faults, error) {
	if id != walkID {
		return nil, consent.E(consent.CodeNotFound, "no such authorisation")
	}
	return w.faults, w.fails
}

func (w *walks) SetResult(_ context.Context, by sca.Acting, r sca.HandOffResult) (*sca.HandOff, error) {
	return w.say(by, "result %s", r)
}

func (w *walks) Callback(_ context.Context, token string, fields map[string]string) error {
	_, err := w.say(sca.Acting{Authorisation: walkID}, "callback %s", token)
	w.fields = fields
	return err
}

// offeredTo is an authorisation whose PSU has logged in.
func offeredTo() *sca.HandOff {
	c := &consent.Consent{
		ID: uuid.MustParse("019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e"), Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: acme, TPPName: "Acme",
		Status: consent.Received, StatusChangedAt: start, CreatedAt: start, Recurring: true, FrequencyPerDay: 4,
		ValidUntil: consent.Date{Year: 2026, Month: time.May, Day: 30},
		Access:     consent.Access{Scope: consent.ScopeBankOffered, Rights: consent.RightAccounts | consent.RightBalances},
	}
	return &sca.HandOff{
		Consent: c, Authorisation: consent.Authorisation{ID: walkID, Status: consent.ScaPSUAuthenticated}, Waits: sca.WaitsForAccounts,
		Until: start.Add(time.Hour), Hint: service.Hint{PSU: "lea", Corporate: "852", Language: "fr"}, PSU: "lea",
		Customer: service.Customer{ID: "sarl", Name: "SARL", OrganisationID: "852"}, Method: "APP", Signers: 2, Signed: 1,
		Offers: []sca.Offer{
			{Key: "FR76", Account: service.Account{ID: "a1", Name: "One", Reference: consent.Reference{IBAN: "FR76", Currency: "EUR"}}, Rights: consent.RightBalances},
			{Key: "FR77", Account: service.Account{Reference: consent.Reference{IBAN: "FR77"}}},
		},
		Terms: consent.Terms{ValidUntil: consent.Date{Year: 2026, Month: time.April, Day: 1}, FrequencyPerDay: 1},
	}
}

// page is a call of the bank's page.
func (w *world) page(t *testing.T, method, path, body string) answer {
	t.Helper()
	return w.send(t, method, "/aspsp/v1/authorisations/"+path, body, with{"Authorization": "Bearer page"})
}

func TestAuthorisations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.walks.found = offeredTo()
	id := walkID.String()
	for _, x := range []struct{ method, path, body, call string }{
		{http.MethodPost, "lookups", `{"handle":"secret"}`, "look up"},
		{http.MethodGet, id, "", "look"},
		{http.MethodPut, id + "/psu", `{"psu":"lea"}`, "psu lea "},
		{http.MethodPut, id + "/psu", `{"psu":"lea","customer":"sarl"}`, "psu lea sarl"},
		{http.MethodPut, id + "/status", `{"scaStatus":"started"}`, "status started "},
		{http.MethodPut, id + "/status", `{"scaStatus":"psuIdentified","method":"APP"}`, "status psuIdentified APP"},
		{http.MethodPut, id + "/accounts", `{}`, "accounts [] 0000-00-00 0 as asked"},
		{http.MethodPut, id + "/accounts", `{"accounts":["a1","FR77"],"validUntil":"2026-04-01","frequencyPerDay":1,"recurringIndicator":false}`, "accounts [a1 FR77] 2026-04-01 1 false"},
	} {
		a := w.page(t, x.method, x.path, x.body)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, x.call, w.walks.calls[len(w.walks.calls)-1])
		assert.JSONEq(t, `{
			"authorisationId": "`+id+`", "scaStatus": "psuAuthenticated", "waitsFor": "accounts", "until": "2026-03-01T13:00:00Z",
			"hint": {"psuId": "lea", "corporateId": "852", "language": "fr"}, "psu": "lea",
			"customer": {"id": "sarl", "name": "SARL", "organisationId": "852"}, "method": "APP",
			"accounts": [
				{"accountId": "a1", "name": "One", "reference": {"iban": "FR76", "currency": "EUR"}, "rights": ["balances"], "chosen": false},
				{"reference": {"iban": "FR77"}, "rights": [], "chosen": false}
			],
			"terms": {"validUntil": "2026-04-01", "frequencyPerDay": 1, "recurringIndicator": false},
			"signers": {"needed": 2, "signed": 1},
			"consent": {
				"consentId": "019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e", "kind": "accountAccess", "rail": "xs2a",
				"tpp": {"id": "`+acme+`", "name": "Acme"}, "status": "received", "statusChangedAt": "2026-03-01T12:00:00Z",
				"access": {"scope": "bankOffered", "rights": ["accounts", "balances"], "ownerName": false},
				"recurringIndicator": true, "frequencyPerDay": 4, "validUntil": "2026-05-30", "createdAt": "2026-03-01T12:00:00Z"
			}
		}`, a.body, x.path)
		if x.method != http.MethodGet {
			assert.Equal(t, consent.Cause{By: consent.ByASPSP, Who: "token/3", RequestID: requestID}, w.walks.causes[len(w.walks.causes)-1])
		}
	}
}

// TestChosenAccounts marks what is shared, as things stand.
func TestChosenAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for name, x := range map[string]struct {
		change func(*sca.HandOff)
		chosen []bool
	}{
		"the PSU is to choose": {func(*sca.HandOff) {}, []bool{false, false}},
		"the PSU has chosen":   {func(h *sca.HandOff) { h.Waits, h.Picked = sca.WaitsForResult, []string{"FR77"} }, []bool{false, true}},
		"there is no choice":   {func(h *sca.HandOff) { h.Waits = sca.WaitsForResult }, []bool{true, true}},
	} {
		h := offeredTo()
		x.change(h)
		w.walks.found = h
		a := w.page(t, http.MethodGet, walkID.String(), "")
		for i, chosen := range x.chosen {
			assert.Contains(t, strings.Split(a.body, `"reference"`)[i+1], fmt.Sprintf(`"chosen":%t`, chosen), name)
		}
	}
}

// TestEndedAuthorisation shows the least, and where the browser goes.
func TestEndedAuthorisation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	h := offeredTo()
	w.walks.found = &sca.HandOff{
		Consent: h.Consent, Authorisation: consent.Authorisation{ID: walkID, Status: consent.ScaUnconfirmed}, ReturnTo: "https://tpp.example/ok?confirmationCode=x",
	}
	h.Consent.Kind = consent.FundsConfirmation
	for _, result := range []string{"authorised", "refused", "failed"} {
		a := w.page(t, http.MethodPut, walkID.String()+"/result", `{"result":"`+result+`"}`)
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.JSONEq(t, `{"redirectUri":"https://tpp.example/ok?confirmationCode=x","scaStatus":"unconfirmed","consentStatus":"received"}`, a.body)
		assert.Equal(t, "result "+result, w.walks.calls[len(w.walks.calls)-1])
	}
	a := w.page(t, http.MethodGet, walkID.String(), "")
	for _, absent := range []string{"waitsFor", "until", "hint", `"psu"`, "customer", "method", "accounts\":[{", "terms", "signers"} {
		assert.NotContains(t, a.body, absent)
	}
	assert.Contains(t, a.body, `"redirectUri":"https://tpp.example/ok?confirmationCode=x"`)
}

// TestRefusedAuthorisations says why, and where the browser goes if it goes anywhere.
func TestRefusedAuthorisations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := walkID.String()
	for _, x := range []struct {
		code   consent.Code
		status int
	}{
		{consent.CodeUsed, http.StatusConflict},
		{consent.CodeStatusInvalid, http.StatusConflict},
		{consent.CodeExpired, http.StatusGone},
		{consent.CodeTimeOver, http.StatusGone},
		{consent.CodeForbidden, http.StatusForbidden},
		{consent.CodeCertificateBlocked, http.StatusForbidden},
		{consent.CodeServiceInvalid, http.StatusBadRequest},
		{consent.CodeCorporate, http.StatusBadRequest},
		{consent.CodeUnavailable, http.StatusServiceUnavailable},
	} {
		w.walks.fails = consent.E(x.code, "text")
		for _, to := range []string{"", "https://tpp.example/nok"} {
			w.walks.found = &sca.HandOff{ReturnTo: to}
			if to != "" && x.status != http.StatusConflict && x.status != http.StatusGone {
				continue // the authorisation goes on
			}
			for _, call := range []answer{
				w.page(t, http.MethodPost, "lookups", `{"handle":"secret"}`),
				w.page(t, http.MethodPut, id+"/psu", `{"psu":"lea"}`),
				w.page(t, http.MethodPut, id+"/result", `{"result":"failed"}`),
			} {
				assert.Equal(t, x.status, call.status, x.code)
				assert.Equal(t, string(x.code), call.code(t))
				if to == "" {
					assert.NotContains(t, call.body, "redirectUri")
				} else {
					assert.Contains(t, call.body, `"redirectUri":"`+to+`"`)
				}
			}
		}
	}
}

func TestUnknownAuthorisations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{"lookups", "x", uuid.NewString(), strings.ReplaceAll(walkID.String(), "-", ""), "urn:uuid:" + walkID.String()} {
		for _, a := range []answer{w.page(t, http.MethodGet, id, ""), w.page(t, http.MethodPut, id+"/psu", `{"psu":"lea"}`)} {
			assert.Equal(t, http.StatusNotFound, a.status, id)
			assert.Contains(t, a.body, `"detail":"no such authorisation"`)
		}
	}
	a := w.page(t, http.MethodPost, "lookups", `{"handle":"guessed"}`)
	assert.Equal(t, http.StatusNotFound, a.status)
	assert.Contains(t, a.body, `"detail":"no such handle"`)
	assert.NotContains(t, a.body+w.log.String(), "guessed")
}

func TestWrongBodiesOfAuthorisations(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.walks.found = offeredTo()
	id := walkID.String()
	for _, x := range []struct {
		path, body string
		places     []string
	}{
		{"lookups", `{}`, []string{"handle: is required"}},
		{"lookups", `{"handle":"` + strings.Repeat("x", 101) + `"}`, []string{"handle: must not be longer than 100 characters"}},
		{"lookups", `[]`, []string{"body: must be a JSON object"}},
		{id + "/psu", `{"customer":""}`, []string{"customer: must not be empty", "psu: is required"}},
		{id + "/psu", `{"psu":null,"x":1}`, []string{"x: is not known here", "psu: must be a string"}},
		{id + "/status", `{"scaStatus":"finalised"}`, []string{"scaStatus: must be one of psuIdentified, psuAuthenticated, scaMethodSelected, started"}},
		{id + "/status", `{"method":1}`, []string{"method: must be a string", "scaStatus: is required"}},
		{id + "/accounts", `{"accounts":null}`, []string{"accounts: must be a list of at most 500 strings"}},
		{id + "/accounts", `{"accounts":[1,""]}`, []string{"accounts: must be a string", "accounts: must not be empty"}},
		{id + "/accounts", `{"validUntil":"2026-2-1","frequencyPerDay":0,"recurringIndicator":"no"}`, []string{
			"validUntil: must be a date like 2026-12-31", "frequencyPerDay: must be a whole number from 1", "recurringIndicator: must be true or false",
		}},
		{id + "/accounts", `{"validUntil":null,"frequencyPerDay":1.5,"recurringIndicator":null}`, []string{
			"validUntil: must be a date like 2026-12-31", "frequencyPerDay: must be a whole number from 1", "recurringIndicator: must be true or false",
		}},
		{id + "/accounts", `{"frequencyPerDay":null,"validUntil":"0000-01-01"}`, []string{"validUntil: must be a date like 2026-12-31", "frequencyPerDay: must be a whole number from 1"}},
		{id + "/result", `{"result":"done"}`, []string{"result: must be one of authorised, refused, failed"}},
		{id + "/result", `{}`, []string{"result: is required"}},
	} {
		method := http.MethodPut
		if x.path == "lookups" {
			method = http.MethodPost
		}
		a := w.page(t, method, x.path, x.body)
		assert.Equal(t, http.StatusBadRequest, a.status, x.body)
		assert.Equal(t, x.places, a.places(t), x.body)
	}
	assert.Empty(t, w.walks.calls)
}

// TestFaultsOfChoices adds what is wrong with what could be read to what could not be.
func TestFaultsOfChoices(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.walks.faults = consent.Faults{
		consent.At(consent.CodeFormat, "validUntil", "must not be in the past"), consent.At(consent.CodeFormat, "frequencyPerDay", "must not be more than 4"),
	}
	const body = `{"accounts":null,"validUntil":"2020-01-01","frequencyPerDay":0}`
	const types = "accounts: must be a list of at most 500 strings, frequencyPerDay: must be a whole number from 1"
	for path, want := range map[string]string{
		walkID.String():    types + ", validUntil: must not be in the past",
		uuid.NewString():   types,
		"no-authorisation": types,
	} {
		a := w.page(t, http.MethodPut, path+"/accounts", body)
		assert.Equal(t, http.StatusBadRequest, a.status, a.body)
		assert.Equal(t, want, strings.Join(a.places(t), ", "))
	}
	w.walks.fails = errors.New("the database is gone")
	assert.Equal(t, http.StatusInternalServerError, w.page(t, http.MethodPut, walkID.String()+"/accounts", body).status)
	assert.Empty(t, w.walks.calls, "nothing was changed")
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	send := func(token, body string, more with) answer {
		headers := with{"Authorization": "Bearer page"}
		maps.Copy(headers, more)
		return w.send(t, http.MethodPost, "/aspsp/v1/sca-callbacks/"+token, body, headers)
	}
	a := send("t%2Fo", "", nil)
	assert.Equal(t, http.StatusNoContent, a.status, a.body)
	assert.Empty(t, a.body)
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	assert.Equal(t, []string{"callback t/o"}, w.walks.calls)
	assert.Empty(t, w.walks.fields)

	a = send("x", `{"psu":"lea","n":1,"none":null,"more":{"a":"b"},"two":"2"}`, nil)
	assert.Equal(t, http.StatusNoContent, a.status, a.body)
	assert.Equal(t, map[string]string{"psu": "lea", "two": "2"}, w.walks.fields)

	a = send("x", `["psu"]`, nil)
	assert.Equal(t, http.StatusBadRequest, a.status)
	a = send("x", `{"a":"1","a":"2"}`, nil)
	assert.Equal(t, []string{"a: must not be there twice"}, a.places(t))
	a = send("x", `{}`, with{"Content-Type": "text/plain"})
	assert.Equal(t, http.StatusUnsupportedMediaType, a.status)
	assert.Len(t, w.walks.calls, 2)

	w.walks.fails = consent.E(consent.CodeNotFound, "not an address of ours")
	a = send("x", "", nil)
	assert.Equal(t, http.StatusNotFound, a.status)
	assert.Equal(t, "not_found", a.code(t))
}
