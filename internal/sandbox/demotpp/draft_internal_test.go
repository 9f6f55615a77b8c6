package demotpp

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// today is the day of these tests.
var today = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

func testApp() *App {
	return &App{
		Now:    func() time.Time { return today },
		People: []Person{{Login: "lea", Accounts: []string{"FR7617515000920400430518020 EUR", "maskedPan:525412******3241"}}},
	}
}

// Every preset makes a request that the form finds nothing wrong with, but for the
// one that is wrong on purpose.
func TestPresets(t *testing.T) {
	t.Parallel()
	for _, p := range presets {
		d, found := testApp().filled(p.Name, "lea"), flaws{}
		d.options("http://localhost:8080", "m", &found)
		if d.Get(fieldKind) == kindFunds {
			d.funds(&found)
		} else {
			d.consent(today, &found)
		}
		if p.Name == "wrong" {
			assert.Len(t, found, 3)
			assert.False(t, found.Hard(), "it can be sent")
			continue
		}
		assert.Empty(t, found, p.Name)
	}
}

func TestDraftsAsTheyAreSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		preset string
		edit   draft
		want   string
	}{
		"bank-offered": {"usual", nil, `{"accounts":[],"balances":[],"transactions":[]}`},
		"with the owner's name and beneficiaries": {
			"usual",
			draft{fieldRights: {"balances", "ownerName", "trustedBeneficiaries"}},
			`{"balances":[],"additionalInformation":{"ownerName":[],"trustedBeneficiaries":[]}}`,
		},
		"named": {
			"named",
			draft{fieldRights: {"accounts", "balances"}, "list.balances": {"bban:BARC1 \n\n other:x"}},
			`{"accounts":[{"iban":"FR7617515000920400430518020","currency":"EUR"},{"maskedPan":"525412******3241"}],"balances":[{"bban":"BARC1"},{"other":{"identification":"x"}}]}`,
		},
		"all, by type":        {"everything", draft{fieldTypes: {"CACC, CARD"}}, `{"allPsd2":"allAccountsWithOwnerName","restrictedTo":["CACC","CARD"]}`},
		"the list":            {"list", nil, `{"availableAccounts":"allAccounts"}`},
		"the list, balances":  {"list", draft{fieldModel: {modelBalances}}, `{"availableAccountsWithBalance":"allAccounts"}`},
		"what cannot be both": {"usual", draft{fieldAccess: {`{"balances":[],"allPsd2":"some"}`}}, `{"balances":[],"allPsd2":"some"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, found := testApp().filled(c.preset, "lea"), flaws{}
			maps.Copy(d, c.edit)
			got, err := json.Marshal(d.consent(today, &found).Access)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, string(got))
			assert.Empty(t, found)
		})
	}
}

func TestFlaws(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit draft
		want string
		hard bool
	}{
		"no number":         {draft{fieldFrequency: {"often"}}, "frequencyPerDay must be a number: the client has no other type for it.", true},
		"one-off, often":    {draft{fieldRecurring: {no}}, "A one-off consent has frequencyPerDay 1.", false},
		"a timestamp":       {draft{fieldUntil: {"2026-05-04T00:00:00Z"}}, "validUntil should be a day, as 2027-01-31.", false},
		"no right":          {draft{fieldRights: nil}, "No right is asked for.", false},
		"nobody named":      {draft{fieldModel: {modelDedicated}, fieldRights: {"balances"}}, "No account is named for balances: an empty list asks the customer to choose.", false},
		"an unknown member": {draft{fieldModel: {modelDedicated}, fieldRights: {"balances"}, "list.balances": {"phone:1"}}, "An account is named by iban, bban, pan, maskedPan, msisdn or other, not by phone.", true},
		"access not JSON":   {draft{fieldAccess: {"{"}}, "The access as JSON cannot be read: unexpected end of JSON input.", true},
		"request id":        {draft{fieldRequestID: {"one"}}, "X-Request-ID should be a UUID; leave it empty for a fresh one.", false},
		"address":           {draft{fieldAddress: {"here"}}, "PSU-IP-Address should be an address, as 192.0.2.7.", false},
		"header":            {draft{fieldHeaders: {"Accept"}}, "A further header is a name, a colon and a value, one a line.", true},
		"types with accounts": {
			draft{fieldModel: {modelDedicated}, fieldRights: {"balances"}, "list.balances": {"x"}, fieldTypes: {"CACC"}},
			"restrictedTo is not for accounts that are named.", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, found := testApp().filled("usual", "lea"), flaws{}
			maps.Copy(d, c.edit)
			d.consent(today, &found)
			d.options("http://localhost:8080", "m", &found)
			require.Len(t, found, 1)
			assert.Equal(t, c.want, found[0].Text)
			assert.Equal(t, c.hard, found.Hard())
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	d, found := testApp().filled("embedded", "lea"), flaws{}
	set(d, fieldHeaders, "TPP-Redirect-Preferred: maybe\n X-Own:1 ")
	o := d.options("http://localhost:8080", "m", &found)
	assert.Empty(t, found)
	assert.Equal(t, "http://localhost:8080/tpp/return?state=m", o.RedirectURI)
	assert.Equal(t, "http://localhost:8080/tpp/return/nok?state=m", o.NokRedirectURI)
	assert.Equal(t, new(bool), o.RedirectPreferred)
	assert.Equal(t, new(bool), o.DecoupledPreferred)
	assert.Equal(t, "maybe", o.Header.Get("TPP-Redirect-Preferred"))
	assert.Equal(t, "1", o.Header.Get("X-Own"))
	delete(d, fieldNok)
	delete(d, fieldDecoupled)
	o = d.options("http://localhost:8080", "m", &found)
	assert.Empty(t, o.NokRedirectURI)
	assert.Nil(t, o.DecoupledPreferred)
}
