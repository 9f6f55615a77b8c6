package sca_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

// TestParallelGuesses sends forty wrong words at once: the flow judges three.
func TestParallelGuesses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
				if err != nil {
					require.Contains(t, []consent.Code{consent.CodeCredentials, consent.CodeLocked, consent.CodeUsed}, consent.CodeOf(err), err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 3, b.flow.judged.Load())
		require.Equal(t, consent.ScaFailed, b.get(id).Authorisations[0].Status)
		require.Equal(t, 3, b.flow.calls(), "each judged answer has a step key of its own")
	})
}

// TestParallelFinish answers the last page ten times at once: one ends the run,
// the others find it ended, and nothing else happens.
func TestParallelFinish(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
				if err != nil {
					require.Contains(t, []consent.Code{consent.CodeUsed, consent.CodeExpired, consent.CodeLocked}, consent.CodeOf(err), err)
				}
				require.Equal(t, "The TPP", v.TPP)
			})
		}
		wg.Wait()
		c := b.get(id)
		require.Equal(t, consent.Valid, c.Status)
		require.Len(t, c.Authorisations, 1)
		require.Equal(t, consent.ScaFinalised, c.Authorisations[0].Status)
	})
}
