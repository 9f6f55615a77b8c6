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
					require.Contains(t, []consent.Code{consent.CodeCredentials, consent.CodeLocked, consent.CodeUnavailable, consent.CodeUsed}, consent.CodeOf(err), err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 3, b.flow.judged.Load())
		require.Equal(t, consent.ScaFailed, b.get(id).Authorisations[0].Status)
		require.Equal(t, 1, b.flow.calls(), "the same answer is the same call")
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
					require.Contains(t, []consent.Code{consent.CodeUsed, consent.CodeExpired, consent.CodeUnavailable}, consent.CodeOf(err), err)
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

// TestOvertaken has one answer judged slowly while another moves the run on:
// what the flow said of the first is thrown away, at the log-in and at the end.
func TestOvertaken(t *testing.T) {
	for name, x := range map[string]struct {
		prepare func(b *bundle, handle string)
		slow    string
		fast    string
		page    sca.Page
	}{
		"another person logs in": {
			prepare: func(b *bundle, handle string) {
				_, err := b.walks.Open(b.ctx, handle, by("browser"))
				require.NoError(b.t, err)
			},
			slow: "slowly enzo", fast: "anna", page: sca.PageAccounts,
		},
		"the last word, after another page was asked for": {
			prepare: func(b *bundle, handle string) {
				b.upTo(handle, "anna", "DE00ANNA/EUR")
				_, err := b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Approve: true})
				require.NoError(b.t, err)
				b.flow.wait.Store(true)
			},
			slow: "slowly by anna", fast: "right", page: sca.PageWait,
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.create(offered(), service.Hint{})
				x.prepare(b, started.Handle)
				type answer struct {
					view *sca.View
					err  error
				}
				late := make(chan answer)
				go func() {
					v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word(x.slow))
					late <- answer{v, err}
				}()
				<-b.flow.begun
				v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word(x.fast))
				b.page(x.page, v, err)
				close(b.flow.release)
				got := <-late
				b.page(x.page, got.view, got.err)
				require.Equal(t, "ANNA", got.view.Customer)
				require.Equal(t, consent.Received, b.get(id).Status)
			})
		})
	}
}
