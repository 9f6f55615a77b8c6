package aspsp

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
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

func (n *nothing) Refused(_ context.Context, r ledger.Refusal, _ *consent.Receipt) error {
	n.refused = append(n.refused, r)
	return nil
}

// allowed says who may call what, once more: an operation that is missing here,
// or lets somebody else in, fails the test below.
var allowed = map[string][]service.Role{
	"GET /aspsp/v1/tpps":                 {service.BackOffice},
	"GET /aspsp/v1/tpps/:tppId":          {service.BackOffice},
	"PUT /aspsp/v1/tpps/:tppId/block":    {service.BackOffice},
	"DELETE /aspsp/v1/tpps/:tppId/block": {service.BackOffice},
}

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
		assert.Contains(t, string(described), "\n  "+strings.ReplaceAll(ep.path, paramTPP, "{tppId}")+":\n")
		for _, who := range append([]string{"", "nobody"}, roleNames()...) {
			n := &nothing{}
			now := func() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }
			log := slog.New(slog.DiscardHandler)
			e := echo.New()
			(&Handler{
				Register: n, Now: now, Log: log, Gate: &bankauth.Gate{Callers: callers, Ledger: n, Log: log},
			}).Mount(e)
			r := httptest.NewRequestWithContext(t.Context(), ep.method, strings.ReplaceAll(ep.path, paramTPP, "A:B"), strings.NewReader(`{"reason":"r"}`))
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
				assert.Equal(t, http.StatusOK, rec.Code, "%s: %s", where, rec.Body)
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
