package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/sandbox"
)

// TestClockGoesOn: a turned clock is not a stopped one.
func TestClockGoesOn(t *testing.T) {
	t.Parallel()
	real := start().In(time.FixedZone("elsewhere", 7200))
	clock := &sandbox.Clock{Real: func() time.Time { return real }}
	assert.Equal(t, time.Date(2026, 5, 4, 12, 0, 0, 123456000, time.UTC), clock.Now(), "UTC, whole microseconds")

	to := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, clock.Turn(to))
	real = real.Add(90 * time.Second)
	assert.Equal(t, to.Add(90*time.Second), clock.Now())
	require.NoError(t, clock.Advance(-time.Hour))
	assert.Equal(t, to.Add(90*time.Second-time.Hour), clock.Now())
	clock.Reset()
	assert.Equal(t, real.UTC().Truncate(time.Microsecond), clock.Now())
}

func TestClockCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct{ method, body, now, offset string }{
		{"GET", "", "2026-05-04T12:00:00.123456Z", "0s"},
		{"PUT", `{"advance":"24h"}`, "2026-05-05T12:00:00.123456Z", "24h0m0s"},
		{"PUT", `{"advance":"-1h30m"}`, "2026-05-05T10:30:00.123456Z", "22h30m0s"},
		{"PUT", `{"now":"2026-12-31T23:59:00+01:00"}`, "2026-12-31T22:59:00Z", "5794h58m59.877s"},
		{"GET", "", "2026-12-31T22:59:00Z", "5794h58m59.877s"},
		{"DELETE", "", "2026-05-04T12:00:00.123456Z", "0s"},
	} {
		got := b.call(t, c.method, "/sandbox/clock", c.body)
		require.Equal(t, http.StatusOK, got.status, got.body)
		assert.JSONEq(t, `{"now":"`+c.now+`","offset":"`+c.offset+`"}`, got.body, c.body)
	}
}

func TestClockRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, path := range map[string]string{
		`{}`:                             "now",
		`{"now":"tomorrow"}`:             "now",
		`{"now":"2026-12-31"}`:           "now",
		`{"now":12}`:                     "now",
		`{"advance":"1 day"}`:            "advance",
		`{"advance":24}`:                 "advance",
		`{"advance":"2000000h"}`:         "advance",
		`{"advance":"-900000h"}`:         "advance",
		`{"now":"1999-12-31T23:59:59Z"}`: "now",
		`{"now":"9999-12-31T23:59:59Z"}`: "now",
		`{"now":"2026-12-31T00:00:00Z","advance":"24h"}`: "advance",
		`{"then":"2026-12-31T00:00:00Z"}`:                "then",
		`[]`:                                             "",
		`{"advance":"1h"} {}`:                            "",
		``:                                               "",
	} {
		got := b.call(t, http.MethodPut, "/sandbox/clock", body)
		assert.Equal(t, http.StatusBadRequest, got.status, body)
		var fault struct{ Error, Path string }
		got.json(t, &fault)
		assert.Equal(t, path, fault.Path, body)
		assert.NotEmpty(t, fault.Error)
	}
	assert.Equal(t, start().Truncate(time.Microsecond), b.clock.Now(), "nothing was turned")
}
