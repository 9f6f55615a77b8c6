package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"consentd/openapi"
)

// Validator checks exchanges against one description. It may be used by many
// tests and goroutines at once.
type Validator struct {
	// BasePath is cut off a path before it is looked up. The bank's systems, for
	// instance, may live under /consentd/v3.
	BasePath string
	// LaxRequests leaves requests unchecked, for a server that is configured to
	// take more than the description promises (lenientDates).
	LaxRequests bool

	// also, if it is there, checks each exchange once more, and tells what differs.
	also func(req *http.Request, reqBody []byte, res *http.Response, resBody []byte) []error

	doc     *openapi3.T
	routes  []route
	options *openapi3filter.Options
}

// Load reads the description of that name, "xs2a" for instance, and fails the test
// when there is none or it isn't a valid OpenAPI document.
func Load(t testing.TB, name string) *Validator {
	t.Helper()
	data, err := openapi.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := newValidator(t.Context(), data)
	if err != nil {
		t.Fatalf("description %s: %v", name, err)
	}
	return v
}

func newValidator(ctx context.Context, data []byte) (*Validator, error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	// The examples are held against their schemas by this package's own tests;
	// here that would cost most of the time.
	if err := doc.Validate(ctx, openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder) // pages are described as text
	return &Validator{doc: doc, routes: routesOf(doc), options: &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		IncludeResponseStatus: true,
		MultiError:            true,
		// A default that the client left out must not be written into its body.
		SkipSettingDefaults:     true,
		SchemaValidationOptions: formats(),
	}}, nil
}

// Owns says whether a path belongs to this description, declared or not.
func (v *Validator) Owns(path string) bool {
	segments, ok := v.split(path)
	if !ok {
		return false
	}
	for _, r := range v.routes {
		if r.segments[0] == segments[0] {
			return true
		}
	}
	return false
}

// describes says whether a path is declared, for whichever method.
func (v *Validator) describes(path string) bool {
	segments, ok := v.split(path)
	return ok && slices.ContainsFunc(v.routes, func(r route) bool {
		_, fits := r.match(segments)
		return fits
	})
}

// Exchange checks one request and its answer, whose bodies were read by the
// caller. What differs from the description is reported by t.Errorf.
func (v *Validator) Exchange(t testing.TB, req *http.Request, reqBody []byte, res *http.Response, resBody []byte) {
	t.Helper()
	for _, err := range v.check(req, reqBody, res, resBody) {
		t.Errorf("%s %s answered %d: %v", req.Method, req.URL.Path, res.StatusCode, err)
	}
	if v.also == nil {
		return
	}
	for _, err := range v.also(req, reqBody, res, resBody) {
		t.Errorf("%s %s answered %d: %v", req.Method, req.URL.Path, res.StatusCode, err)
	}
}

func (v *Validator) check(req *http.Request, reqBody []byte, res *http.Response, resBody []byte) []error {
	r, params, err := v.find(req.Method, req.URL.EscapedPath())
	if err != nil && res.StatusCode < http.StatusBadRequest {
		return []error{err}
	}
	in := &openapi3filter.RequestValidationInput{
		Request:    withBody(req, reqBody),
		PathParams: params,
		Route:      r.as(v.doc),
		Options:    v.options,
	}
	var found []error
	if res.StatusCode < http.StatusMultipleChoices && !v.LaxRequests {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			found = append(found, fmt.Errorf("the request was accepted, though: %w", err))
		}
	}
	return append(found, v.checkResponse(req.Context(), in, res, resBody)...)
}

func (v *Validator) checkResponse(
	ctx context.Context, in *openapi3filter.RequestValidationInput, res *http.Response, body []byte,
) []error {
	var found []error
	if err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in,
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                v.options,
	}); err != nil {
		found = append(found, err)
	}
	declared := in.Route.Operation.Responses.Status(res.StatusCode)
	if declared != nil && len(declared.Value.Content) == 0 && len(body) > 0 {
		found = append(found, fmt.Errorf("no body is described, %d bytes came", len(body)))
	}
	if err := checkEcho(in.Request.Header, res.Header); err != nil {
		found = append(found, err)
	}
	return found
}

const requestID = "X-Request-ID"

// A request id of the form that XS2A allows: a UUID, or its digits.
var wellFormedID = regexp.MustCompile(`^(?i)([0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})$`)

// checkEcho holds the one rule that a schema can't say: the request id comes
// back as it was sent (Berlin Group 1.3.x, response headers).
func checkEcho(sent, answered http.Header) error {
	want, got := sent.Get(requestID), answered.Get(requestID)
	if got == "" || !wellFormedID.MatchString(want) || got == want {
		return nil
	}
	return errors.New("x-request-id " + strconv.Quote(got) + " came back for " + strconv.Quote(want))
}

// withBody is a copy of req that may be read, so that the caller's stays as it was.
func withBody(req *http.Request, body []byte) *http.Request {
	c := req.Clone(req.Context())
	c.Body = io.NopCloser(bytes.NewReader(body))
	c.ContentLength = int64(len(body))
	return c
}
