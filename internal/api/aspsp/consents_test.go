package aspsp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/consents"
)

const (
	consentsPath = "/aspsp/v1/consents"
	iban         = "DE40100100103307118608"
)

// desk has consents in the order in which they are listed. It remembers how it was called.
type desk struct {
	all     []consents.Seen
	filters []consents.Filter
	causes  []consent.Cause
	psus    []string
	fails   error
}

func (d *desk) List(_ context.Context, f consents.Filter) ([]consents.Seen, error) {
	d.filters = append(d.filters, f)
	found := d.all
	for i := range found {
		if found[i].ID == f.After {
			found = found[i+1:]
			break
		}
	}
	return found[:min(len(found), f.Limit)], d.fails
}

func (d *desk) Get(_ context.Context, id uuid.UUID) (*consents.Seen, error) {
	for i := range d.all {
		if d.all[i].ID == id {
			return &d.all[i], d.fails
		}
	}
	return nil, consent.E(consent.CodeNotFound, "no such consent")
}

func (d *desk) Revoke(ctx context.Context, cause consent.Cause, id uuid.UUID, psu string) (*consents.Seen, error) {
	d.causes, d.psus = append(d.causes, cause), append(d.psus, psu)
	s, err := d.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s, s.Withdraw(start)
}

// page are the headers of the bank's own page.
func page() with { return with{"Authorization": "Bearer page"} }

// granted is a consent in which everything is told that can be.
func granted() consents.Seen {
	customer, psu, account, other := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	rights := consent.RightAccounts | consent.RightBalances | consent.RightTransactions | consent.RightOwnerName |
		consent.RightTrustedBeneficiaries | consent.RightIdentity | consent.RightFunds
	ref := consent.Reference{IBAN: iban, Currency: "EUR", CashAccountType: "CACC"}
	return consents.Seen{
		Consent: &consent.Consent{
			ID: uuid.New(), Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: acme, TPPName: "Acme",
			Customer: customer, Status: consent.Valid, StatusChangedAt: start.In(time.FixedZone("far", 3600)),
			Access: consent.Access{
				Scope: consent.ScopeDedicated, Only: []string{"CACC"},
				Asked: []consent.Asked{{Reference: consent.Reference{IBAN: iban}, Rights: consent.RightAccounts}, {
					Reference: consent.Reference{Other: consent.Other{Identification: "x", SchemeCode: "c", SchemeName: "n", Issuer: "i"}}, Rights: rights,
				}},
				Grants: []consent.Grant{{AccountID: account, Rights: rights, Reference: ref}, {AccountID: other, Reference: ref}},
			},
			Recurring: true, FrequencyPerDay: 4, ValidUntil: consent.Date{Year: 2026, Month: time.May, Day: 30},
			CreatedAt: start, LastSCA: start.Add(time.Minute),
			Authorisations: []consent.Authorisation{
				{ID: uuid.New(), PSU: psu, Status: consent.ScaFinalised, Approach: consent.Redirect, CreatedAt: start, ChangedAt: start, Deadline: start},
				{ID: uuid.New(), Status: consent.ScaReceived, Approach: consent.Decoupled, CreatedAt: start, ChangedAt: start, Deadline: start},
			},
		},
		BankIDs: map[uuid.UUID]string{customer: "firm", psu: "ceo", account: "firm-1"},
		Names:   map[uuid.UUID]string{account: "Daily"},
	}
}

