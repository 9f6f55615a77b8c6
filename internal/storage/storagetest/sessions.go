package storagetest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/sessions"
)

func testSessions(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"a walk without a consent is kept, and no consent": visitIsKept,
		"a change that is refused leaves a walk as it was": visitIsWhole,
		"a walk without a consent has tries and waits":     visitWaits,
		"a session is kept, seen and ended":                sessionIsKept,
		"a walk opens one session":                         sessionOnce,
		"sessions are forgotten when they are over":        sessionsAreForgotten,
		"walks are forgotten when they are over":           visitsAreForgotten,
	})
}

// visit stores a run of no consent.
func (b *bundle) visit(edit ...func(*consent.Run)) *consent.Run {
	b.t.Helper()
	run := newRun(uuid.Nil)
	run.Purpose, run.Authorisation = consent.ForLogin, uuid.Nil
	for _, e := range edit {
		e(run)
	}
	require.NoError(b.t, b.AddVisit(b.ctx, run))
	return run
}

// session stores one of a PSU that a walk has opened.
func (b *bundle) session(run, psu uuid.UUID) sessions.Session {
	b.t.Helper()
	s := sessions.Session{
		Key: secret.Digest(secret.Handle()), Run: run, PSU: psu, CreatedAt: start, SeenAt: start, EndsAt: start.Add(time.Hour),
	}
	require.NoError(b.t, b.AddSession(b.ctx, s))
	return s
}

func visitIsKept(t *testing.T, b *bundle) {
	t.Helper()
	psu, _, _ := b.person("lea")
	run := b.visit(func(r *consent.Run) { r.Purpose, r.Authorisation = consent.ForAction, uuid.New() })
	got, err := b.Run(b.ctx, run.Handle)
	require.NoError(t, err)
	require.Equal(t, run, got)
	_, err = b.RunOf(b.ctx, run.Authorisation)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "it is no consent's")

	require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, c *consent.Consent) error {
		require.Equal(t, r.Visit(), c)
		require.NoError(t, r.Bind(consent.Digest{7}, time.Hour, start))
		r.PSU = psu
		r.Progress(consent.StageReview, []byte("more"))
		return c.Identify(r.Authorisation, psu, uuid.Nil, start)
	}))
	var want consent.Run
	require.NoError(t, b.Finish(b.ctx, run.ID, start, func(r *consent.Run, c *consent.Consent, former []*consent.Consent) error {
		require.Empty(t, former)
		r.End(consent.RunDone, start)
		want = *r
		return c.Authorise(r.Authorisation, consent.Agreement{Signers: []uuid.UUID{psu}}, start)
	}))
	got, err = b.RunByID(b.ctx, run.ID)
	require.NoError(t, err)
	require.Equal(t, &want, got)
	all, err := b.Recent(b.ctx, 9)
	require.NoError(t, err)
	require.Empty(t, all)
}

func visitIsWhole(t *testing.T, b *bundle) {
	t.Helper()
	run := b.visit()
	refuse := func(r *consent.Run) error {
		r.End(consent.RunDone, start)
		return consent.E(consent.CodeForbidden, "no")
	}
	err := b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error { return refuse(r) })
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	err = b.Finish(b.ctx, run.ID, start, func(r *consent.Run, _ *consent.Consent, _ []*consent.Consent) error { return refuse(r) })
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	got, err := b.RunByID(b.ctx, run.ID)
	require.NoError(t, err)
	require.Equal(t, run, got)
}

func visitWaits(t *testing.T, b *bundle) {
	t.Helper()
	run := b.visit()
	for _, want := range []int{1, 2, 0} {
		n, err := b.CountTry(b.ctx, run.ID, 0, 2)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.NoError(t, b.Change(b.ctx, run.ID, func(r *consent.Run, _ *consent.Consent) error {
		r.PollAt = start
		return nil
	}))
	ids, err := b.Claim(b.ctx, start, start.Add(time.Minute), 9)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{run.ID}, ids)
}

