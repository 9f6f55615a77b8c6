package xs2a_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/service/sca"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	wire "consentd/pkg/xs2a"
)

// remembering is a world whose store keeps receipts.
func remembering(t *testing.T, changes ...change) *world {
	t.Helper()
	w := setup(t, changes...)
	w.store.receipts = map[consent.Digest]consent.Receipt{}
	return w
}

// TestRepeatedCall sends each call that changes something twice.
func TestRepeatedCall(t *testing.T) {
	t.Parallel()
	w := remembering(t)
	post := with{"X-Request-ID": uuid.NewString()}
	first := w.create(t, bankOffered, post)
	require.Equal(t, http.StatusCreated, first.status, first.body)
	again := w.create(t, bankOffered, post)
	require.Equal(t, first.body, again.body)
	require.Equal(t, first.header.Get("Location"), again.header.Get("Location"))
	require.Equal(t, "REDIRECT", again.header.Get("ASPSP-SCA-Approach"))
	require.Len(t, w.store.byID, 1)

	// Its digits are the same id.
	again = w.create(t, bankOffered, with{"X-Request-ID": strings.ReplaceAll(post["X-Request-ID"], "-", "")})
	require.Equal(t, first.body, again.body)

	for name, other := range map[string]func() answer{
		"another body": func() answer { return w.create(t, consentBody(`{"balances":[],"transactions":[]}`), post) },
		"another header": func() answer {
			return w.create(t, bankOffered, with{"X-Request-ID": post["X-Request-ID"], "PSU-ID": "eve"})
		},
	} {
		a := other()
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Equal(t, []string{"FORMAT_ERROR Header.X-Request-ID"}, a.messages(t), name)
	}
	other := w.create(t, bankOffered, with{"X-Request-ID": post["X-Request-ID"], "X-Sandbox-TPP": "acme"})
	require.Equal(t, http.StatusCreated, other.status, "another TPP's ids are its own")
	require.NotEqual(t, first.body, other.body)

	w.clock = w.clock.Add(24*time.Hour + time.Second)
	late := w.create(t, bankOffered, post)
	require.Equal(t, http.StatusCreated, late.status, "a day later it is forgotten: %s", late.body)
	require.NotEqual(t, first.body, late.body)
}

// TestRepeatedRefusal answers a refusal as before, whatever happened meanwhile,
// in the form that is preferred now; those that may turn out otherwise are judged
// anew.
func TestRepeatedRefusal(t *testing.T) {
	t.Parallel()
	w := remembering(t)
	id := w.created(t, `{"balances":[]}`)
	path := "/v1/consents/" + id + "/authorisations/" + uuid.NewString()
	put := with{"X-Request-ID": uuid.NewString()}
	body := `{"confirmationCode":"x"}`

	w.walks.err = consent.E(consent.CodeStatusInvalid, "not now")
	first := w.send(t, http.MethodPut, path, body, put)
	require.Equal(t, http.StatusConflict, first.status)
	w.walks.err = nil
	again := w.send(t, http.MethodPut, path, body, put)
	require.Equal(t, first.body, again.body)
	require.Len(t, w.walks.updates, 1, "and nothing was asked again")
	problem := w.send(t, http.MethodPut, path, body, with{"X-Request-ID": put["X-Request-ID"], "Accept": wire.MediaTypeProblem})
	require.Equal(t, http.StatusConflict, problem.status)
	require.Equal(t, wire.MediaTypeProblem, problem.header.Get("Content-Type"))

	put = with{"X-Request-ID": uuid.NewString()}
	w.walks.err = consent.E(consent.CodeCredentials, "wrong")
	require.Equal(t, http.StatusUnauthorized, w.send(t, http.MethodPut, path, body, put).status)
	w.walks.err = nil
	require.Equal(t, http.StatusOK, w.send(t, http.MethodPut, path, body, put).status)
}