func TestGetConsent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := granted()
	w.consents.all = []consents.Seen{s}
	got := w.send(t, http.MethodGet, consentsPath+"/"+s.ID.String(), "", page())
	require.Equal(t, http.StatusOK, got.status, got.body)
	rights := `["accounts","balances","transactions","ownerName","trustedBeneficiaries","identity","funds"]`
	require.JSONEq(t, `{
		"consentId":"`+s.ID.String()+`","kind":"accountAccess","rail":"xs2a","tpp":{"id":"`+acme+`","name":"Acme"},"customer":"firm",
		"status":"valid","statusChangedAt":"2026-03-01T12:00:00Z",
		"access":{"scope":"dedicated","rights":`+rights+`,"ownerName":false,"accountTypes":["CACC"],
			"asked":[{"reference":{"iban":"`+iban+`"},"rights":["accounts"]},
				{"reference":{"other":{"identification":"x","schemeNameCode":"c","schemeNameProprietary":"n","issuer":"i"}},"rights":`+rights+`}],
			"accounts":[{"accountId":"firm-1","name":"Daily","reference":{"iban":"`+iban+`","currency":"EUR","cashAccountType":"CACC"},"rights":`+rights+`},
				{"reference":{"iban":"`+iban+`","currency":"EUR","cashAccountType":"CACC"},"rights":[]}]},
		"recurringIndicator":true,"frequencyPerDay":4,"validUntil":"2026-05-30","createdAt":"2026-03-01T12:00:00Z","lastScaAt":"2026-03-01T12:01:00Z",
		"authorisations":[
			{"authorisationId":"`+s.Authorisations[0].ID.String()+`","approach":"redirect","scaStatus":"finalised","psu":"ceo",
				"createdAt":"2026-03-01T12:00:00Z","changedAt":"2026-03-01T12:00:00Z"},
			{"authorisationId":"`+s.Authorisations[1].ID.String()+`","approach":"decoupled","scaStatus":"received",
				"createdAt":"2026-03-01T12:00:00Z","changedAt":"2026-03-01T12:00:00Z","deadline":"2026-03-01T12:00:00Z"}]}`, got.body)
	assert.NotContains(t, w.log.String(), iban)
}

// TestConsentsInAllStates shows every status, ending and kind as the description says.
func TestConsentsInAllStates(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for status := range consent.Transitions() {
		for _, by := range []consent.Actor{consent.ByPSU, consent.ByTPP, consent.ByASPSP, consent.BySystem} {
			for _, why := range []consent.Reason{
				consent.ReasonDate, consent.ReasonReplaced, consent.ReasonUsedUp, consent.ReasonRefused, consent.ReasonNotAuthorised,
				consent.ReasonNotEntitled, consent.ReasonTerminated, consent.ReasonWithdrawn, consent.ReasonBank, consent.ReasonTPPBlocked,
			} {
				s := granted()
				s.Status, s.Ending, s.ReplacedBy = status, consent.Ending{By: by, Reason: why}, uuid.New()
				w.consents.all = []consents.Seen{s}
				got := w.send(t, http.MethodGet, consentsPath+"/"+s.ID.String(), "", page())
				require.Equal(t, http.StatusOK, got.status)
				require.Contains(t, got.body, `"ending":{"by":"`+string(by)+`","reason":"`+string(why)+`"`)
				require.Equal(t, why == consent.ReasonReplaced, strings.Contains(got.body, s.ReplacedBy.String()))
			}
		}
	}
	funds := granted()
	funds.Kind, funds.Access.Grants, funds.Authorisations, funds.BankIDs = consent.FundsConfirmation, nil, nil, nil
	w.consents.all = []consents.Seen{funds}
	got := w.send(t, http.MethodGet, consentsPath+"/"+funds.ID.String(), "", page())
	require.Equal(t, http.StatusOK, got.status)
	require.NotContains(t, got.body, "validUntil")
	require.NotContains(t, got.body, "frequencyPerDay")
	require.Contains(t, got.body, `"authorisations":[]`)
}

