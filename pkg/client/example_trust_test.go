package client_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"consentd/pkg/client"
)

// A bank that asks for a certificate, and for signed requests; the folder is one
// that `consentd tpp new` has written.
func ExampleLoadKit() {
	bank, folder, done := exampleSecureBank(`{"consentStatus":"valid"}`)
	defer done()
	kit, err := client.LoadKit(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	tpp, err := client.New(bank, kit.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	status, _, err := tpp.ConsentStatus(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.ConsentStatus)
	// Output: valid
}

// The parts of a kit can be used apart: here the requests are signed with
// x-jws-signature, as some banks want it.
func ExampleWithJWSSigner() {
	bank, folder, done := exampleSecureBank(`{"consentStatus":"valid"}`)
	defer done()
	kit, err := client.LoadKit(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	tpp, err := client.New(bank, client.WithCertificate(kit.QWAC, kit.Roots), client.WithJWSSigner(kit.JWSSigner(time.Now)))
	if err != nil {
		fmt.Println(err)
		return
	}
	status, _, err := tpp.ConsentStatus(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.ConsentStatus)
	// Output: valid
}

func ExampleWithSigner() {
	bank, folder, done := exampleSecureBank(`{"consentStatus":"valid"}`)
	defer done()
	kit, err := client.LoadKit(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := kit.Signer()
	signer.Profile.Required = []string{"digest", "x-request-id", "date"} // as this bank wants it
	tpp, err := client.New(bank,
		client.WithCertificate(kit.QWAC, kit.Roots),
		client.WithSigner(signer),
		client.WithHeader("Date", time.Now().UTC().Format(http.TimeFormat)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	status, _, err := tpp.ConsentStatus(context.Background(), "0198f2c4")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.ConsentStatus)
	// Output: valid
}

// exampleSecureBank gives one answer to whoever shows a certificate and signs. Its
// folder is that of such a TPP.
func exampleSecureBank(body string) (url, folder string, done func()) {
	w, err := theWorld()
	if err != nil {
		panic(err)
	}
	if folder, err = os.MkdirTemp("", "kit"); err != nil {
		panic(err)
	}
	if err := w.write(folder); err != nil {
		panic(err)
	}
	server, err := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 || r.Header.Get("Signature")+r.Header.Get("x-jws-signature") == "" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(body))
	}))
	if err != nil {
		panic(err)
	}
	return server.URL, folder, func() {
		server.Close()
		_ = os.RemoveAll(folder)
	}
}
