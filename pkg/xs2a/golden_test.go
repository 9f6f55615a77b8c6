package xs2a_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/xs2a"
)

var update = flag.Bool("update", false, "write the golden files anew")

func bodies() map[string]any {
	iban := xs2a.AccountReference{IBAN: "FR7617515000920400430518020", Currency: "EUR", CashAccountType: "CACC"}
	every := []xs2a.AccountReference{
		iban,
		{BBAN: "BARC12345612345678"},
		{PAN: "5409050000000000"},
		{MaskedPAN: "123456xxxxxx1234"},
		{MSISDN: "+49 170 1234567"},
		{Other: &xs2a.GenericAccountIdentification{Identification: "X-1", SchemeNameCode: "BANK", SchemeNameProprietary: "Ours", Issuer: "We"}},
	}
	empty := []xs2a.AccountReference{}
	return map[string]any{
		"consents-request-dedicated": xs2a.ConsentsRequest{
			Access: xs2a.AccountAccess{
				Accounts: every, Balances: every[:1],
				AdditionalInformation: &xs2a.AdditionalInformation{OwnerName: every[:1]},
			},
			RecurringIndicator: true, ValidUntil: "2026-12-31", FrequencyPerDay: 4,
		},
		"consents-request-bank-offered": xs2a.ConsentsRequest{
			Access: xs2a.AccountAccess{
				Balances: empty, Transactions: empty, RestrictedTo: []string{"CACC"},
				AdditionalInformation: &xs2a.AdditionalInformation{TrustedBeneficiaries: empty},
			},
			ValidUntil: "2026-12-31", FrequencyPerDay: 1, CombinedServiceIndicator: true,
		},
		"consents-request-global": xs2a.ConsentsRequest{
			Access: xs2a.AccountAccess{AllPSD2: xs2a.AllAccountsWithOwnerName}, RecurringIndicator: true, ValidUntil: "9999-12-31", FrequencyPerDay: 4,
		},
		"access-available":              xs2a.AccountAccess{AvailableAccounts: xs2a.AllAccountsOnly},
		"access-available-with-balance": xs2a.AccountAccess{AvailableAccountsWithBalance: xs2a.AllAccountsOnly, RestrictedTo: []string{"SVGS"}},
		"consents-response": xs2a.ConsentsResponse{
			ConsentStatus: xs2a.Received, ConsentID: "c1", PSUMessage: "Please authorise.",
			Links:       xs2a.Links{xs2a.LinkSelf: {Href: "https://bank.example/v1/consents/c1"}, xs2a.LinkScaRedirect: {Href: "https://bank.example/sca/h"}},
			TPPMessages: []xs2a.TPPMessage{{Category: xs2a.CategoryWarning, Code: xs2a.FormatError, Text: "a hint"}},
		},
		"consent-information": xs2a.ConsentInformation{
			Access: xs2a.AccountAccess{Balances: []xs2a.AccountReference{iban}}, RecurringIndicator: true, ValidUntil: "2026-12-31",
			FrequencyPerDay: 4, LastActionDate: "2026-10-02", ConsentStatus: xs2a.Valid,
			Links: xs2a.Links{xs2a.LinkAccount: {Href: "https://bank.example/v1/accounts"}},
		},
		"consent-status": xs2a.ConsentStatusResponse{ConsentStatus: xs2a.TerminatedByTpp},
		"start-authorisation": xs2a.StartAuthorisationResponse{
			ScaStatus: xs2a.ScaReceived, AuthorisationID: "a1",
			Links: xs2a.Links{xs2a.LinkScaStatus: {Href: "https://bank.example/v1/consents/c1/authorisations/a1"}},
		},
		"authorisations": xs2a.Authorisations{AuthorisationIDs: []string{"a1", "a2"}},
		"sca-status":     xs2a.ScaStatusResponse{ScaStatus: xs2a.ScaFinalised},
		"error": xs2a.Error{TPPMessages: []xs2a.TPPMessage{
			{Category: xs2a.CategoryError, Code: xs2a.FormatError, Path: "Header.PSU-IP-Address", Text: "is required"},
		}},
		"problem": xs2a.Problem{
			Type: "about:blank", Title: "Bad Request", Detail: "access: is required", Code: xs2a.FormatError,
			AdditionalErrors: []xs2a.ProblemError{{Detail: "validUntil: is required", Code: xs2a.FormatError}},
		},
	}
}

// The public bodies, byte for byte: what changes here changes every TPP's life.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(body, "", "  ")
			require.NoError(t, err)
			got = append(got, '\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
	files, err := os.ReadDir("testdata")
	require.NoError(t, err)
	assert.Len(t, files, len(bodies()), "a golden file that nothing makes")
}

// Absent and empty lists are different wishes, in both directions.
func TestAbsentAndEmptyStayApart(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"accounts":[]}`, `{"balances":[],"transactions":[]}`, `{"accounts":[],"additionalInformation":{"ownerName":[]}}`,
		`{"accounts":[],"additionalInformation":{}}`,
	} {
		var access xs2a.AccountAccess
		require.NoError(t, json.Unmarshal([]byte(text), &access))
		again, err := json.Marshal(access)
		require.NoError(t, err)
		assert.True(t, bytes.Equal([]byte(text), again), "%s became %s", text, again)
	}
	var access xs2a.AccountAccess
	require.NoError(t, json.Unmarshal([]byte(`{"accounts":[]}`), &access))
	assert.NotNil(t, access.Accounts)
	assert.Nil(t, access.Balances)
}