// TestConnections shows what a TPP does in the name of a PSU: the connection, and what
// it has forwarded by it.
func TestConnections(t *testing.T) {
	t.Parallel()
	w := setup(t)
	psu, customer := uuid.New(), uuid.New()
	names := map[uuid.UUID]string{psu: "ceo", customer: "firm"}
	connection := consents.Seen{BankIDs: names, Consent: &consent.Consent{
		ID: uuid.New(), Kind: consent.Connection, Rail: consent.RailSTET, TPP: acme, TPPName: "Acme", GivenBy: psu, Customer: customer,
		Status: consent.Valid, StatusChangedAt: start, Recurring: true, FrequencyPerDay: 4, CreatedAt: start, LastSCA: start,
		Access:     consent.Access{Rights: consent.RightAccounts | consent.RightLongHistory | consent.RightFunds | consent.RightPayments},
		ValidUntil: consent.Date{Year: 2026, Month: time.August, Day: 28}, EndsAt: start.AddDate(0, 0, 180),
	}}
	forwarded := consents.Seen{BankIDs: names, Consent: &consent.Consent{
		ID: uuid.New(), Kind: consent.AccountAccess, Rail: consent.RailSTET, TPP: acme, TPPName: "Acme", GivenBy: psu, Customer: customer, Connection: connection.ID,
		Status: consent.Revoked, Ending: consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}, StatusChangedAt: start,
		Recurring: true, FrequencyPerDay: 4, CreatedAt: start, LastSCA: start, ValidUntil: connection.ValidUntil, EndsAt: connection.EndsAt,
		Access: consent.Access{Scope: consent.ScopeDedicated, Rights: consent.RightIdentity},
	}}
	w.consents.all = []consents.Seen{forwarded, connection}
	got := w.send(t, http.MethodGet, consentsPath+"?psu=ceo&tpp="+acme, "", page())
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.JSONEq(t, `{"consents":[{
		"consentId":"`+forwarded.ID.String()+`","kind":"accountAccess","rail":"stet","tpp":{"id":"`+acme+`","name":"Acme"},"customer":"firm","psu":"ceo",
		"connectionId":"`+connection.ID.String()+`","status":"revoked","statusChangedAt":"2026-03-01T12:00:00Z","ending":{"by":"psu","reason":"withdrawn"},
		"access":{"scope":"dedicated","rights":["identity"],"ownerName":false},"recurringIndicator":true,"frequencyPerDay":4,
		"validUntil":"2026-08-28","endsAt":"2026-08-28T12:00:00Z","createdAt":"2026-03-01T12:00:00Z","lastScaAt":"2026-03-01T12:00:00Z"},{
		"consentId":"`+connection.ID.String()+`","kind":"connection","rail":"stet","tpp":{"id":"`+acme+`","name":"Acme"},"customer":"firm","psu":"ceo",
		"status":"valid","statusChangedAt":"2026-03-01T12:00:00Z","access":{"rights":["accounts","funds","payments","longHistory"],"ownerName":false},
		"recurringIndicator":true,"validUntil":"2026-08-28","endsAt":"2026-08-28T12:00:00Z","createdAt":"2026-03-01T12:00:00Z","lastScaAt":"2026-03-01T12:00:00Z"}]}`, got.body)

	got = w.send(t, http.MethodPut, consentsPath+"/"+connection.ID.String()+"/revocation", `{"psu":"ceo"}`, page())
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Contains(t, got.body, `"status":"revoked"`)
}

func TestListConsents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 5 {
		w.consents.all = append(w.consents.all, granted())
	}
	after, got, pages := "", []string(nil), 0
	for {
		a := w.send(t, http.MethodGet, consentsPath+"?psu=lea&limit=2"+after, "", page())
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.NotContains(t, a.body, "authorisations")
		var list struct {
			Consents []struct{ ConsentID string }
			Next     string
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &list))
		for _, c := range list.Consents {
			got = append(got, c.ConsentID)
		}
		if pages++; list.Next == "" {
			break
		}
		after = "&after=" + list.Next
	}
	var want []string
	for _, s := range w.consents.all {
		want = append(want, s.ID.String())
	}
	require.Equal(t, want, got)
	require.Equal(t, 3, pages)

	w.consents.all, w.consents.filters = nil, nil
	a := w.send(t, http.MethodGet, consentsPath+"?psu=l%C3%A9a&account=a%2F1&status=suspended&tpp=A:B&limit=200&after="+want[0], "", page())
	require.JSONEq(t, `{"consents":[]}`, a.body)
	a = w.send(t, http.MethodGet, consentsPath+"?account=a", "", page())
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, []consents.Filter{
		{PSU: "léa", Account: "a/1", Status: consent.Suspended, TPP: "A:B", Limit: 201, After: uuid.MustParse(want[0])},
		{Account: "a", Limit: 51},
	}, w.consents.filters)
}

