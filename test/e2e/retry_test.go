package e2e

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func requestID() string { return uuid.NewString() }

// lossy is a network that loses the first answer to every call that writes,
// after the server gave it.
type lossy struct {
	http.RoundTripper
	lost  map[string]answer // by X-Request-ID
	given map[string]answer // what came the second time
}

type answer struct{ status, body string }

// RoundTrip implements http.RoundTripper.
func (l *lossy) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(req)
	if err != nil || req.Method == http.MethodGet {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	id, got := req.Header.Get("X-Request-ID"), answer{res.Status + res.Header.Get("Location") + res.Header.Get("ASPSP-SCA-Approach"), string(body)}
	if _, again := l.lost[id]; !again {
		l.lost[id] = got
		return nil, io.ErrUnexpectedEOF
	}
	l.given[id] = got
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// TestRetries: a TPP whose network loses each answer once comes to the same end
// as any other, and nothing happens twice.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		net := &lossy{RoundTripper: p.http.Transport, lost: map[string]answer{}, given: map[string]answer{}}
		p.tpp = p.as("demo", client.WithHTTPClient(&http.Client{Transport: net}),
			client.WithRetry(client.Retry{Times: 1, MaxWait: time.Second, Writes: true}))
		ctx := t.Context()

		created, _, err := p.tpp.CreateConsent(ctx, p.dedicated(omarIBAN), p.byTPP(""))
		require.NoError(t, err)
		j := p.journey(created.ConsentID, "omar", "")
		want := []string{"startAuthorisationWithPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction"}
		require.Equal(t, want, j.travel(created.Links))
		require.Equal(t, []string{"valid", "finalised"}, j.stands())
		require.Len(t, p.phone("omar").Messages, 1, "one code was sent")
		list, _, err := p.tpp.Authorisations(ctx, j.id)
		require.NoError(t, err)
		require.Equal(t, []string{j.last}, list.AuthorisationIDs)
		_, err = p.tpp.DeleteConsent(ctx, j.id)
		require.NoError(t, err)
		require.Equal(t, "terminatedByTpp", p.status(p.tpp, j.id))

		funds, _, err := p.tpp.CreateFundsConsent(ctx, card(leaSecond), p.byTPP("lea"))
		require.NoError(t, err)
		f := p.forFunds(funds.ConsentID, "lea")
		require.Equal(t, []string{"updatePsuAuthentication", "authoriseTransaction"}, f.travel(funds.Links))
		available, err := p.covers(p.tpp, f.id, leaSecond, "1.00", "EUR")
		require.NoError(t, err)
		require.True(t, available)

		require.Len(t, net.lost, 9)
		require.Equal(t, net.lost, net.given, "byte for byte")
		_, recent, _ := p.raw(http.MethodGet, p.base+"/sandbox/recent", "")
		ids := slices.Compact(slices.Sorted(slices.Values(anyID.FindAllString(recent, -1))))
		require.ElementsMatch(t, []string{j.id, f.id}, ids, "one consent of each kind")
	}, offering("embedded"))
}

// TestRequestIDForTwoCalls: an X-Request-ID that comes with another call is a
// mistake of the TPP, unless another TPP made it.
func TestRequestIDForTwoCalls(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		ctx, o := t.Context(), p.options()
		o.RequestID = requestID()
		first, meta, err := p.tpp.CreateConsent(ctx, p.offered(), o)
		require.NoError(t, err)
		again, repeated, err := p.tpp.CreateConsent(ctx, p.offered(), o)
		require.NoError(t, err)
		require.Equal(t, []any{first, meta.Location(), meta.Approach()}, []any{again, repeated.Location(), repeated.Approach()})
		_, _, err = p.tpp.CreateConsent(ctx, p.dedicated(leaFirst), o)
		p.fails(err, http.StatusBadRequest, xs2a.FormatError)
		o.PSUID = "anna"
		_, _, err = p.tpp.CreateConsent(ctx, p.offered(), o)
		p.fails(err, http.StatusBadRequest, xs2a.FormatError)
		o.PSUID = ""
		others, _, err := p.as("acme").CreateConsent(ctx, p.offered(), o)
		require.NoError(t, err)
		require.NotEqual(t, first.ConsentID, others.ConsentID)

		p.authorise(first.Links["scaRedirect"].Href, "anna", giro)
		again, _, err = p.tpp.CreateConsent(ctx, p.offered(), o)
		require.NoError(t, err)
		require.Equal(t, first, again, "as it was answered then")
		p.advance("24h1m")
		o.RedirectURI = p.base + "/sandbox/return"
		later, _, err := p.tpp.CreateConsent(ctx, p.offered(), o)
		require.NoError(t, err)
		require.NotEqual(t, first.ConsentID, later.ConsentID, "after a day it is a new one")
	})
}
