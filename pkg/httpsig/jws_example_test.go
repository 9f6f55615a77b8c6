package httpsig_test

import (
	"fmt"
	"net/http"
	"time"

	"consentd/pkg/httpsig"
)

func ExampleJWSSigner_SignResponse() {
	cert, key := exampleSeal()
	clock := func() time.Time { return time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC) }
	body := []byte(`{"consentStatus":"received"}`)
	header := http.Header{}
	header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	header.Set("Content-Type", "application/json")
	if err := (&httpsig.JWSSigner{Certificate: cert, Key: key, Now: clock}).SignResponse(header, body); err != nil {
		fmt.Println(err)
		return
	}

	// At the TPP: who says to have signed, and, having judged them, whether they did.
	signature, err := httpsig.ParseJWS(header.Get(httpsig.HeaderJWS))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signature.Algorithm, signature.SignedAt, signature.Pars)
	fmt.Println(httpsig.DefaultJWSProfile(clock).VerifyResponse(header, body, cert))
	// Output:
	// ES256 2026-10-02 12:00:00 +0000 UTC [x-request-id digest content-type]
	// <nil>
}

func ExampleJWS_Verify() {
	cert, key := exampleSeal()
	clock := func() time.Time { return time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC) }
	r, _ := http.NewRequest(http.MethodGet, "https://xs2a.bank.example/v1/consents/1", http.NoBody)
	r.Header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	if err := (&httpsig.JWSSigner{Certificate: cert, Key: key, Now: clock}).SignRequest(r, nil); err != nil {
		fmt.Println(err)
		return
	}

	signature, err := httpsig.ParseJWS(r.Header.Get(httpsig.HeaderJWS))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signature.Verify(httpsig.DefaultJWSProfile(clock), httpsig.Of(r), cert))

	// Two minutes later.
	later := func() time.Time { return clock().Add(2 * time.Minute) }
	fmt.Println(signature.Verify(httpsig.DefaultJWSProfile(later), httpsig.Of(r), cert))
	// Output:
	// <nil>
	// x-jws-signature must not be older than 1m0s by its sigT
}
