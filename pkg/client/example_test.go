package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// exampleBank answers as a bank would.
func exampleBank(status int, body string) (*client.Client, func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	bank, err := client.New(server.URL)
	if err != nil {
		panic(err)
	}
	return bank, server.Close
}

func ExampleClient_CreateConsent() {
	bank, done := exampleBank(http.StatusCreated, `{"consentStatus":"received","consentId":"0198f2c4","_links":{"scaRedirect":{"href":"https://online.bank.example/sca/pT0mYw"}}}`)
	defer done()
	created, _, err := bank.CreateConsent(context.Background(), xs2a.ConsentsRequest{
		// Empty lists: the customer chooses the accounts at the bank.
		Access:             xs2a.AccountAccess{Balances: []xs2a.AccountReference{}, Transactions: []xs2a.AccountReference{}},
		RecurringIndicator: true,
		ValidUntil:         "9999-12-31",
		FrequencyPerDay:    4,
	}, client.CreateOptions{PSUIPAddress: "192.0.2.7", RedirectURI: "https://tpp.example/back"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.ConsentID, created.ConsentStatus)
	fmt.Println("send the browser to", created.Links[xs2a.LinkScaRedirect].Href)
	// Output:
	// 0198f2c4 received
	// send the browser to https://online.bank.example/sca/pT0mYw
}

func ExampleClient_Consent() {
	bank, done := exampleBank(http.StatusOK, `{"access":{"balances":[{"iban":"FR7617515000920400430518020"}]},"recurringIndicator":true,"validUntil":"2026-12-31","frequencyPerDay":4,"lastActionDate":"2026-10-02","consentStatus":"valid"}`)
	defer done()
	consent, _, err := bank.Consent(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(consent.ConsentStatus, "until", consent.ValidUntil, "for", consent.Access.Balances[0].IBAN)
	// Output: valid until 2026-12-31 for FR7617515000920400430518020
}

func ExampleClient_ConsentStatus() {
	bank, done := exampleBank(http.StatusOK, `{"consentStatus":"valid"}`)
	defer done()
	status, _, err := bank.ConsentStatus(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.ConsentStatus == xs2a.Valid)
	// Output: true
}

func ExampleClient_DeleteConsent() {
	bank, done := exampleBank(http.StatusNoContent, "")
	defer done()
	meta, err := bank.DeleteConsent(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(meta.Status)
	// Output: 204
}

func ExampleClient_StartAuthorisation() {
	bank, done := exampleBank(http.StatusCreated, `{"scaStatus":"received","authorisationId":"0198f2c5","_links":{"scaRedirect":{"href":"https://online.bank.example/sca/aB3dEf"}}}`)
	defer done()
	started, _, err := bank.StartAuthorisation(context.Background(), "0198f2c4", client.StartOptions{PSUID: "sarl-cfo"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(started.AuthorisationID, started.Links[xs2a.LinkScaRedirect].Href)
	// Output: 0198f2c5 https://online.bank.example/sca/aB3dEf
}

func ExampleClient_Authorisations() {
	bank, done := exampleBank(http.StatusOK, `{"authorisationIds":["0198f2c5","0198f2c6"]}`)
	defer done()
	list, _, err := bank.Authorisations(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.AuthorisationIDs)
	// Output: [0198f2c5 0198f2c6]
}

func ExampleClient_AuthorisationStatus() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"finalised"}`)
	defer done()
	sca, _, err := bank.AuthorisationStatus(context.Background(), "0198f2c4", "0198f2c5")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sca.ScaStatus)
	// Output: finalised
}

func ExampleClient_UpdateAuthorisation() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"finalised","_links":{"scaStatus":{"href":"https://xs2a.bank.example/v1/consents/0198f2c4/authorisations/0198f2c5"}}}`)
	defer done()
	updated, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Answer("123456"), client.UpdateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(updated.ScaStatus)
	// Output: finalised
}

func ExampleIdentification() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"psuIdentified","_links":{"updatePsuAuthentication":{"href":"https://xs2a.bank.example/v1/consents/0198f2c4/authorisations/0198f2c5"}}}`)
	defer done()
	updated, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Identification(), client.UpdateOptions{PSUID: "anna"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, asks := updated.Links[xs2a.LinkUpdatePsuAuthentication]
	fmt.Println(updated.ScaStatus, "- ask for the password:", asks)
	// Output: psuIdentified - ask for the password: true
}

func ExamplePassword() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"psuAuthenticated","scaMethods":[{"authenticationType":"SMS_OTP","authenticationMethodId":"sms","name":"SMS to +33 6 xx xx xx 28"},{"authenticationType":"CHIP_OTP","authenticationMethodId":"reader","name":"Card reader"}]}`)
	defer done()
	updated, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Password("sandbox"), client.UpdateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, method := range updated.ScaMethods {
		fmt.Println(method.AuthenticationMethodID, "is", method.Name)
	}
	// Output:
	// sms is SMS to +33 6 xx xx xx 28
	// reader is Card reader
}

func ExampleMethod() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"scaMethodSelected","chosenScaMethod":{"authenticationType":"SMS_OTP","authenticationMethodId":"sms"},"challengeData":{"otpMaxLength":6,"otpFormat":"integer"}}`)
	defer done()
	updated, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Method("sms"), client.UpdateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ask for", updated.ChallengeData.OTPMaxLength, "digits")
	// Output: ask for 6 digits
}

func ExampleAnswer() {
	bank, done := exampleBank(http.StatusUnauthorized, `{"tppMessages":[{"category":"ERROR","code":"PSU_CREDENTIALS_INVALID","text":"the code is wrong"}]}`)
	defer done()
	_, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Answer("000000"), client.UpdateOptions{})
	var refused *client.Error
	if errors.As(err, &refused) && refused.Has(xs2a.PsuCredentialsInvalid) {
		fmt.Println("ask again:", refused.Messages[0].Text)
	}
	// Output: ask again: the code is wrong
}

func ExampleConfirmation() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"finalised"}`)
	defer done()
	// The browser came back to the TPP's redirect URI.
	back, err := url.Parse("https://tpp.example/back?confirmationCode=2f77a125aa7a11ee")
	if err != nil {
		fmt.Println(err)
		return
	}
	code := back.Query().Get("confirmationCode")
	updated, _, err := bank.UpdateAuthorisation(context.Background(), "0198f2c4", "0198f2c5", client.Confirmation(code), client.UpdateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(updated.ScaStatus)
	// Output: finalised
}

func ExampleWithRetry() {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if calls == 1 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	// This bank answers a repeated X-Request-ID as it did at first, so that an end
	// may be asked for twice.
	bank, err := client.New(server.URL, client.WithRetry(client.Retry{Times: 3, MaxWait: 50 * time.Millisecond, Writes: true}))
	if err != nil {
		fmt.Println(err)
		return
	}
	meta, err := bank.DeleteConsent(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(meta.Status, "at call", calls)
	// Output: 204 at call 2
}

func ExampleError() {
	bank, done := exampleBank(http.StatusForbidden, `{"tppMessages":[{"category":"ERROR","code":"CONSENT_UNKNOWN","text":"no such consent"}]}`)
	defer done()
	_, _, err := bank.Consent(context.Background(), "unknown")
	var refused *client.Error
	if errors.As(err, &refused) && refused.Has(xs2a.ConsentUnknown) {
		fmt.Println(refused.Status, refused.Messages[0].Text)
	}
	// Output: 403 no such consent
}
