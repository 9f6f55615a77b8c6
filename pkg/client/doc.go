// Package client is a Go client for third parties (TPPs): it creates, reads and
// ends consents over a bank's XS2A interface (NextGenPSD2 1.3.x), follows their
// authorisations, or carries them through in the embedded approach, reads what
// they open (accounts, balances, transactions), and asks for the confirmation of
// funds.
//
//	bank, err := client.New("https://xs2a.bank.example")
//	created, meta, err := bank.CreateConsent(ctx, xs2a.ConsentsRequest{…}, client.CreateOptions{
//		PSUIPAddress: "192.0.2.7",
//		RedirectURI:  "https://tpp.example/back",
//	})
//	// send the customer's browser to created.Links["scaRedirect"].Href, then
//	status, _, err := bank.ConsentStatus(ctx, created.ConsentID)
//	// and once that is valid
//	accounts, _, err := bank.Accounts(ctx, client.ReadOptions{ConsentID: created.ConsentID})
//
// Every call carries a fresh X-Request-ID and returns a [Meta] with the headers
// of the answer, also where it fails. An answer that is not a success is an
// [*Error].
//
// A call that reads is sent again, twice at most, where the connection broke or
// the bank asked for it (503 with Retry-After). A call that writes is not, unless
// [WithRetry] says so: whether one that broke off took effect is for the caller
// to judge, with the same X-Request-ID if they wish ([CallOptions].RequestID).
//
// Banks ask for certificates and, many of them, for signatures. [WithCertificate]
// shows a QWAC, [WithSigner] and [WithJWSSigner] sign with a QSEAL, and [LoadKit]
// reads both from the folder that `consentd tpp new` writes:
//
//	kit, err := client.LoadKit("acme")
//	bank, err := client.New("https://localhost:8443", kit.Options()...)
//
// A bank that authorises by OAuth2 answers the link scaOAuth instead of scaRedirect:
// the address of the description of its OAuth2 server (RFC 8414). Any OAuth2 library
// goes from there, with the scope AIS:<consentId> and PKCE, and the reads bring the
// access token:
//
//	accounts, _, err := bank.Bearing(token).Accounts(ctx, client.ReadOptions{ConsentID: created.ConsentID})
//
// Other banks want a token with every call: [WithToken]. A refusal for the token is an
// [*Error] with one of the codes [xs2a.TokenUnknown], [xs2a.TokenInvalid] and
// [xs2a.TokenExpired].
//
// [STET] is the same over the French STET interface, and [OAuth2] gets the access
// tokens that it needs, and that some banks want in XS2A too: the customer's browser
// is sent away by [OAuth2.AuthorizeURL] and comes back with a code. Their errors are
// [*STETError] and [*OAuth2Error].
//
// The clients keep no state and may be used by many goroutines.
package client
