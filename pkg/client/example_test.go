package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

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
