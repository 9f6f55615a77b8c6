package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
)

func testOAuth(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a request is kept, changed and taken once":              requestIsKept,
		"tokens are kept and found by each":                      pairIsKept,
		"issuing renews what was forwarded":                      issueRenews,
		"issuing that is refused issues nothing":                 issueRefused,
		"a code is used once":                                    codeIsUsedOnce,
		"an exchange takes the place of what was there":          exchangeReplaces,
		"an exchange of what has changed fails":                  exchangeIsStale,
		"ending tokens ends their connection":                    endOfPair,
		"tokens of a consent end alone":                          endOfPairOfConsent,
		"what is over is forgotten, and no more than is allowed": oauthIsForgotten,
	})
}

// digestOf is a digest of its own for each name.
func digestOf(name string) consent.Digest { return secret.Digest(name) }

// pairOf are tokens that rest on a consent, each named like the pair.
func pairOf(h holder, grant uuid.UUID, name string) connections.Pair {
	return connections.Pair{
		ID: name, Consent: grant, TPP: h.tpp, PSU: h.psu, Scopes: "aisp extended_transaction_history", Active: "aisp",
		Access: digestOf("access " + name), Refresh: digestOf("refresh " + name), Code: digestOf("code " + name),
		AccessUntil: start.Add(10 * time.Minute), IssuedAt: start, Certificate: "x5t", Sealed: []byte("sealed " + name), Version: 1,
	}
}

func agree(*consent.Consent, []*consent.Consent) error { return nil }

// requested keeps the request of a code.
func (b *bundle) requested(p connections.Pair) connections.Pair {
	b.t.Helper()
	require.NoError(b.t, b.SaveRequest(b.ctx, connections.Request{ID: p.ID, Code: p.Code, Expires: start.Add(time.Minute)}))
	return p
}

// issued stores tokens.
func (b *bundle) issued(h holder, grant uuid.UUID, name string) connections.Pair {
	b.t.Helper()
	p := b.requested(pairOf(h, grant, name))
	require.NoError(b.t, b.Issue(b.ctx, p, agree))
	return p
}

func (b *bundle) noPair(access consent.Digest) {
	b.t.Helper()
	_, _, err := b.PairByAccess(b.ctx, access)
	require.Equal(b.t, consent.CodeNotFound, consent.CodeOf(err))
}

func requestIsKept(t *testing.T, b *bundle) {
	t.Helper()
	r := connections.Request{ID: "one", Callback: consent.Digest{1}, Sealed: []byte("s"), Expires: start}
	require.NoError(t, b.SaveRequest(b.ctx, r))
	require.NoError(t, b.SaveRequest(b.ctx, connections.Request{ID: "two", Expires: start}), "one that has neither yet")
	require.NoError(t, b.SaveRequest(b.ctx, connections.Request{ID: "three", Expires: start}))
	got, err := b.RequestByCallback(b.ctx, r.Callback)
	require.NoError(t, err)
	require.Equal(t, &r, got)
	r.Callback, r.Code, r.Sealed, r.Expires = consent.Digest{}, consent.Digest{2}, []byte("t"), start.Add(time.Minute)
	require.NoError(t, b.SaveRequest(b.ctx, r))
	got, err = b.RequestByCode(b.ctx, r.Code)
	require.NoError(t, err)
	require.Equal(t, &r, got)
	for _, unknown := range []consent.Digest{{1}, {}} {
		_, err = b.RequestByCallback(b.ctx, unknown)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.RequestByCode(b.ctx, unknown)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	}
	take := func() error { return b.TakeRequest(b.ctx, "one") }
	errs := together(take, take, take, take)
	require.ElementsMatch(t, []bool{true, false, false, false}, succeeded(errs))
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(take()))
	_, err = b.RequestByCode(b.ctx, r.Code)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func pairIsKept(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	want := b.issued(k.holder, k.connection.ID, "one")
	b.issued(k.holder, k.connection.ID, "two")
	for _, bare := range []string{"bare", "barer"} { // without a refresh token, by no code
		p := pairOf(k.holder, k.connection.ID, bare)
		p.Refresh, p.Code, p.PSU, p.Certificate, p.Sealed = consent.Digest{}, consent.Digest{}, uuid.Nil, "", nil
		require.NoError(t, b.Issue(b.ctx, p, agree))
		got, _, err := b.PairByAccess(b.ctx, p.Access)
		require.NoError(t, err)
		require.Empty(t, got.Sealed)
		got.Sealed = nil
		require.Equal(t, &p, got)
	}
	for name, find := range map[string]func() (*connections.Pair, *consent.Consent, error){
		"access":  func() (*connections.Pair, *consent.Consent, error) { return b.PairByAccess(b.ctx, want.Access) },
		"refresh": func() (*connections.Pair, *consent.Consent, error) { return b.PairByRefresh(b.ctx, want.Refresh) },
		"code":    func() (*connections.Pair, *consent.Consent, error) { return b.PairByCode(b.ctx, want.Code) },
	} {
		p, c, err := find()
		require.NoError(t, err, name)
		require.Equal(t, &want, p, name)
		require.Equal(t, b.get(k.connection.ID), c, name)
	}
	for _, find := range []func() (*connections.Pair, *consent.Consent, error){
		func() (*connections.Pair, *consent.Consent, error) { return b.PairByAccess(b.ctx, want.Refresh) },
		func() (*connections.Pair, *consent.Consent, error) { return b.PairByRefresh(b.ctx, consent.Digest{}) },
		func() (*connections.Pair, *consent.Consent, error) { return b.PairByCode(b.ctx, want.Access) },
	} {
		_, _, err := find()
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	}
}

