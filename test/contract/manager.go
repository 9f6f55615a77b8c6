package contract

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"consentd/pkg/manager"
)

// The description of the Consent Manager API 2.1.9 as Nebras Open Finance has published
// it (MIT), but for seven constraints that contradict others: no message can meet them.
//
//go:embed testdata/consent-manager/consent-manager-v2.1.9.relaxed.yaml
var official embed.FS

const officialFile = "testdata/consent-manager/consent-manager-v2.1.9.relaxed.yaml"

// readOfficial reads it once: that takes longer than most tests.
var readOfficial = sync.OnceValues(func() (*openapi3.T, error) {
	data, err := official.ReadFile(officialFile)
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(data)
})

// Manager reads our description of the Consent Manager API, and holds each exchange
// against the official one as well: what that one declares must be as it says, whatever
// ours says, and every refusal must have its form. Members beyond the official ones are
// ours to describe; it lets them pass.
func Manager(t testing.TB) *Validator {
	t.Helper()
	v := Load(t, "manager")
	o, err := newOfficial()
	if err != nil {
		t.Fatalf("official description: %v", err)
	}
	v.also = o.check
	return v
}

// Document holds a JSON document against a schema of the official description, such as
// consent. It is for tests that have no exchange.
func Document(schema string, document []byte) error {
	doc, err := readOfficial()
	if err != nil {
		return err
	}
	ref := doc.Components.Schemas[schema]
	if ref == nil {
		return fmt.Errorf("the official description has no schema %q", schema)
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	return ref.Value.VisitJSON(v, openapi3.MultiErrors())
}

// officialValidator checks exchanges against the official description.
type officialValidator struct{ inner *Validator }

func newOfficial() (*officialValidator, error) {
	doc, err := readOfficial()
	if err != nil {
		return nil, err
	}
	return &officialValidator{&Validator{
		BasePath: manager.BasePath, LaxRequests: true, doc: doc, routes: routesOf(doc),
		options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
			SkipSettingDefaults: true, SchemaValidationOptions: formats(),
		},
	}}, nil
}

func (o *officialValidator) check(req *http.Request, reqBody []byte, res *http.Response, resBody []byte) []error {
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		return refusal(res, resBody)
	case res.StatusCode == http.StatusAccepted, !o.declares(req):
		return nil // ours: an act that another person has to confirm, or a call of our own
	}
	found := o.inner.check(req, reqBody, res, resBody)
	for i, err := range found {
		found[i] = fmt.Errorf("officially: %w", err)
	}
	return found
}

func (o *officialValidator) declares(req *http.Request) bool {
	_, _, err := o.inner.find(req.Method, req.URL.EscapedPath())
	return err == nil
}

// refusal holds an error against the one form that there is, whatever its status.
func refusal(res *http.Response, body []byte) []error {
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return []error{errors.New("officially: an error is JSON, and not " + kind)}
	}
	if err := Document("error400Response", body); err != nil {
		return []error{fmt.Errorf("officially: %w", err)}
	}
	return nil
}
