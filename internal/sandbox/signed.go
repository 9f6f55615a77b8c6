package sandbox

import (
	"context"
	"fmt"
	"net/http"

	"consentd/pkg/client"
)

// header is one header of a request.
type header struct{ Name, Value string }

// signatureHeaders are those that a signature adds.
var signatureHeaders = []string{"Digest", "Signature", "TPP-Signature-Certificate"}

// draft is a request for a shell to send.
type draft struct {
	tpp            string // who sends it
	method, target string
	headers        []header
	body           []byte
}

// signed are the headers of a draft and, where the sandbox is strict, those of its
// signature by the TPP's own seal.
func (s *Sandbox) signed(ctx context.Context, d draft) ([]header, error) {
	if !s.Strict {
		return d.headers, nil
	}
	r, err := http.NewRequestWithContext(ctx, d.method, d.target, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("request to sign: %w", err)
	}
	for _, h := range d.headers {
		r.Header.Set(h.Name, h.Value)
	}
	kit, err := s.TPPs.Kit(ctx, d.tpp)
	if err != nil {
		return nil, err
	}
	signer, err := kit.signer()
	if err != nil {
		return nil, err
	}
	if _, err := signer.Sign(r, d.body); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	headers := d.headers
	for _, name := range signatureHeaders {
		headers = append(headers, header{name, r.Header.Get(name)})
	}
	return headers, nil
}

// tpp is a client of this server as one of its TPPs, which signs where the
// sandbox is strict.
func (s *Sandbox) tpp(ctx context.Context, base, name string) (*client.Client, error) {
	options := []client.Option{client.WithHTTPClient(s.HTTP), client.WithSandboxTPP(name)}
	if s.Strict {
		kit, err := s.TPPs.Kit(ctx, name)
		if err != nil {
			return nil, err
		}
		signer, err := kit.signer()
		if err != nil {
			return nil, err
		}
		options = append(options, client.WithSigner(signer))
	}
	c, err := client.New(base+s.BasePath, options...)
	if err != nil {
		return nil, fmt.Errorf("the TPP %s: %w", name, err)
	}
	return c, nil
}