func issueRenews(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	newer := b.connected(k.holder, start.AddDate(0, 1, 0))
	now := start.AddDate(0, 1, 0)
	require.NoError(t, b.Issue(b.ctx, b.requested(pairOf(k.holder, newer.ID, "one")), func(grant *consent.Consent, kin []*consent.Consent) error {
		require.Equal(t, newer.ID, grant.ID)
		require.ElementsMatch(t, []uuid.UUID{k.forwarded.ID, k.connection.ID}, idsOf(kin))
		renew(grant, kin, k.cause(), now)
		return nil
	}))
	got := b.get(k.forwarded.ID)
	require.Equal(t, []any{newer.ID, now, newer.EndsAt, newer.ValidUntil}, []any{got.Connection, got.LastSCA, got.EndsAt, got.ValidUntil})
	entries := b.history(got.ID.String())
	require.Equal(t, []string{"valid", "valid", "renewed"}, []string{entries[1].From, entries[1].To, entries[1].Reason})
	due, err := b.Due(b.ctx, k.connection.EndsAt, 9)
	require.NoError(t, err)
	require.NotContains(t, due, got.ID)
	b.update(k.connection.ID, func(c *consent.Consent) error { return c.Withdraw(now) })
	require.Equal(t, consent.Valid, b.get(got.ID).Status, "it rests on the newer one")

	xs2a := b.agreed(k.psu, k.customer, k.some(0, 1), func(d *consent.Draft) { d.TPP, d.ByToken = "T", true })
	require.NoError(t, b.Issue(b.ctx, b.requested(pairOf(k.holder, xs2a, "two")), func(grant *consent.Consent, kin []*consent.Consent) error {
		require.Equal(t, xs2a, grant.ID)
		require.Empty(t, kin, "of another rail")
		return nil
	}))
	lonely := b.connected(b.holder("T", "enzo"), start)
	require.NoError(t, b.Issue(b.ctx, b.requested(pairOf(k.holder, lonely.ID, "three")), func(_ *consent.Consent, kin []*consent.Consent) error {
		require.Empty(t, kin, "there is none")
		return nil
	}))
	company := b.connected(b.actingFor(k.holder, "company"), start)
	require.NoError(t, b.Issue(b.ctx, b.requested(pairOf(k.holder, company.ID, "four")), func(_ *consent.Consent, kin []*consent.Consent) error {
		require.Empty(t, kin, "for another customer")
		return nil
	}))
	require.Empty(t, b.faults())
}

// renew lets what was forwarded rest on a connection.
func renew(connection *consent.Consent, kin []*consent.Consent, cause consent.Cause, now time.Time) {
	by := consent.Renewal{Connection: connection.ID, SCA: connection.LastSCA, Until: connection.EndsAt}
	for _, k := range kin {
		if k.Kind == consent.AccountAccess {
			consent.DefaultPolicy().Renew(k, by, cause, now)
		}
	}
}

