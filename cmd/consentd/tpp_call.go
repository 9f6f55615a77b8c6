package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/httpsig"
)

// What --profile may be: which dialect's signature is made.
const (
	profileXS2A = "xs2a"
	profileSTET = "stet"
)

// hidden stands for credentials in what is shown.
const hidden = "[hidden]"

const headerAuthorization = "Authorization"

// tppCall is one request of a TPP, to be shown to who makes it.
type tppCall struct {
	dir     string
	body    string // as the flag has it
	headers []string
	jws     bool
	profile string
	token   string // as the flag has it

	kit *client.Kit
	out io.Writer
}

func tppCallCommand() *cobra.Command {
	var call tppCall
	cmd := &cobra.Command{
		Use:   "call METHOD URL",
		Short: "Sign a request, send it with a client certificate, and show every part of it",
		Long: "Sign a request, send it with a client certificate, and show it as it was sent, the string that was signed, and\n" +
			"the answer, to compare with a program of one's own. An X-Request-ID, Accept and, with a body, Content-Type are\n" +
			"added unless given.\n\n" +
			"With --profile stet it is signed as STET asks: (request-target), digest, x-request-id, and whatever is sent of\n" +
			"content-type, date and the PSU- headers. The certificate is not sent then: keyId names it, by an URL below the\n" +
			"first domain of the QWAC that ends in the fingerprint of the QSEAL.\n\n" +
			"The value of Authorization is sent, and not shown.",
		Example: "  consentd tpp call POST https://localhost:8443/v1/consents --tpp acme --body @consent.json \\\n" +
			"    -H 'PSU-IP-Address: 192.0.2.7' -H 'TPP-Redirect-URI: https://localhost/back'\n" +
			"  consentd tpp call GET https://localhost:8443/stet/psd2/v1.4.2/accounts --tpp acme --profile stet --token @token",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			call.out = cmd.OutOrStdout()
			return call.run(cmd, strings.ToUpper(args[0]), args[1])
		},
	}
	cmd.Flags().StringVar(&call.dir, "tpp", "", "folder with the certificates and keys, as `consentd tpp new` writes it")
	cmd.Flags().StringVar(&call.body, "body", "", "body: text, @FILE, or - for standard input")
	cmd.Flags().StringArrayVarP(&call.headers, "header", "H", nil, "header to send, 'Name: value'; may be given more than once")
	cmd.Flags().BoolVar(&call.jws, "jws", false, "sign with x-jws-signature instead of Signature")
	cmd.Flags().StringVar(&call.profile, "profile", profileXS2A, "whose signature: "+profileXS2A+" or "+profileSTET)
	cmd.Flags().StringVar(&call.token, "token", "", "access token, sent as bearer: text, @FILE, or - for standard input")
	required(cmd, "tpp")
	return cmd
}

// check judges the flags together.
func (c *tppCall) check() error {
	switch {
	case c.profile != profileXS2A && c.profile != profileSTET:
		return fmt.Errorf("--profile %q: must be %s or %s", c.profile, profileXS2A, profileSTET)
	case c.jws && c.profile == profileSTET:
		return errors.New("--jws: STET has no x-jws-signature")
	case c.body == "-" && c.token == "-":
		return errors.New("--token: --body reads standard input already")
	}
	return nil
}

func (c *tppCall) run(cmd *cobra.Command, method, url string) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	if c.kit, err = client.LoadKit(c.dir); err != nil {
		return err
	}
	body, err := read(c.body, cmd.InOrStdin())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := c.fill(req, len(body) > 0); err != nil {
		return err
	}
	if err := c.authorise(req, cmd.InOrStdin()); err != nil {
		return err
	}
	signed, err := c.sign(req, body)
	if err != nil {
		return err
	}
	shown, err := dump(req)
	if err != nil {
		return err
	}
	c.show("Request", shown)
	c.show("Signed", signed)
	return c.send(req)
}

// dump is a request as it is sent, but for the credentials.
func dump(req *http.Request) (string, error) {
	if sent := req.Header[headerAuthorization]; len(sent) > 0 {
		scheme, _, two := strings.Cut(sent[0], " ")
		if !two {
			scheme = "" // what is there is no scheme
		}
		req.Header[headerAuthorization] = []string{strings.TrimSpace(scheme + " " + hidden)}
		defer func() { req.Header[headerAuthorization] = sent }()
	}
	sent, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return "", err
	}
	head, body, _ := strings.Cut(string(sent), "\r\n\r\n")
	return lines(head) + "\n\n" + body, nil
}

// read is what a flag names: text, a file, or what comes in.
func read(flag string, in io.Reader) ([]byte, error) {
	if flag == "-" {
		return io.ReadAll(in)
	}
	if path, ok := strings.CutPrefix(flag, "@"); ok {
		return os.ReadFile(path) //nolint:gosec // the user names it
	}
	return []byte(flag), nil
}

