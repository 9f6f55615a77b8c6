package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/edge"
)

const callID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"

// What is no request id names nothing: it would stay in the audit for ever.
func TestRequestID(t *testing.T) {
	t.Parallel()
	answered := func(sent ...string) (kept, answer string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header[edge.KeyRequestID] = sent
		c := echo.New().NewContext(r, httptest.NewRecorder())
		edge.StampID(c)
		return edge.SentRequestID(r), edge.RequestID(c)
	}
	for _, header := range []string{
		"", "\xff", "a\x00b", strings.Repeat("x", 65), "r1", "DE89370400440532013000", strings.Repeat("x", 36), strings.Repeat("x", 32),
		"{" + callID + "}", "urn:uuid:" + callID, callID + " ", strings.Replace(callID, "-", "0", 1), callID[:35] + "g",
	} {
		kept, answer := answered(header)
		require.Empty(t, kept, header)
		require.True(t, edge.IsRequestID(answer), "a fresh one instead of %q", header)
	}
	for _, header := range []string{callID, strings.ToUpper(callID), strings.ReplaceAll(callID, "-", ""), uuid.Nil.String()} {
		kept, answer := answered(header)
		require.Equal(t, header, kept)
		require.Equal(t, header, answer)
	}
	kept, answer := answered(callID, callID)
	require.Empty(t, kept, "two are none")
	require.NotEqual(t, callID, answer)
	kept, _ = answered()
	require.Empty(t, kept)
}
