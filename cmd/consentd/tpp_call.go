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

// tppCall is one request of a TPP, to be shown to who makes it.
type tppCall struct {
	dir     string
	body    string // as the flag has it
	headers []string
	jws     bool

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
			"added unless given.",
		Example: "  consentd tpp call POST https://localhost:8443/v1/consents --tpp acme --body @consent.json \\\n" +
			"    -H 'PSU-IP-Address: 192.0.2.7' -H 'TPP-Redirect-URI: https://localhost/back'",
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
	required(cmd, "tpp")
	return cmd
}

func (c *tppCall) run(cmd *cobra.Command, method, url string) (err error) {
	if c.kit, err = client.LoadKit(c.dir); err != nil {
		return err
	}
	body, err := c.read(cmd.InOrStdin())
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
	signed, err := c.sign(req, body)
	if err != nil {
		return err
	}
	sent, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return err
	}
	head, rest, _ := strings.Cut(string(sent), "\r\n\r\n")
	c.show("Request", lines(head)+"\n\n"+rest)
	c.show("Signed", signed)
	return c.send(req)
}

// read is the body that the flag names.
func (c *tppCall) read(in io.Reader) ([]byte, error) {
	if c.body == "-" {
		return io.ReadAll(in)
	}
	if path, ok := strings.CutPrefix(c.body, "@"); ok {
		return os.ReadFile(path) //nolint:gosec // the user names it
	}
	return []byte(c.body), nil
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
	signature, err := c.kit.Signer().Sign(req, body)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("keyId      %s\nalgorithm  %s\nheaders    %s\n\n%s",
		signature.KeyID, signature.Algorithm, strings.Join(signature.Headers, " "), visible(signature.String)), nil
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