func issueRefused(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	newer := b.connected(k.holder, start.Add(time.Hour))
	p := b.requested(pairOf(k.holder, newer.ID, "one"))
	broken := errors.New("no")
	require.ErrorIs(t, b.Issue(b.ctx, p, func(grant *consent.Consent, kin []*consent.Consent) error {
		renew(grant, kin, k.cause(), start)
		return broken
	}), broken)
	b.noPair(p.Access)
	require.Equal(t, k.connection.ID, b.get(k.forwarded.ID).Connection)
	elsewhere := p
	elsewhere.Consent = uuid.New()
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(b.Issue(b.ctx, elsewhere, agree)))
	_, err := b.RequestByCode(b.ctx, p.Code)
	require.NoError(t, err, "the code is as good as before")
	require.NoError(t, b.Issue(b.ctx, p, agree))
	_, err = b.RequestByCode(b.ctx, p.Code)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func codeIsUsedOnce(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	one := b.issued(k.holder, k.connection.ID, "one")
	two := pairOf(k.holder, k.connection.ID, "two")
	two.Code = one.Code
	require.Equal(t, consent.CodeUsed, consent.CodeOf(b.Issue(b.ctx, two, agree)), "its request is gone")
	b.requested(two)
	require.Equal(t, consent.CodeUsed, consent.CodeOf(b.Issue(b.ctx, two, agree)), "there are tokens for it")
	b.noPair(two.Access)
	require.NoError(t, b.TakeRequest(b.ctx, two.ID))
	refused := b.requested(pairOf(k.holder, k.connection.ID, "refused"))
	require.NoError(t, b.TakeRequest(b.ctx, refused.ID))
	require.Equal(t, consent.CodeUsed, consent.CodeOf(b.Issue(b.ctx, refused, agree)))
	b.noPair(refused.Access)
	for range 25 {
		code := digestOf(uuid.NewString())
		b.requested(connections.Pair{ID: uuid.NewString(), Code: code})
		tokens := func(name string) func() error {
			p := pairOf(k.holder, k.connection.ID, name+uuid.NewString())
			p.Code = code
			return func() error { return b.Issue(b.ctx, p, agree) }
		}
		errs := together(tokens("a"), tokens("b"), tokens("c"))
		require.ElementsMatch(t, []bool{true, false, false}, succeeded(errs))
		for _, err := range errs {
			require.True(t, err == nil || consent.CodeOf(err) == consent.CodeUsed, err)
		}
	}
}

func exchangeReplaces(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	old := b.issued(k.holder, k.connection.ID, "one")
	next := pairOf(k.holder, k.connection.ID, "next")
	next.ID, next.Code, next.Active, next.Certificate, next.IssuedAt = old.ID, old.Code, "", "", start.Add(time.Minute)
	next.Scopes = "aisp"
	require.NoError(t, b.Exchange(b.ctx, next))
	b.noPair(old.Access)
	_, _, err := b.PairByRefresh(b.ctx, old.Refresh)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	got, _, err := b.PairByRefresh(b.ctx, next.Refresh)
	require.NoError(t, err)
	next.Version = 2
	require.Equal(t, &next, got)
}

func exchangeIsStale(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	p := b.issued(k.holder, k.connection.ID, "one")
	for round := range 25 {
		current, _, err := b.PairByCode(b.ctx, p.Code)
		require.NoError(t, err)
		exchange := func(name string) func() error {
			next := *current
			next.Access, next.Refresh = digestOf(name+uuid.NewString()), digestOf(name+uuid.NewString())
			return func() error { return b.Exchange(b.ctx, next) }
		}
		errs := together(exchange("a"), exchange("b"))
		require.ElementsMatch(t, []bool{true, false}, succeeded(errs))
		for _, err := range errs {
			require.True(t, err == nil || consent.CodeOf(err) == consent.CodeStale, err)
		}
		again, _, err := b.PairByCode(b.ctx, p.Code)
		require.NoError(t, err)
		require.Equal(t, round+2, again.Version)
	}
	require.NoError(t, b.EndPair(b.ctx, p.ID, nil))
	require.Equal(t, consent.CodeStale, consent.CodeOf(b.Exchange(b.ctx, p)), "it is gone")
}