func sessionIsKept(t *testing.T, b *bundle) {
	t.Helper()
	psu, _, _ := b.person("lea")
	want := b.session(b.visit().ID, psu)
	got := func() sessions.Session {
		s, err := b.Session(b.ctx, want.Key)
		require.NoError(t, err)
		return *s
	}
	require.Equal(t, want, got())
	want.SeenAt = start.Add(2 * time.Minute)
	for _, at := range []time.Duration{2 * time.Minute, time.Minute} {
		require.NoError(t, b.SeeSession(b.ctx, want.Key, start.Add(at)))
		require.Equal(t, want, got(), "the latest counts")
	}
	want.EndsAt = start.Add(3 * time.Minute)
	for _, at := range []time.Duration{3 * time.Minute, 4 * time.Minute} {
		require.NoError(t, b.EndSession(b.ctx, want.Key, start.Add(at)))
		require.Equal(t, want, got(), "the first end counts")
	}
	unknown := consent.Digest{1}
	require.NoError(t, b.EndSession(b.ctx, unknown, start))
	require.NoError(t, b.SeeSession(b.ctx, unknown, start))
	_, err := b.Session(b.ctx, unknown)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func sessionOnce(t *testing.T, b *bundle) {
	t.Helper()
	psu, _, _ := b.person("lea")
	run := b.visit().ID
	keys := make([]consent.Digest, 8)
	var calls []func() error
	for i := range keys {
		keys[i] = secret.Digest(secret.Handle())
		calls = append(calls, func() error {
			return b.AddSession(b.ctx, sessions.Session{
				Key: keys[i], Run: run, PSU: psu, CreatedAt: start, SeenAt: start, EndsAt: start.Add(time.Hour),
			})
		})
	}
	var opened []consent.Digest
	for i, err := range together(calls...) {
		if err == nil {
			opened = append(opened, keys[i])
			continue
		}
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		_, err = b.Session(b.ctx, keys[i])
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	}
	require.Len(t, opened, 1)
	require.NoError(t, b.EndSession(b.ctx, opened[0], start))
	err := b.AddSession(b.ctx, sessions.Session{Key: consent.Digest{1}, Run: run, PSU: psu, CreatedAt: start, SeenAt: start, EndsAt: start.Add(time.Hour)})
	require.Equal(t, consent.CodeUsed, consent.CodeOf(err), "after its end too")
}

func sessionsAreForgotten(t *testing.T, b *bundle) {
	t.Helper()
	psu, _, _ := b.person("lea")
	forget := func(at time.Duration, limit int) int {
		n, err := b.ForgetSessions(b.ctx, start.Add(at), limit)
		require.NoError(t, err)
		return n
	}
	for range 3 {
		b.session(b.visit().ID, psu)
	}
	ended := b.session(b.visit().ID, psu)
	require.NoError(t, b.EndSession(b.ctx, ended.Key, start.Add(time.Minute)))
	require.Equal(t, []int{0, 1, 0}, []int{forget(time.Minute-time.Microsecond, 9), forget(time.Minute, 9), forget(time.Hour-time.Microsecond, 9)})
	require.Equal(t, []int{2, 1, 0}, []int{forget(time.Hour, 2), forget(time.Hour, 2), forget(time.Hour, 2)})
}

func visitsAreForgotten(t *testing.T, b *bundle) {
	t.Helper()
	_, ofConsent := b.create(draft())
	unopened, bound, waiting := b.visit(), b.visit(), b.visit()
	ended := b.visit(func(r *consent.Run) { r.End(consent.RunDone, start) })
	require.NoError(t, b.Change(b.ctx, bound.ID, func(r *consent.Run, _ *consent.Consent) error {
		return r.Bind(consent.Digest{7}, 15*time.Minute, start)
	}))
	require.NoError(t, b.Change(b.ctx, waiting.ID, func(r *consent.Run, _ *consent.Consent) error {
		r.PollAt = start
		return nil
	}))
	gone := func(at time.Duration, want ...*consent.Run) {
		t.Helper()
		n, err := b.ForgetVisits(b.ctx, start.Add(at), 9)
		require.NoError(t, err)
		require.Equal(t, len(want), n)
		for _, run := range want {
			_, err := b.RunByID(b.ctx, run.ID)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		}
	}
	gone(-time.Microsecond)
	gone(0, ended)
	gone(10*time.Minute - time.Microsecond)
	gone(10*time.Minute, unopened)
	gone(15*time.Minute, bound)
	gone(24 * time.Hour)
	for _, run := range []*consent.Run{ofConsent, waiting} {
		_, err := b.RunByID(b.ctx, run.ID)
		require.NoError(t, err)
	}
}
