package xs2a

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLanguageOfPSUMessage: the PSU's own, else that of the call, else English.
func TestLanguageOfPSUMessage(t *testing.T) {
	t.Parallel()
	require.Len(t, inYourApp, len(psuLanguages))
	for name, x := range map[string]struct {
		psu, call string
		want      int
	}{
		"nobody says":            {"", "", 0},
		"French of Switzerland":  {"fr-CH", "de", 1},
		"the call's":             {"", "de-AT", 2},
		"Spanish of Mexico":      {"es-MX", "", 3},
		"the second of a list":   {"ja, it;q=0.5", "", 4},
		"Arabic of the Emirates": {"ar-AE", "en", 5},
		"one that we lack":       {"ja", "fr", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &call{req: &http.Request{Header: http.Header{}}}
			if x.psu != "" {
				k.req.Header.Set("PSU-Accept-Language", x.psu)
			}
			if x.call != "" {
				k.req.Header.Set("Accept-Language", x.call)
			}
			require.Equal(t, inYourApp[x.want], textFor(k))
		})
	}
}
