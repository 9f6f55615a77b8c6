package consent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
)

var (
	byTPP = consent.Cause{By: consent.ByTPP, Who: "A", Certificate: "f1", RequestID: "r1"}
	byPSU = consent.Cause{By: consent.ByPSU, Who: "lea"}
)

// told shows what is recorded of a consent: who, of what, from, to, why. The
// authorisation under test is "auth", any other "other".
func told(c *consent.Consent, auth uuid.UUID) []string {
	entries, _ := c.TakePending()
	lines := make([]string, len(entries))
	for i, e := range entries {
		of := "consent"
		switch {
		case e.Authorisation == auth && e.Authorisation != uuid.Nil:
			of = "auth"
		case e.Authorisation != uuid.Nil:
			of = "other"
		}
		lines[i] = fmt.Sprintf("%s %q %s%s: %s %s>%s %s", e.By, e.Who, e.Certificate, e.RequestID, of, e.From, e.To, e.Reason)
	}
	return lines
}

func TestEntries(t *testing.T) {
	psu, customer := uuid.New(), uuid.New()
	agreed := consent.Agreement{Customer: customer, Signers: []uuid.UUID{psu}}
	for name, x := range map[string]struct {
		cause consent.Cause
		act   func(t *testing.T, c *consent.Consent, a uuid.UUID) error
		err   consent.Code
		want  []string
	}{
		"a walk, each step of it": {
			cause: byPSU,
			act: func(t *testing.T, c *consent.Consent, a uuid.UUID) error {
				t.Helper()
				require.NoError(t, c.Identify(a, psu, customer, noon))
				require.NoError(t, c.Advance(a, consent.ScaStarted, noon))
				require.NoError(t, c.Advance(a, consent.ScaStarted, noon), "is where it stands")
				return c.Authorise(a, agreed, noon)
			},
			want: []string{
				`psu "lea" : auth received>psuAuthenticated `, `psu "lea" : auth psuAuthenticated>started `,
				`psu "lea" : auth started>finalised `, `psu "lea" : consent received>valid `,
			},
		},
		"the first of two signers": {
			cause: byPSU,
			act: func(t *testing.T, c *consent.Consent, a uuid.UUID) error {
				t.Helper()
				require.NoError(t, c.Identify(a, psu, customer, noon))
				return c.Authorise(a, consent.Agreement{Customer: customer, Signers: []uuid.UUID{psu, uuid.New()}}, noon)
			},
			want: []string{
				`psu "lea" : auth received>psuAuthenticated `, `psu "lea" : auth psuAuthenticated>finalised `,
				`psu "lea" : consent received>partiallyAuthorised `,
			},
		},
		"a further authorisation": {
			cause: byTPP,
			act: func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error {
				return c.Start(consent.Authorisation{ID: uuid.New(), Status: consent.ScaPSUIdentified, CreatedAt: noon})
			},
			want: []string{`tpp "A" f1r1: other >psuIdentified `},
		},
		"the TPP names the PSU": {
			cause: byTPP,
			act: func(_ *testing.T, c *consent.Consent, a uuid.UUID) error {
				return c.Name(a, consent.Digest{1}, consent.Digest{}, consent.ScaPSUIdentified, noon)
			},
			want: []string{`tpp "A" f1r1: auth received>psuIdentified `},
		},
		"the TPP ends it": {
			cause: byTPP,
			act:   func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error { return c.Terminate(noon) },
			want:  []string{`tpp "A" f1r1: consent received>revoked terminated`, `tpp "A" f1r1: auth received>failed `},
		},
		"twice is once": {
			cause: byTPP,
			act: func(t *testing.T, c *consent.Consent, _ uuid.UUID) error {
				t.Helper()
				require.NoError(t, c.Terminate(noon))
				c.TakePending()
				return c.Terminate(noon)
			},
			want: []string{},
		},
		"the PSU refuses": {
			cause: byPSU,
			act: func(_ *testing.T, c *consent.Consent, a uuid.UUID) error {
				return c.Refuse(a, consent.ByPSU, consent.ReasonRefused, noon)
			},
			want: []string{`psu "lea" : consent received>rejected refused`, `psu "lea" : auth received>failed `},
		},
		"the bank says no to a PSU": {
			cause: byPSU,
			act: func(_ *testing.T, c *consent.Consent, a uuid.UUID) error {
				return c.Refuse(a, consent.ByASPSP, consent.ReasonNotEntitled, noon)
			},
			want: []string{`aspsp "" : consent received>rejected notEntitled`, `aspsp "" : auth received>failed `},
		},
		"the PSU refuses to whom the TPP listens": {
			cause: byTPP,
			act: func(_ *testing.T, c *consent.Consent, a uuid.UUID) error {
				return c.Refuse(a, consent.ByPSU, consent.ReasonRefused, noon)
			},
			want: []string{`psu "" f1r1: consent received>rejected refused`, `psu "" f1r1: auth received>failed `},
		},
		"the PSU ends it on a page of the bank's": {
			cause: consent.Cause{By: consent.ByASPSP, Who: "token/1", RequestID: "r1", For: "lea"},
			act:   func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error { return c.Withdraw(noon) },
			want:  []string{`aspsp "token/1" r1: consent received>revoked withdrawn`, `aspsp "token/1" r1: auth received>failed `},
		},
		"the PSU ends it, and the bank does not say who": {
			cause: consent.Cause{By: consent.ByASPSP, Who: "token/1", RequestID: "r1"},
			act:   func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error { return c.Withdraw(noon) },
			want:  []string{`psu "" r1: consent received>revoked withdrawn`, `psu "" r1: auth received>failed `},
		},
		"what time ends, inside the TPP's call": {
			cause: byTPP,
			act: func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error {
				c.Settle(c.AuthoriseBy)
				return c.Terminate(c.AuthoriseBy)
			},
			want: []string{`system "" r1: auth received>failed `, `system "" r1: consent received>rejected notAuthorised`},
		},
		"what time ends by itself": {
			act: func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error {
				c.Settle(c.EndsAt)
				return nil
			},
			want: []string{`system "" : auth received>failed `, `system "" : consent received>rejected notAuthorised`},
		},
		"suspended and resumed": {
			cause: consent.Cause{By: consent.ByASPSP, Who: "desk-7"},
			act: func(t *testing.T, c *consent.Consent, a uuid.UUID) error {
				t.Helper()
				require.NoError(t, c.Identify(a, psu, customer, noon))
				require.NoError(t, c.Authorise(a, agreed, noon))
				c.TakePending()
				c.Because(consent.Cause{By: consent.ByASPSP, Who: "desk-7"})
				require.NoError(t, c.Suspend(consent.ReasonBank, noon))
				return c.Resume(noon)
			},
			want: []string{`aspsp "desk-7" : consent valid>suspended bank`, `aspsp "desk-7" : consent suspended>valid `},
		},
		"what may not be is not recorded": {
			cause: byPSU,
			act:   func(_ *testing.T, c *consent.Consent, _ uuid.UUID) error { return c.Suspend(consent.ReasonBank, noon) },
			err:   consent.CodeStatusInvalid, want: []string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := made(t)
			auth := started(t, c)
			c.TakePending()
			c.Because(x.cause)
			err := x.act(t, c, auth)
			if x.err == "" {
				require.NoError(t, err)
			} else {
				require.Equal(t, x.err, consent.CodeOf(err))
			}
			require.Equal(t, x.want, told(c, auth))
		})
	}
}