func endOfPair(t *testing.T, b *bundle) {
	t.Helper()
	k := b.kinship("T", "lea")
	one, two := b.issued(k.holder, k.connection.ID, "one"), b.issued(k.holder, k.connection.ID, "two")
	require.NoError(t, b.EndPair(b.ctx, one.ID, nil))
	b.noPair(one.Access)
	require.Equal(t, consent.Valid, b.get(k.connection.ID).Status)
	broken := errors.New("no")
	end := func(c *consent.Consent) error {
		require.Equal(t, k.connection.ID, c.ID)
		return c.Terminate(start.Add(time.Hour))
	}
	require.ErrorIs(t, b.EndPair(b.ctx, two.ID, func(c *consent.Consent) error { return errors.Join(end(c), broken) }), broken)
	_, c, err := b.PairByAccess(b.ctx, two.Access)
	require.NoError(t, err)
	require.Equal(t, consent.Valid, c.Status)
	require.NoError(t, b.EndPair(b.ctx, two.ID, end))
	b.noPair(two.Access)
	want := consent.Ending{By: consent.ByTPP, Reason: consent.ReasonTerminated}
	require.Equal(t, want, b.get(k.connection.ID).Ending)
	require.Equal(t, want, b.get(k.forwarded.ID).Ending)
	require.Zero(t, b.standing(k.holder).After, "by the TPP itself")
	require.NoError(t, b.EndPair(b.ctx, two.ID, end), "gone")
	require.Empty(t, b.faults())
}

func endOfPairOfConsent(t *testing.T, b *bundle) {
	t.Helper()
	h := b.holder("T", "lea")
	xs2a := b.agreed(h.psu, h.customer, h.some(0, 1), func(d *consent.Draft) { d.TPP, d.ByToken = "T", true })
	p := b.issued(h, xs2a, "one")
	require.NoError(t, b.EndPair(b.ctx, p.ID, func(*consent.Consent) error { return errors.New("it is no connection") }))
	b.noPair(p.Access)
	require.Equal(t, consent.Valid, b.get(xs2a).Status)
}

func oauthIsForgotten(t *testing.T, b *bundle) {
	t.Helper()
	for i := range 3 {
		r := connections.Request{ID: string(rune('a' + i)), Code: consent.Digest{byte(i + 1)}, Expires: start.Add(time.Duration(i) * time.Minute)}
		require.NoError(t, b.SaveRequest(b.ctx, r))
	}
	ended, living := b.kinship("T", "lea"), b.kinship("T", "enzo")
	over, stays := b.issued(ended.holder, ended.connection.ID, "over"), b.issued(living.holder, living.connection.ID, "stays")
	xs2a := b.agreed(ended.psu, ended.customer, ended.some(0, 1), func(d *consent.Draft) { d.TPP, d.ByToken = "T", true })
	consents := b.issued(ended.holder, xs2a, "of a consent")
	at := start.Add(time.Minute)
	for _, id := range []uuid.UUID{ended.connection.ID, xs2a} {
		b.update(id, func(c *consent.Consent) error { return c.Withdraw(at) })
	}
	forget := func(now time.Time, limit int) int {
		n, err := b.ForgetOAuth(b.ctx, now, limit)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, forget(start, 9), "a request")
	_, c, err := b.PairByAccess(b.ctx, over.Access)
	require.NoError(t, err)
	require.Equal(t, consent.Revoked, c.Status, "its tokens are good for nothing, and known")
	require.Equal(t, []int{2, 1, 0}, []int{forget(at, 2), forget(at, 2), forget(at, 2)})
	b.noPair(over.Access)
	b.noPair(consents.Access)
	require.Equal(t, 1, forget(start.AddDate(0, 0, 1), 9), "the last request")
	_, _, err = b.PairByAccess(b.ctx, stays.Access)
	require.NoError(t, err)
	require.Equal(t, 1, forget(living.connection.EndsAt, 9), "nobody has written down yet that it is over")
	b.noPair(stays.Access)
}
