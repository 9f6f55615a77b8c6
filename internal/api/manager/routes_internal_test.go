package manager

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/openapi"
	wire "consentd/pkg/manager"
)

// Every domain code has an answer, and no answer is for a code that is gone.
func TestTableIsTotal(t *testing.T) {
	t.Parallel()
	codes := consent.Codes()
	for _, code := range codes {
		require.Contains(t, answers, code)
		a, body := answerTo(consent.At(code, "place", "text"))
		assert.NotEmpty(t, body.Code, code)
		assert.NotEmpty(t, body.Message, code)
		if a.status < http.StatusInternalServerError {
			assert.Equal(t, "place text", body.Message, code)
			continue
		}
		assert.NotContains(t, body.Message, "text", code)
	}
	for code := range answers {
		assert.Contains(t, codes, code)
	}
	a, body := answerTo(&consent.Error{Code: "made up", Text: "secret"})
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.NotContains(t, body.Message, "secret")
	many := make(consent.Faults, edge.MaxFaults+1)
	for i := range many {
		many[i] = fault("reason", "x")
	}
	_, body = answerTo(many)
	assert.Equal(t, edge.MaxFaults, strings.Count(body.Message, "reason"))
}

// The place of a fault says more than its code.
func TestCodesByPlace(t *testing.T) {
	t.Parallel()
	for want, errs := range map[string][]error{
		"Body.InvalidFormat":             {wrong("status", "x"), consent.At(consent.CodeFormat, "consent.ExpirationDateTime", "x")},
		"Resource.InvalidFormat":         {wrong("Query.page", "x"), wrong("Path", "x"), wrong("Header.X-Request-ID", "x"), wrong("Query", "x")},
		"Consent.Invalid":                {consent.At(consent.CodeServiceInvalid, "consent.BaseConsentId", "x"), consent.E(consent.CodeNotFound, "x")},
		"Consent.BusinessRuleViolation":  {consent.At(consent.CodeServiceInvalid, "accountIds", "x"), consent.E(consent.CodeStatusInvalid, "x")},
		"Consent.FailsControlParameters": {consent.At(consent.CodeServiceInvalid, "requestBody.Data", "x"), consent.E(consent.CodeTooOften, "x"), consent.E(consent.CodeNotUsable, "x")},
		"Consent.InvalidUserIdentifier":  {consent.E(consent.CodeForbidden, "x")},
	} {
		for _, err := range errs {
			a, body := answerTo(err)
			assert.Equal(t, want, body.Code, err)
			assert.Equal(t, http.StatusBadRequest, a.status)
		}
	}
	a, _ := answerTo(otherUserError{})
	assert.Equal(t, http.StatusForbidden, a.status)
}

// matrix says who may call what, once more: an operation that is missing here, or lets
// somebody else in, fails the test below.
var matrix = map[string]string{
	"POST /consents":                                  "hub",
	"GET /consents":                                   "hub dashboard back-office",
	"POST /consents/action/revoke":                    "back-office",
	"POST /consents/action/suspend":                   "back-office",
	"POST /consents/action/resume":                    "back-office",
	"GET /consents/:id":                               "hub dashboard back-office",
	"PATCH /consents/:id":                             "hub back-office",
	"GET /consents/:id/audit":                         "hub dashboard back-office",
	"POST /consents/:id/action/revoke":                "hub dashboard back-office",
	"GET /consent-groups/:id/consents":                "hub dashboard back-office",
	"POST /consent-groups/:id/consents/action/revoke": "hub dashboard back-office",
	"GET /psu/:id/consents":                           "hub dashboard back-office",
	"GET /accounts/:id/consents":                      "hub dashboard back-office",
	"GET /payment-log":                                "hub dashboard back-office",
	"POST /payment-log":                               "hub",
	"PATCH /payment-log/:id":                          "hub",
	"GET /users":                                      "hub back-office",
	"GET /approvals":                                  "back-office",
	"POST /approvals/:id/action/:action":              "back-office",
}

func TestRoles(t *testing.T) {
	t.Parallel()
	require.Len(t, endpoints(), len(matrix))
	for _, ep := range endpoints() {
		may, known := matrix[ep.method+" "+ep.path]
		require.True(t, known, ep.path)
		for _, role := range append(service.Roles(), "") {
			status := statusFor(t, ep, role)
			where := ep.method + " " + ep.path + " by " + string(role)
			switch {
			case role == "":
				assert.Equal(t, http.StatusUnauthorized, status, where)
			case slices.Contains(strings.Fields(may), string(role)):
				assert.Equal(t, http.StatusTeapot, status, where)
			default:
				assert.Equal(t, http.StatusForbidden, status, where)
			}
		}
	}
}

// statusFor calls an endpoint whose service is a teapot.
func statusFor(t *testing.T, ep endpoint, role service.Role) int {
	t.Helper()
	e := echo.New()
	h := &Handler{Gate: &bankauth.Gate{Callers: as(role), Ledger: unwritten{}}, Office: (*closed)(nil)}
	path := prefix + strings.NewReplacer(":id", "x", ":action", "confirm").Replace(ep.path)
	ep.body, ep.serve = false, func(*Handler, *call) (said, error) { return said{http.StatusTeapot, []byte("{}")}, nil }
	h.Users = someone{}
	e.Add(ep.method, prefix+ep.path, h.guarded(ep))
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(ep.method, path, http.NoBody))
	return rec.Code
}

type as service.Role

func (a as) Authenticate(*http.Request) (bankauth.Caller, error) {
	if a == "" {
		return bankauth.Caller{}, consent.E(consent.CodeUnauthenticated, "nobody")
	}
	return bankauth.Caller{ID: "token/1", Role: service.Role(a)}, nil
}

// closed is an office in which nothing is done.
type closed struct{ Office }

func (*closed) FourEyesOn() bool { return true }

type someone struct{}

func (someone) User(*http.Request) (string, error) {
	return "019a9c34-0000-7b52-8f3c-2d5b6a7c8d01", nil
}

// What is served is described, and what is described is served, query and all.
func TestDescription(t *testing.T) {
	t.Parallel()
	data, err := openapi.Read("manager")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	described := map[string][]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			var query []string
			for _, p := range op.Parameters {
				if p.Value.In == "query" {
					query = append(query, p.Value.Name)
				}
			}
			described[method+" "+parameter.ReplaceAllString(path, ":")] = query
		}
	}
	for _, ep := range endpoints() {
		name := ep.method + " " + parameter.ReplaceAllString(prefix+ep.path, ":")
		query, there := described[name]
		assert.True(t, there, name)
		assert.ElementsMatch(t, ep.query, query, name)
	}
	assert.Len(t, described, len(endpoints()))
}

// parameter is what stands for an id in a path, here and there.
var parameter = regexp.MustCompile(`(:[a-zA-Z]+|\{[a-zA-Z]+\})`)

// unwritten is a ledger that keeps nothing.
type unwritten struct{}

func (unwritten) Refused(context.Context, ledger.Refusal, *consent.Receipt) error { return nil }

// TestRefusalWith: what only a gateway answers has the form of all errors here.
func TestRefusalWith(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{http.StatusTooManyRequests: wire.CodeTooOften, http.StatusBadGateway: wire.CodeFailure} {
		refusal := (&Handler{}).RefusalWith(status, "injected")
		assert.Equal(t, []any{status, mediaJSON}, []any{refusal.Status, refusal.Header.Get("Content-Type")})
		assert.JSONEq(t, `{"errorCode":"`+code+`","errorMessage":"injected"}`, string(refusal.Body))
	}
}
