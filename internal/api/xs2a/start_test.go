package xs2a_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
)

// TestStartKeepsPreferences follows what was preferred when the consent was made,
// unless the start says anything else.
func TestStartKeepsPreferences(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) {
		h.Options.Approaches = []consent.Approach{consent.Redirect, consent.Decoupled, consent.Embedded}
		h.Options.Start = xs2a.StartExplicit
	})
	for creation, want := range map[[2]string]string{
		{"false", "false"}: "EMBEDDED", {"false", "true"}: "DECOUPLED", {"true", "true"}: "REDIRECT",
	} {
		made := w.create(t, consentBody(`{"balances":[{"iban":"`+ibanLea+`"}]}`), with{
			"X-Request-ID": uuid.NewString(), "TPP-Redirect-Preferred": creation[0], "TPP-Decoupled-Preferred": creation[1],
		})
		require.Equal(t, http.StatusCreated, made.status, made.body)
		require.Empty(t, made.header.Get("ASPSP-SCA-Approach"))
		path := made.header.Get("Location")[len("https://bank.example"):] + "/authorisations"
		started := w.send(t, http.MethodPost, path, "", with{"PSU-ID": "lea"})
		require.Equal(t, want, started.header.Get("ASPSP-SCA-Approach"), creation)
		started = w.send(t, http.MethodPost, path, "", with{"TPP-Redirect-Preferred": "true", "PSU-ID": "lea"})
		require.Equal(t, "REDIRECT", started.header.Get("ASPSP-SCA-Approach"), creation)
	}
}
