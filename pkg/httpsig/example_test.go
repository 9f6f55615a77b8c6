package httpsig_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"strings"

	"consentd/pkg/httpsig"
)

// exampleSeal stands for the QSEAL of a TPP, which signs itself here.
func exampleSeal() (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0x9FA1), Subject: pkix.Name{CommonName: "Example CA", Country: []string{"DE"}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert, key
}

func ExampleSigner_Sign() {
	cert, key := exampleSeal()
	body := `{"access":{"balances":[],"transactions":[]}}`
	r, _ := http.NewRequest(http.MethodPost, "https://xs2a.bank.example/v1/consents", strings.NewReader(body))
	r.Header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	r.Header.Set("PSU-ID", "anna")

	signer := &httpsig.Signer{Certificate: cert, Key: key}
	signed, err := signer.Sign(r, []byte(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signed.KeyID, signed.Algorithm)
	fmt.Println(signed.String)
	// Output:
	// SN=9FA1,CA=CN=Example%20CA,C=DE ecdsa-sha256
	// digest: SHA-256=0ZEc2TBoC3jLQi0UeD6d8Kk8K1AzeF3P4jsIC2E0nl0=
	// x-request-id: 99391c7e-ad88-49ec-a2ad-99ddcb1f7721
	// psu-id: anna
}

func ExampleProfile_Verify() {
	cert, key := exampleSeal()
	r, _ := http.NewRequest(http.MethodGet, "https://xs2a.bank.example/v1/consents/1", http.NoBody)
	r.Header.Set("X-Request-ID", "99391c7e-ad88-49ec-a2ad-99ddcb1f7721")
	if _, err := (&httpsig.Signer{Certificate: cert, Key: key}).Sign(r, nil); err != nil {
		fmt.Println(err)
		return
	}

	// At the bank, which has judged cert: what came is what was signed.
	profile := httpsig.DefaultProfile()
	signature, err := profile.Verify(httpsig.Of(r), cert)
	fmt.Println(signature.Headers, err)
	fmt.Println(httpsig.CheckDigest(r.Header.Get("Digest"), nil))

	// Somebody on the way says who the PSU is.
	r.Header.Set("PSU-ID", "otto")
	_, err = profile.Verify(httpsig.Of(r), cert)
	if fault, ok := httpsig.As(err); ok {
		fmt.Println(fault.Reason, fault.Header, fault.Text)
	}
	// Output:
	// [digest x-request-id] <nil>
	// <nil>
	// invalid Signature must cover psu-id, which the message has
}