// TestStartWithPassword carries on the authorisation that it started, however
// often and at whatever point it is repeated.
func TestStartWithPassword(t *testing.T) {
	t.Parallel()
	w := remembering(t, func(h *xs2a.Handler) { h.Options.Approaches = []consent.Approach{consent.Embedded} })
	id := w.created(t, `{"balances":[{"iban":"`+ibanLea+`"}]}`)
	start := with{"X-Request-ID": uuid.NewString(), "PSU-ID": "lea"}
	body := `{"psuData":{"password":"secret"}}`
	path := "/v1/consents/" + id + "/authorisations"
	count := func() int { return len(w.store.byID[uuid.MustParse(id)].Authorisations) }

	a := w.send(t, http.MethodPost, path, body, with{"X-Request-ID": uuid.NewString()})
	require.Equal(t, []string{"FORMAT_ERROR Header.PSU-ID"}, a.messages(t))
	require.Zero(t, count())

	w.walks.err = consent.E(consent.CodeUnavailable, "the bank is away")
	require.Equal(t, http.StatusServiceUnavailable, w.send(t, http.MethodPost, path, body, start).status)
	w.walks.err = consent.E(consent.CodeCredentials, "wrong")
	require.Equal(t, http.StatusUnauthorized, w.send(t, http.MethodPost, path, body, start).status)
	other := with{"X-Request-ID": uuid.NewString(), "PSU-ID": "lea"}
	require.Equal(t, http.StatusUnauthorized, w.send(t, http.MethodPost, path, body, other).status)
	require.Equal(t, 1, count(), "its tries are counted on")

	w.walks.err = nil
	w.walks.standing = sca.Standing{Status: consent.ScaFinalised, Approach: consent.Embedded}
	first := w.send(t, http.MethodPost, path, body, start)
	require.Equal(t, http.StatusCreated, first.status, first.body)
	require.Equal(t, first.body, w.send(t, http.MethodPost, path, body, start).body)
	require.Equal(t, 1, count())
	require.Len(t, w.walks.updates, 4)
}

// TestHangingUp writes a refusal down although nobody waits for it.
func TestHangingUp(t *testing.T) {
	t.Parallel()
	w := newWorld()
	e := echo.New()
	w.handler.Mount(e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/consents/"+uuid.NewString(), nil)
		req.Header.Set("X-Request-ID", uuid.NewString())
		e.ServeHTTP(httptest.NewRecorder(), req)
	}
	require.Len(t, w.store.refused, 3)
	require.Equal(t, "GET /v1/consents/:consentId", w.store.refused[0].Operation)
}

// TestFloodOfRefusals has a TPP that is shut out go on: the audit takes so much,
// counts the rest, and stays open to others; answers that are kept are kept.
func TestFloodOfRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.receipts = map[consent.Digest]consent.Receipt{}
	who := &caller{TPP: tpp.TPP{ID: "A", Roles: []eidas.Role{eidas.RoleAI}}, err: consent.E(consent.CodeCertificateBlocked, "blocked")}
	w.handler.Callers = who
	e := echo.New()
	w.handler.Mount(e)
	send := func(method string) int {
		req := httptest.NewRequestWithContext(t.Context(), method, "/v1/consents/"+uuid.NewString(), nil)
		req.Header.Set("X-Request-ID", uuid.NewString())
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		return rec.Code
	}
	for range 1000 {
		require.Equal(t, http.StatusUnauthorized, send(http.MethodGet))
	}
	require.Len(t, w.store.refused, 60)
	w.clock = w.clock.Add(time.Second)
	send(http.MethodGet)
	require.Equal(t, "certificate_blocked, and 940 left out before", w.store.refused[60].Reason)

	who.ID = "B"
	send(http.MethodGet)
	require.Len(t, w.store.refused, 62, "another TPP's refusal")
	require.Equal(t, "B", w.store.refused[61].Who)

	who.err = nil
	for range 100 {
		require.Equal(t, http.StatusForbidden, send(http.MethodDelete))
	}
	require.Len(t, w.store.refused, 162, "answers that are kept")
	require.Len(t, w.store.receipts, 100)
}
