package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"consentd/pkg/client"
	"consentd/pkg/stet"
)

// A customer connects, says what may be read, and the TPP forwards that.
func ExampleSTET() {
	bank := exampleFrenchBank()
	defer bank.Close()
	ctx := context.Background()

	// To a bank: client.NewOAuth2(kit.ClientID(), client.WithCertificate(kit.QWAC, kit.Roots))
	oauth, err := client.NewOAuth2("PSDFR-ACPR-13807", client.WithSandboxTPP("demo"))
	if err != nil {
		fmt.Println(err)
		return
	}
	server, _, err := oauth.Discover(ctx, bank.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := oauth.AuthorizeURL(server, "", stet.ScopeAISP, "https://tpp.example/cb")
	if err != nil {
		fmt.Println(err)
		return
	}
	// Send the customer's browser to request.URL, and keep request with their session.
	// Then the browser comes back:
	code, err := request.Code(url.Values{"state": {request.State}, "code": {"c1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, _, err := oauth.Exchange(ctx, server, request, code)
	if err != nil {
		fmt.Println(err)
		return
	}

	// To a bank: client.NewSTET(address, kit.STETOptions("https://tpp.example/seal")...)
	accounts, err := client.NewSTET(bank.URL+stet.BasePath, client.WithSandboxTPP("demo"))
	if err != nil {
		fmt.Println(err)
		return
	}
	list, _, err := accounts.Accounts(ctx, tokens.AccessToken)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.Accounts[0].Name)
	_, err = accounts.PutConsents(ctx, tokens.AccessToken, stet.Access{Balances: []stet.AccountReference{list.Accounts[0].AccountID}})
	fmt.Println(err)
	// Output:
	// Compte courant
	// <nil>
}

// exampleFrenchBank answers as a bank would, once its customer has logged in.
func exampleFrenchBank() *httptest.Server {
	var bank *httptest.Server
	bank = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/oauth-authorization-server":
			fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%[1]q,"token_endpoint":"%[1]s/token"}`, bank.URL)
		case "/token":
			fmt.Fprint(w, `{"access_token":"t1","token_type":"Bearer","expires_in":600,"scope":"aisp"}`)
		case stet.BasePath + "/consents":
			w.WriteHeader(http.StatusCreated)
		default:
			fmt.Fprint(w, `{"accounts":[{"accountId":{"iban":"FR7617515000920400430518020"},"name":"Compte courant","_links":{}}],"_links":{}}`)
		}
	}))
	return bank
}
