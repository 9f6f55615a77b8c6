package aspsp

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/openapi"
)

// Every domain code has an answer, and no answer is for a code that is gone.
func TestTableIsTotal(t *testing.T) {
	t.Parallel()
	codes := consent.Codes()
	for _, code := range codes {
		require.Contains(t, statuses, code)
		p := problemOf(consent.At(code, "place", "text"))
		assert.Equal(t, code, p.Code)
		assert.Equal(t, statuses[code], p.Status)
		assert.NotEmpty(t, p.Title, code)
		assert.GreaterOrEqual(t, p.Status, http.StatusBadRequest, code)
		if p.Status >= http.StatusInternalServerError {
			assert.Empty(t, p.Detail, code)
			assert.Empty(t, p.Errors, code)
			continue
		}
		assert.Equal(t, "place text", p.Detail, code)
		assert.Equal(t, []problemError{{Path: "place", Text: "text"}}, p.Errors, code)
	}
	for code := range statuses {
		assert.Contains(t, codes, code)
	}
	made := problemOf(&consent.Error{Code: "made up", Text: "secret"})
	assert.Equal(t, problem{Type: "about:blank", Title: "Internal Server Error", Status: 500, Code: consent.CodeInternal}, made)
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	many := make(consent.Faults, edge.MaxFaults+1)
	for i := range many {
		many[i] = fault("reason", "x")
	}
	assert.Len(t, problemOf(many).Errors, edge.MaxFaults)
}

// nothing is a register that holds nothing, and a ledger that counts.
type nothing struct{ refused []ledger.Refusal }

func (*nothing) List(context.Context, register.Filter) ([]register.TPP, error) { return nil, nil }
func (*nothing) Get(_ context.Context, id string) (*register.TPP, error) {
	return &register.TPP{ID: id}, nil
}

func (*nothing) Block(_ context.Context, _ consent.Cause, id string, b register.Block) (*register.TPP, int, error) {
	return &register.TPP{ID: id, Block: &b}, 0, nil
}

func (*nothing) Unblock(_ context.Context, _ consent.Cause, id string) (*register.TPP, error) {
	return &register.TPP{ID: id}, nil
}

func (*nothing) SetClient(_ context.Context, _ consent.Cause, id string, _ register.Client) (*register.TPP, error) {
	return &register.TPP{ID: id}, nil
}

// everyones is a store of consents in which every id is one's.
type everyones struct{}

func (everyones) List(context.Context, consents.Filter) ([]consents.Seen, error) { return nil, nil }

func (everyones) Get(_ context.Context, id uuid.UUID) (*consents.Seen, error) {
	return &consents.Seen{Consent: &consent.Consent{ID: id}}, nil
}

func (e everyones) Revoke(ctx context.Context, _ consent.Cause, id uuid.UUID, _ string) (*consents.Seen, error) {
	return e.Get(ctx, id)
}

// elsewhere goes on with any authorisation on any page.
type elsewhere struct{}

func (elsewhere) found() (*sca.HandOff, error) { return &sca.HandOff{Consent: &consent.Consent{}}, nil }

func (e elsewhere) LookUp(context.Context, consent.Cause, string) (*sca.HandOff, error) {
	return e.found()
}

func (e elsewhere) Look(context.Context, uuid.UUID) (*sca.HandOff, error) { return e.found() }

func (e elsewhere) SetPSU(context.Context, sca.Acting, string, string) (*sca.HandOff, error) {
	return e.found()
}

func (e elsewhere) SetStatus(context.Context, sca.Acting, consent.ScaStatus, string) (*sca.HandOff, error) {
	return e.found()
}

func (e elsewhere) FaultsOf(context.Context, uuid.UUID, sca.Choice) (consent.Faults, error) {
	return nil, nil
}

func (e elsewhere) SetAccounts(context.Context, sca.Acting, sca.Choice) (*sca.HandOff, error) {
	return e.found()
}

func (e elsewhere) SetResult(context.Context, sca.Acting, sca.HandOffResult) (*sca.HandOff, error) {
	return e.found()
}

func (elsewhere) Callback(context.Context, string, map[string]string) error { return nil }

func (n *nothing) Refused(_ context.Context, r ledger.Refusal, _ *consent.Receipt) error {
	n.refused = append(n.refused, r)
	return nil
}

// allowed says who may call what, once more: an operation that is missing here,
// or lets somebody else in, fails the test below.
var allowed = map[string][]service.Role{
	"GET /aspsp/v1/tpps":                  {service.BackOffice},
	"GET /aspsp/v1/tpps/:tppId":           {service.BackOffice},
	"PUT /aspsp/v1/tpps/:tppId/block":     {service.BackOffice},
	"DELETE /aspsp/v1/tpps/:tppId/block":  {service.BackOffice},
	"PUT /aspsp/v1/tpps/:tppId/client":    {service.BackOffice},
	"POST /aspsp/v1/sca-callbacks/:token": {service.SCA, service.App},

	"POST /aspsp/v1/authorisations/lookups":                  {service.SCA},
	"GET /aspsp/v1/authorisations/:authorisationId":          {service.SCA},
	"PUT /aspsp/v1/authorisations/:authorisationId/psu":      {service.SCA},
	"PUT /aspsp/v1/authorisations/:authorisationId/status":   {service.SCA},
	"PUT /aspsp/v1/authorisations/:authorisationId/accounts": {service.SCA},
	"PUT /aspsp/v1/authorisations/:authorisationId/result":   {service.SCA},

	"POST /aspsp/v1/access-checks":       {service.ResourceServer},
	"POST /aspsp/v1/access-checks/batch": {service.ResourceServer},

	"GET /aspsp/v1/consents":                       {service.SCA},
	"GET /aspsp/v1/consents/:consentId":            {service.SCA},
	"PUT /aspsp/v1/consents/:consentId/revocation": {service.SCA},
}

