package client_test

import (
	"context"
	"fmt"
	"net/http"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

func ExampleClient_CreateFundsConsent() {
	bank, done := exampleBank(http.StatusCreated, `{"consentStatus":"received","consentId":"0198f2d0","_links":{"scaRedirect":{"href":"https://online.bank.example/sca/qX1nZw"}}}`)
	defer done()
	created, _, err := bank.CreateFundsConsent(context.Background(), xs2a.FundsConsentRequest{
		Account:                 xs2a.AccountReference{IBAN: "FR7617515000920400430518020"},
		CardNumber:              "5409050000000000",
		CardExpiryDate:          "2027-01-31",
		RegistrationInformation: "Your contract 1234 with Corner Shop",
	}, client.CreateOptions{RedirectURI: "https://tpp.example/back"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.ConsentID, created.ConsentStatus)
	fmt.Println("send the browser to", created.Links[xs2a.LinkScaRedirect].Href)
	// Output:
	// 0198f2d0 received
	// send the browser to https://online.bank.example/sca/qX1nZw
}

func ExampleClient_FundsConsent() {
	bank, done := exampleBank(http.StatusOK, `{"account":{"iban":"FR7617515000920400430518020"},"cardNumber":"5409050000000000","consentStatus":"valid"}`)
	defer done()
	consent, _, err := bank.FundsConsent(context.Background(), "0198f2d0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(consent.ConsentStatus, "for", consent.Account.IBAN)
	// Output: valid for FR7617515000920400430518020
}

func ExampleClient_FundsConsentStatus() {
	bank, done := exampleBank(http.StatusOK, `{"consentStatus":"valid"}`)
	defer done()
	status, _, err := bank.FundsConsentStatus(context.Background(), "0198f2d0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.ConsentStatus)
	// Output: valid
}

func ExampleClient_DeleteFundsConsent() {
	bank, done := exampleBank(http.StatusNoContent, "")
	defer done()
	meta, err := bank.DeleteFundsConsent(context.Background(), "0198f2d0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(meta.Status)
	// Output: 204
}

func ExampleClient_StartFundsAuthorisation() {
	bank, done := exampleBank(http.StatusCreated, `{"scaStatus":"psuIdentified","authorisationId":"0198f2d1","psuMessage":"Please approve in your app.","_links":{"scaStatus":{"href":"https://xs2a.bank.example/v2/consents/confirmation-of-funds/0198f2d0/authorisations/0198f2d1"}}}`)
	defer done()
	started, _, err := bank.StartFundsAuthorisation(context.Background(), "0198f2d0", client.StartOptions{PSUID: "lea"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(started.ScaStatus, started.PSUMessage)
	// Output: psuIdentified Please approve in your app.
}

func ExampleClient_FundsAuthorisations() {
	bank, done := exampleBank(http.StatusOK, `{"authorisationIds":["0198f2d1"]}`)
	defer done()
	list, _, err := bank.FundsAuthorisations(context.Background(), "0198f2d0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.AuthorisationIDs)
	// Output: [0198f2d1]
}

func ExampleClient_FundsAuthorisationStatus() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"started"}`)
	defer done()
	sca, _, err := bank.FundsAuthorisationStatus(context.Background(), "0198f2d0", "0198f2d1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sca.ScaStatus)
	// Output: started
}

func ExampleClient_UpdateFundsAuthorisation() {
	bank, done := exampleBank(http.StatusOK, `{"scaStatus":"psuIdentified","psuMessage":"Please approve in your app."}`)
	defer done()
	updated, _, err := bank.UpdateFundsAuthorisation(context.Background(), "0198f2d0", "0198f2d1", client.Identification(), client.UpdateOptions{PSUID: "lea"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(updated.ScaStatus)
	// Output: psuIdentified
}

func ExampleClient_ConfirmFunds() {
	bank, done := exampleBank(http.StatusOK, `{"fundsAvailable":true}`)
	defer done()
	answer, _, err := bank.ConfirmFunds(context.Background(), xs2a.FundsConfirmationRequest{
		Account:          xs2a.AccountReference{IBAN: "FR7617515000920400430518117"},
		InstructedAmount: xs2a.Amount{Currency: "EUR", Amount: "12.50"},
	}, client.ConfirmOptions{ConsentID: "0198f2d0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.FundsAvailable)
	// Output: true
}