func TestListConsentsRefuses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for query, want := range map[string][]string{
		"":                                  {"Query.psu: is required where no account is named"},
		"?tpp=A":                            {"Query.psu: is required where no account is named"},
		"?psu=":                             {"Query.psu: must not be empty"},
		"?psu=a&psu=b":                      {"Query.psu: must be there once", "Query.psu: is required where no account is named"},
		"?psu=a&status=terminatedByTpp":     {"Query.status: must be a status of a consent"},
		"?psu=a&status=":                    {"Query.status: must be a status of a consent"},
		"?psu=a&limit=0":                    {"Query.limit: must be a number from 1 to 200"},
		"?psu=a&limit=201":                  {"Query.limit: must be a number from 1 to 200"},
		"?psu=a&after=x":                    {"Query.after: must be the id of a consent"},
		"?psu=a&after=" + uuid.Nil.String(): {"Query.after: must be the id of a consent"},
		"?psu=a%00&account=%0A&tpp=%7F": {
			"Query.psu: must not hold control characters", "Query.account: must not be empty", "Query.tpp: must not hold control characters",
		},
		"?psu=" + strings.Repeat("a", 301): {"Query.psu: must not be longer than 300 characters"},
		"?psu=a&stauts=valid":              {"Query.stauts: is not known here"},
	} {
		a := w.send(t, http.MethodGet, consentsPath+query, "", page())
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Equal(t, want, a.places(t), query)
	}
	require.Empty(t, w.consents.filters)
}

func TestRevokeConsent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := granted()
	w.consents.all = []consents.Seen{s}
	path := consentsPath + "/" + s.ID.String() + "/revocation"
	for i := range 2 {
		a := w.send(t, http.MethodPut, path, `{"psu":"ceo"}`, page())
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Contains(t, a.body, `"status":"revoked"`, strconv.Itoa(i))
		require.Contains(t, a.body, `"ending":{"by":"psu","reason":"withdrawn"}`)
	}
	require.Equal(t, []string{"ceo", "ceo"}, w.consents.psus)
	require.Equal(t, consent.Cause{By: consent.ByASPSP, Who: "token/3", RequestID: requestID}, w.consents.causes[0])
	for body, want := range map[string][]string{
		`{}`:                      {"psu: is required"},
		`{"psu":""}`:              {"psu: must not be empty"},
		`{"psu":null}`:            {"psu: must be a string"},
		`{"psu":"a","who":"b"}`:   {"who: is not known here"},
		`{"psu":"a","psu":"b"}`:   {"psu: must not be there twice"},
		`["psu"]`:                 {"body: must be a JSON object"},
		`{"psu":"a\u0000"}`:       {"psu: must not hold control characters"},
		`{"psu":"a\u202e"}`:       {"psu: must not hold control characters"},
		`{"psu":{"id":"secret"}}`: {"psu: must be a string"},
	} {
		a := w.send(t, http.MethodPut, path, body, page())
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, want, a.places(t), body)
	}
	require.Len(t, w.consents.psus, 2)
}

func TestConsentsThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, id := range []string{uuid.NewString(), "x", "%00", "urn:uuid:" + uuid.NewString(), strings.ReplaceAll(uuid.NewString(), "-", "")} {
		for method, x := range map[string]struct{ path, body string }{
			http.MethodGet: {"", ""}, http.MethodPut: {"/revocation", `{"psu":"a"}`},
		} {
			a := w.send(t, method, consentsPath+"/"+id+x.path, x.body, page())
			require.Equal(t, http.StatusNotFound, a.status, id)
			require.Equal(t, "not_found", a.code(t), id)
			require.Contains(t, a.body, "no such consent")
		}
	}
}

func TestConsentsFail(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.consents.fails = errors.Join(errors.New(iban), consent.E(consent.CodeUnavailable, "the bank does not answer"))
	a := w.send(t, http.MethodGet, consentsPath+"?psu=a", "", page())
	require.Equal(t, []any{http.StatusServiceUnavailable, "unavailable"}, []any{a.status, a.code(t)})
	require.NotContains(t, a.body, iban)
	w.consents.fails = consent.E(consent.CodeNotFound, "the bank knows no such PSU")
	a = w.send(t, http.MethodGet, consentsPath+"?psu=a", "", page())
	require.Equal(t, []any{http.StatusNotFound, "not_found"}, []any{a.status, a.code(t)})
	for _, token := range []string{"desk", "board"} {
		a = w.send(t, http.MethodGet, consentsPath+"?psu=a", "", with{"Authorization": "Bearer " + token})
		require.Equal(t, http.StatusForbidden, a.status, token)
	}
}
