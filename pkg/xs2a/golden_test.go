package xs2a_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/pkg/xs2a"
)

var update = flag.Bool("update", false, "write the golden files anew")

func bodies() map[string]any {
	all := consentBodies()
	maps.Copy(all, authorisationBodies())
	maps.Copy(all, fundsBodies())
	maps.Copy(all, accountBodies())
	maps.Copy(all, cardBodies())
	return all
}

func consentBodies() map[string]any {
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
		"error": xs2a.Error{TPPMessages: []xs2a.TPPMessage{
			{Category: xs2a.CategoryError, Code: xs2a.FormatError, Path: "Header.PSU-IP-Address", Text: "is required"},
		}},
		"problem": xs2a.Problem{
			Type: "about:blank", Title: "Bad Request", Detail: "access: is required", Code: xs2a.FormatError,
			AdditionalErrors: []xs2a.ProblemError{{Detail: "validUntil: is required", Code: xs2a.FormatError}},
		},
	}
}

func authorisationBodies() map[string]any {
	sms := xs2a.AuthenticationObject{AuthenticationType: xs2a.SMSOTP, AuthenticationMethodID: "sms", Name: "SMS to +33 6 xx xx xx 28"}
	chip := xs2a.AuthenticationObject{
		AuthenticationType: xs2a.ChipOTP, AuthenticationVersion: "2.0", AuthenticationMethodID: "chip",
		Name: "Card reader", Explanation: "Put your card into the reader.",
	}
	challenge := &xs2a.ChallengeData{
		Image: "iVBORw0KGgo=", Data: []string{"1234", "5678"}, ImageLink: "https://bank.example/i.png",
		OTPMaxLength: 6, OTPFormat: xs2a.OTPInteger, AdditionalInformation: "Ask your branch where the reader is lost.",
	}
	hint := []xs2a.TPPMessage{{Category: xs2a.CategoryWarning, Code: xs2a.FormatError, Text: "a hint"}}
	next := func(relation string) xs2a.Links {
		return xs2a.Links{relation: {Href: "https://bank.example/v1/consents/c1/authorisations/a1"}}
	}
	return map[string]any{
		"consents-response-embedded": xs2a.ConsentsResponse{
			ConsentStatus: xs2a.Received, ConsentID: "c1", Links: next(xs2a.LinkAuthoriseTransaction), ScaStatus: xs2a.ScaMethodSelected,
			ScaMethods: []xs2a.AuthenticationObject{sms, chip}, ChosenScaMethod: &sms, ChallengeData: challenge,
		},
		"start-authorisation": xs2a.StartAuthorisationResponse{ScaStatus: xs2a.ScaReceived, AuthorisationID: "a1", Links: next(xs2a.LinkScaStatus)},
		"start-authorisation-embedded": xs2a.StartAuthorisationResponse{
			ScaStatus: xs2a.ScaMethodSelected, AuthorisationID: "a1", Links: next(xs2a.LinkAuthoriseTransaction),
			ScaMethods: []xs2a.AuthenticationObject{sms, chip}, ChosenScaMethod: &chip, ChallengeData: challenge,
			PSUMessage: "Please use your reader.", TPPMessages: hint,
		},
		"authorisations":        xs2a.Authorisations{AuthorisationIDs: []string{"a1", "a2"}},
		"sca-status":            xs2a.ScaStatusResponse{ScaStatus: xs2a.ScaFinalised},
		"sca-status-complete":   xs2a.ScaStatusResponse{ScaStatus: xs2a.ScaStarted, PSUMessage: "Please look at your app.", PSUName: "LEA SANDBOXA", TPPMessages: hint, Links: next(xs2a.LinkScaStatus)},
		"update-identification": xs2a.UpdateRequest{},
		"update-password":       xs2a.UpdateRequest{PSUData: &xs2a.PSUData{Password: "secret"}},
		"update-password-encrypted": xs2a.UpdateRequest{PSUData: &xs2a.PSUData{
			EncryptedPassword: "e", AdditionalPassword: "a", AdditionalEncryptedPassword: "ae",
		}},
		"update-method":       xs2a.UpdateRequest{AuthenticationMethodID: "sms"},
		"update-data":         xs2a.UpdateRequest{ScaAuthenticationData: "123456"},
		"update-confirmation": xs2a.UpdateRequest{ConfirmationCode: "2f77a125aa7a11ee"},
		"update-response":     xs2a.UpdateResponse{ScaStatus: xs2a.ScaFinalised, Links: next(xs2a.LinkScaStatus)},
		"update-response-challenge": xs2a.UpdateResponse{
			ScaStatus: xs2a.ScaMethodSelected, AuthorisationID: "a1", Links: next(xs2a.LinkAuthoriseTransaction), ScaMethods: []xs2a.AuthenticationObject{sms, chip},
			ChosenScaMethod: &sms, ChallengeData: &xs2a.ChallengeData{OTPMaxLength: 8, OTPFormat: xs2a.OTPCharacters}, PSUMessage: "Please type the code.", TPPMessages: hint,
		},
	}
}

func fundsBodies() map[string]any {
	account := xs2a.AccountReference{IBAN: "FR7617515000920400430518020", Currency: "EUR"}
	return map[string]any{
		"funds-consent-request": xs2a.FundsConsentRequest{
			Account: account, CardNumber: "5409050000000000", CardExpiryDate: "2027-01-31",
			CardInformation: "My merchant's card", RegistrationInformation: "Your contract 1234",
		},
		"funds-consent-request-least": xs2a.FundsConsentRequest{Account: account},
		"funds-consent-information": xs2a.FundsConsentInformation{
			Account: account, CardNumber: "5409050000000000", CardExpiryDate: "2027-01-31",
			CardInformation: "My merchant's card", RegistrationInformation: "Your contract 1234", ConsentStatus: xs2a.Valid,
		},
		"funds-consent-information-least": xs2a.FundsConsentInformation{Account: account, ConsentStatus: xs2a.Received},
		"funds-confirmation-request": xs2a.FundsConfirmationRequest{
			CardNumber: "5409050000000000", Account: account, Payee: "Corner shop", InstructedAmount: xs2a.Amount{Currency: "EUR", Amount: "12.50"},
		},
		"funds-confirmation-request-least": xs2a.FundsConfirmationRequest{Account: account, InstructedAmount: xs2a.Amount{Currency: "EUR", Amount: "1"}},
		"funds-confirmation-response":      xs2a.FundsConfirmationResponse{FundsAvailable: true},
		"funds-confirmation-response-no":   xs2a.FundsConfirmationResponse{},
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
			again := reflect.New(reflect.TypeOf(body))
			require.NoError(t, json.Unmarshal(want, again.Interface()))
			assert.Equal(t, body, again.Elem().Interface(), "reading it back loses nothing")
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
