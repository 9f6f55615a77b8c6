package stet_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two TPP processes forward documents that have nothing in common, over and over, while
// others read: each read sees one of the two, whole.
func TestParallelDocuments(t *testing.T) {
	t.Parallel()
	const rounds = 100
	w := setup(t)
	documents := []string{document(ibanA1, ibanA1, true), document(ibanA2, ibanA2, false)}
	seen := []string{ibanA1 + both + " +endUserIdentity", ibanA2 + both}
	w.put(t, "lea", documents[0])
	var forwarding, reading sync.WaitGroup
	done := make(chan struct{})
	lists := make([]string, 0, rounds)
	for _, d := range documents {
		forwarding.Go(func() {
			for range rounds {
				w.put(t, "lea", d)
			}
		})
	}
	reading.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				lists = append(lists, w.list(t, "lea"))
			}
		}
	})
	forwarding.Wait()
	close(done)
	reading.Wait()
	require.NotEmpty(t, lists)
	for _, l := range lists {
		require.Contains(t, seen, l)
	}
	granted := 0
	for _, path := range []string{"/accounts/r1/balances", "/accounts/r2/balances"} {
		if w.get(t, "lea", path, there).status == http.StatusOK {
			granted++
		}
	}
	require.Equal(t, 1, granted, "the last one stands")
}