const aCheck = `{"consentId":"019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e","tpp":"A","operation":"accounts"}`

// anyone lets every read through.
type anyone struct{}

func (anyone) Decide(_ context.Context, q access.Question) (access.Decision, error) {
	return access.Decision{Question: q}, nil
}

func (anyone) Admit(*http.Request, func(consent.Operation) error) (*access.Decision, *edge.Refusal) {
	return &access.Decision{}, nil
}

func (anyone) RefusalOf(error, []string) *edge.Refusal { return &edge.Refusal{Status: 500} }

// sample is a path of an endpoint with something in the place of its parameters,
// and with the query that it needs; and a body that it takes.
func sample(ep *endpoint) (target, body string) {
	path := strings.ReplaceAll(ep.path, ":"+paramConsent, uuid.NewString())
	path = strings.ReplaceAll(path, ":"+paramAuthorisation, uuid.NewString())
	target = pathParam.ReplaceAllString(path, "A:B")
	switch ep.path {
	case pathConsents:
		return target + "?psu=lea", ""
	case pathAccessChecks:
		return target, aCheck
	case pathAccessBatch:
		return target, `{"checks":[` + aCheck + `]}`
	case pathRevocation:
		return target, `{"psu":"lea"}`
	case pathLookups:
		return target, `{"handle":"x"}`
	case pathAuthorisation + "/psu":
		return target, `{"psu":"lea"}`
	case pathAuthorisation + "/status":
		return target, `{"scaStatus":"started"}`
	case pathAuthorisation + "/accounts", pathClient:
		return target, `{}`
	case pathAuthorisation + "/result":
		return target, `{"result":"failed"}`
	default:
		return target, `{"reason":"r"}`
	}
}

// pathParam is a parameter in the path of an endpoint.
var pathParam = regexp.MustCompile(`:([A-Za-z]+)`)

// Every operation, as every role and as nobody: let in, 403 or 401, and every
// refusal in the audit.
func TestEveryRouteByEveryRole(t *testing.T) {
	t.Parallel()
	callers := bankauth.Fixed{}
	for _, role := range service.Roles() {
		callers[string(role)] = bankauth.Caller{ID: "token/" + string(role), Name: string(role), Role: role}
	}
	described, err := openapi.Read("aspsp")
	require.NoError(t, err)
	assert.Len(t, endpoints(), len(allowed))
	for _, ep := range endpoints() {
		roles := allowed[ep.method+" "+ep.path]
		assert.NotEmpty(t, roles, "%s %s: who may call it?", ep.method, ep.path)
		assert.Contains(t, string(described), "\n  "+pathParam.ReplaceAllString(ep.path, "{$1}")+":\n")
		for _, who := range append([]string{"", "nobody"}, roleNames()...) {
			n := &nothing{}
			now := func() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }
			log := slog.New(slog.DiscardHandler)
			e := echo.New()
			(&Handler{
				Register: n, Consents: everyones{}, Authorisations: elsewhere{}, Callbacks: elsewhere{}, Access: anyone{}, Dialect: anyone{}, Ledger: n, Now: now, Log: log, Gate: &bankauth.Gate{Callers: callers, Ledger: n, Log: log},
			}).Mount(e)
			target, body := sample(&ep)
			r := httptest.NewRequestWithContext(t.Context(), ep.method, target, strings.NewReader(body))
			r.Header.Set("Content-Type", mediaJSON)
			if who != "" {
				r.Header.Set("Authorization", "Bearer "+who)
			}
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, r)
			where := ep.method + " " + ep.path + " as " + who
			switch {
			case callers[who].Role == "":
				assert.Equal(t, http.StatusUnauthorized, rec.Code, where)
				require.Len(t, n.refused, 1, where)
				assert.Equal(t, consent.CodeUnauthenticated, n.refused[0].Code, where)
			case slices.Contains(roles, callers[who].Role):
				assert.Contains(t, []int{http.StatusOK, http.StatusNoContent}, rec.Code, "%s: %s", where, rec.Body)
				assert.Empty(t, n.refused, where)
			default:
				assert.Equal(t, http.StatusForbidden, rec.Code, where)
				require.Len(t, n.refused, 1, where)
				assert.Equal(t, ledger.Refusal{
					Cause: consent.Cause{By: consent.ByASPSP, Who: "token/" + who, RequestID: rec.Header().Get(edge.HeaderRequestID)},
					Code:  consent.CodeRole, Operation: ep.method + " " + ep.path,
				}, n.refused[0], where)
			}
		}
	}
}

func roleNames() []string {
	var names []string
	for _, role := range service.Roles() {
		names = append(names, string(role))
	}
	return names
}

// Whatever is sent, an object that is taken is one that encoding/json takes too,
// with no other members than those that may be there.
func FuzzBlock(f *testing.F) {
	for _, seed := range []string{
		`{"reason":"r"}`, `{"reason":"r","until":"2026-04-01T00:00:00+02:00","endConsents":true}`, `{"reason":"r"}x`, `{`, `{"a":1`, `[]`, `{"reason":{"a":[1]}}`, "",
	} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		b, faults := readBlock(body, now)
		if len(faults) > 0 {
			return
		}
		if strings.TrimSpace(b.Reason) == "" || len([]rune(b.Reason)) > register.MaxReason || !b.Until.IsZero() && !b.Until.After(now) {
			t.Fatalf("%q was taken as %+v", body, b)
		}
		if p := problemOf(faults.Err()); p.Code != consent.CodeInternal {
			t.Fatal(p)
		}
		_ = tppOf(&register.TPP{Block: &b})
	})
}