// authorise sends the access token that the flag names.
func (c *tppCall) authorise(req *http.Request, in io.Reader) error {
	if c.token == "" {
		return nil
	}
	token, err := read(c.token, in)
	if err != nil {
		return err
	}
	value := strings.TrimSpace(string(token))
	switch {
	case value == "":
		return errors.New("--token: there is none in it")
	case req.Header.Get(headerAuthorization) != "":
		return errors.New("--token: Authorization is among the headers already")
	}
	req.Header.Set(headerAuthorization, "Bearer "+value)
	return nil
}

// ours tells the headers that come of signing.
func ours(name string) bool {
	return slices.ContainsFunc([]string{httpsig.HeaderDigest, httpsig.HeaderSignature, httpsig.HeaderCertificate, httpsig.HeaderJWS}, func(h string) bool {
		return strings.EqualFold(name, h)
	})
}

// fill sets the headers: those that were given, and what goes without saying.
func (c *tppCall) fill(req *http.Request, body bool) error {
	for _, line := range c.headers {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || name == "":
			return fmt.Errorf("--header %q: must be 'Name: value'", line)
		case ours(name):
			return fmt.Errorf("--header %q: the signature sets it", name)
		case strings.EqualFold(name, "Host"):
			req.Host = value
		default:
			req.Header.Add(name, value)
		}
	}
	defaults := map[string]string{
		"X-Request-ID": client.NewRequestID(), "Accept": "application/json", "User-Agent": "consentd-tpp",
		"Accept-Encoding": "identity", // otherwise net/http adds one that it does not show
	}
	if body {
		defaults["Content-Type"] = "application/json"
	}
	for name, value := range defaults {
		if req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	return nil
}

// sign signs the request, and tells what was signed.
func (c *tppCall) sign(req *http.Request, body []byte) (string, error) {
	if c.jws {
		if err := c.kit.JWSSigner(app.Now).SignRequest(req, body); err != nil {
			return "", err
		}
		return signedJWS(req)
	}
	signature, err := c.signer().Sign(req, body)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("keyId      %s\nalgorithm  %s\nheaders    %s\n\n%s",
		signature.KeyID, signature.Algorithm, strings.Join(signature.Headers, " "), visible(signature.String)), nil
}

// signer signs by the profile that was chosen.
func (c *tppCall) signer() *httpsig.Signer {
	if c.profile == profileSTET {
		return httpsig.NewSTETSigner(c.kit.Seal, c.kit.SealKey, c.keyBase())
	}
	return c.kit.Signer()
}

// keyBase is the URL of the TPP's own with which the keyId of STET begins. Nobody
// opens it: what counts is the fingerprint behind it.
func (c *tppCall) keyBase() string {
	host := "tpp.example"
	if leaf := c.kit.QWAC.Leaf; leaf != nil && len(leaf.DNSNames) > 0 {
		host = strings.TrimPrefix(leaf.DNSNames[0], "*.")
	}
	return "https://" + host + "/qseal"
}

// signedJWS tells what an x-jws-signature signs: its first part, a dot, and the
// headers.
func signedJWS(req *http.Request) (string, error) {
	value := req.Header.Get(httpsig.HeaderJWS)
	first, _, _ := strings.Cut(value, ".")
	protected, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", err
	}
	jws, err := httpsig.ParseJWS(value)
	if err != nil {
		return "", err
	}
	text, err := httpsig.Of(req).Text(jws.Pars)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("protected  %s\n\n%s.%s", protected, first, visible(text)), nil
}

// visible shows where the lines of a text end: with one line feed each, and none
// after the last.
func visible(text string) string { return strings.ReplaceAll(text, "\n", "\\n\n") }

// send sends the request and shows the answer. Fails for one of 400 and above.
func (c *tppCall) send(req *http.Request) error {
	res, err := c.http().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s\r\n", res.Proto, res.Status)
	if err := res.Header.Write(&head); err != nil {
		return err
	}
	c.show("Answer", lines(head.String())+"\n"+string(body))
	if res.StatusCode >= http.StatusBadRequest {
		return errors.New("the answer is " + res.Status)
	}
	return nil
}

// http connects with the kit's certificate. It speaks HTTP/1.1, which is what is
// shown, and follows no redirect.
func (c *tppCall) http() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, Protocols: protocols,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{c.kit.QWAC}, RootCAs: c.kit.Roots},
		},
	}
}

// lines are those of a head, as a terminal has them.
func lines(head string) string { return strings.ReplaceAll(head, "\r\n", "\n") }

// show prints a part under its title.
func (c *tppCall) show(title, text string) {
	fmt.Fprintf(c.out, "# %s\n\n%s\n\n", title, strings.TrimRight(text, "\n"))
}