// TestFirstEntry has what is made together in one entry, what is started later
// in one of its own.
func TestFirstEntry(t *testing.T) {
	c, err := consent.DefaultPolicy().New(uuid.New(), draft(), byTPP, noon)
	require.NoError(t, err)
	first := started(t, c)
	started(t, c)
	require.Equal(t, []string{`tpp "A" f1r1: auth >received `, `tpp "A" f1r1: other >received `}, told(c, first))

	c, err = consent.DefaultPolicy().New(uuid.New(), draft(), byTPP, noon)
	require.NoError(t, err)
	require.Equal(t, []string{`tpp "A" f1r1: consent >received `}, told(c, uuid.Nil))
	c.Because(byTPP)
	first = started(t, c)
	require.Equal(t, []string{`tpp "A" f1r1: auth >received `}, told(c, first))
}

func TestEntriesOfWhatWasReplaced(t *testing.T) {
	psu, customer := uuid.New(), uuid.New()
	former, newer := made(t), made(t)
	authorised(t, former, psu, customer)
	former.TakePending()
	newer.Because(consent.Cause{By: consent.ByTPP, Who: "A", RequestID: "r2"})
	authorised(t, newer, psu, customer)
	require.NoError(t, newer.Supersede([]*consent.Consent{former}, noon))
	require.Equal(t, []string{`system "" r2: consent valid>expired replaced`}, told(former, uuid.Nil))
	require.Empty(t, told(former, uuid.Nil), "handed over once")
}

// TestEntriesBelong checks what every entry carries: its chain and the time of
// the change, which never goes back.
func TestEntriesBelong(t *testing.T) {
	c := made(t)
	auth := started(t, c)
	require.NoError(t, c.Advance(auth, consent.ScaStarted, noon.Add(time.Minute)))
	require.NoError(t, c.Fail(auth, noon.Add(time.Second)))
	c.Settle(c.AuthoriseBy.Add(time.Hour))
	entries, _ := c.TakePending()
	times := make([]time.Time, len(entries))
	for i, e := range entries {
		require.Equal(t, c.ID.String(), e.Chain)
		times[i] = e.At
	}
	require.Equal(t, []time.Time{noon, noon.Add(time.Minute), noon.Add(time.Minute), c.AuthoriseBy}, times)
}

func TestReceiptIsHandedOverOnce(t *testing.T) {
	c, r := made(t), &consent.Receipt{Key: consent.Digest{1}}
	c.Answered(r)
	_, got := c.TakePending()
	require.Same(t, r, got)
	_, got = c.TakePending()
	require.Nil(t, got)
}

// signer shows what is signed.
type signer struct{}

func (signer) MAC(purpose string, parts ...[]byte) []byte {
	return fmt.Appendf(nil, "%s %q", purpose, parts)
}

// TestSignCoversEverything changes each part of an entry in turn.
func TestSignCoversEverything(t *testing.T) {
	whole := consent.Entry{
		Chain: "c", Seq: 2, At: noon, Cause: byTPP, Authorisation: uuid.New(), From: "received", To: "valid", Reason: "x", Operation: "o",
	}
	signed := string(whole.Sign(signer{}, []byte("before")))
	seen := map[string]string{signed: "the entry itself"}
	for name, edit := range map[string]func(*consent.Entry){
		"chain": func(e *consent.Entry) { e.Chain = "d" }, "seq": func(e *consent.Entry) { e.Seq = 3 },
		"at": func(e *consent.Entry) { e.At = e.At.Add(time.Microsecond) }, "by": func(e *consent.Entry) { e.By = consent.ByPSU },
		"who": func(e *consent.Entry) { e.Who = "B" }, "certificate": func(e *consent.Entry) { e.Certificate = "f2" },
		"request": func(e *consent.Entry) { e.RequestID = "r2" }, "authorisation": func(e *consent.Entry) { e.Authorisation = uuid.Nil },
		"from": func(e *consent.Entry) { e.From = "" }, "to": func(e *consent.Entry) { e.To = "" },
		"for": func(e *consent.Entry) { e.For = "lea" }, "reason": func(e *consent.Entry) { e.Reason = "" }, "operation": func(e *consent.Entry) { e.Operation = "" },
	} {
		e := whole
		edit(&e)
		s := string(e.Sign(signer{}, []byte("before")))
		require.NotContains(t, seen, s, name)
		seen[s] = name
	}
	require.NotContains(t, seen, string(whole.Sign(signer{}, []byte("other"))), "the entry before")
	elsewhere := whole
	elsewhere.At = whole.At.In(time.FixedZone("far", 3600))
	require.Equal(t, signed, string(elsewhere.Sign(signer{}, []byte("before"))), "the same instant")
}

func TestRefusedChain(t *testing.T) {
	day := consent.Date{Year: 2026, Month: time.March, Day: 1}
	require.Equal(t, "refused/A/2026-03-01", consent.RefusedChain("A", day))
	require.NotEqual(t, consent.RefusedChain("A", day), consent.RefusedChain("A", day.AddDays(1)))
}

// An entry of a former history does not fit into a later one: its signature
// covers where the chain stood before it.
func TestSignatureCoversWhatWasBefore(t *testing.T) {
	t.Parallel()
	keys, err := secret.New(make([]byte, secret.MasterSize))
	require.NoError(t, err)
	e := consent.Entry{Chain: "c", Seq: 2, To: "valid"}
	require.NotEqual(t, e.Sign(keys, []byte("one history")), e.Sign(keys, []byte("another")))
}
