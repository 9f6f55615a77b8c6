package sca_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
	flow "consentd/pkg/sca"
)

func password(word string) sca.Update { return sca.Update{Kind: sca.Password, Value: word} }
func code(word string) sca.Update     { return sca.Update{Kind: sca.Data, Value: word} }
func method(id string) sca.Update     { return sca.Update{Kind: sca.Method, Value: id} }

// embedded makes a consent whose authorisation the TPP drives for anna.
func (b *bundle) embedded() (uuid.UUID, *consents.Started) {
	b.t.Helper()
	return b.createBy(consent.Embedded, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
}

func TestEmbedded(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		st := b.puts(id, started, password("sandbox"))
		require.Equal(t, []any{consent.ScaMethodSelected, consent.Embedded, sca.NextData}, []any{st.Status, st.Approach, st.Next})
		require.Equal(t, []flow.Method{{ID: "sms", Type: "SMS_OTP", Name: "By sms"}}, st.Methods, "the only one is chosen")
		require.JSONEq(t, `{"otpMaxLength":5}`, string(st.Challenge))
		require.Equal(t, "look at your phone", st.Message)
		require.Equal(t, []any{consent.Received, consent.ScaMethodSelected}, b.states(id))

		_, err := b.put(id, started, password("sandbox"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "it waits for the code")
		_, err = b.put(id, started, identify("anna"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the PSU has logged in")

		st = b.puts(id, started, code("right"))
		require.Equal(t, sca.Standing{Status: consent.ScaFinalised, Approach: consent.Embedded}, st)
		c := b.get(id)
		require.Equal(t, consent.Valid, c.Status)
		require.Len(t, c.Access.Grants, 2)
		require.NotEqual(t, uuid.Nil, c.Authorisations[0].PSU)
		_, err = b.put(id, started, code("right"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
	})
}

func TestEmbeddedWithAChoiceOfMethods(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.choice.Store(true)
		id, started := b.embedded()
		st := b.puts(id, started, password("sandbox"))
		require.Equal(t, []any{consent.ScaPSUAuthenticated, sca.NextMethod}, []any{st.Status, st.Next})
		require.Len(t, st.Methods, 3)
		require.Empty(t, st.Challenge)
		_, err := b.put(id, started, code("right"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "no method chosen")
		for range 4 { // more often than there are tries: it was no guess
			_, err = b.put(id, started, method("pigeon"))
			fault(t, err, consent.CodeMethodUnknown, "authenticationMethodId")
		}
		st = b.puts(id, started, method("post"))
		require.Equal(t, []any{consent.ScaMethodSelected, sca.NextData, "post"}, []any{st.Status, st.Next, st.Methods[0].ID})
		_, err = b.put(id, started, method("sms"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "chosen already")
		require.Equal(t, consent.ScaFinalised, b.puts(id, started, code("right")).Status)
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestEmbeddedPSUIsNamedWithThePassword sends both in one call; without either
// nothing happens.
func TestEmbeddedPSUIsNamedWithThePassword(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.createBy(consent.Embedded, dedicated("DE00ANNA"), service.Hint{})
		_, err := b.put(id, started, password("sandbox"))
		fault(t, err, consent.CodeFormat, "Header.PSU-ID")
		require.Equal(t, []any{consent.Received, consent.ScaReceived}, b.states(id))
		u := password("sandbox")
		u.Hint = service.Hint{PSU: "anna", Language: "fr"}
		require.Equal(t, sca.NextData, b.puts(id, started, u).Next)
		require.Equal(t, "fr", b.flow.spoken.Load())
		u.Hint.PSU = "enzo"
		_, err = b.put(id, started, u)
		fault(t, err, consent.CodeCredentials, "Header.PSU-ID")
		require.Equal(t, consent.ScaFinalised, b.puts(id, started, code("right")).Status)
	})
}

// TestEmbeddedTries counts wrong passwords and wrong codes apart, and ends the
// authorisation, not the consent.
func TestEmbeddedTries(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		wrong := func(u sca.Update) consent.Code {
			_, err := b.put(id, started, u)
			return consent.CodeOf(err)
		}
		require.Equal(t, consent.CodeCredentials, wrong(password("wrong")))
		require.Equal(t, consent.CodeCredentials, wrong(password("wrong")))
		require.Equal(t, []any{consent.Received, consent.ScaPSUIdentified}, b.states(id))
		b.puts(id, started, password("sandbox"))
		require.Equal(t, consent.CodeCredentials, wrong(code("wrong")))
		require.Equal(t, consent.CodeCredentials, wrong(code("wrong")))
		require.Equal(t, []any{consent.Received, consent.ScaMethodSelected}, b.states(id))
		require.Equal(t, consent.CodeLocked, wrong(code("wrong")))
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(id))
		require.Equal(t, consent.CodeStatusInvalid, wrong(code("right")))

		again, err := b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Embedded, Hint: service.Hint{PSU: "anna"}}, nil)
		require.NoError(t, err)
		for _, want := range []consent.Code{consent.CodeCredentials, consent.CodeCredentials, consent.CodeLocked} {
			_, err = b.put(id, again, password("wrong"))
			require.Equal(t, want, consent.CodeOf(err))
		}
		require.Equal(t, []any{consent.Received, consent.ScaFailed, consent.ScaFailed}, b.states(id))
	})
}

// TestEmbeddedTriesInFlight has as many answers being judged as there are tries:
// a further one is not judged, and may come again: nobody knows yet how those end.
func TestEmbeddedTriesInFlight(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		_, err := b.put(id, started, password("wrong"))
		require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
		r, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
		require.NoError(t, err)
		for range 2 {
			_, err = b.db.CountTry(b.ctx, r.ID, r.Seq, 3)
			require.NoError(t, err)
		}
		_, err = b.put(id, started, password("sandbox"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		require.EqualValues(t, 1, b.flow.judged.Load())
		require.NoError(t, b.db.ReturnTry(b.ctx, r.ID, r.Seq))
		require.Equal(t, sca.NextData, b.puts(id, started, password("sandbox")).Next)
	})
}

// TestEmbeddedEndings are those that no wrong word brings about.
func TestEmbeddedEndings(t *testing.T) {
	anna := service.Hint{PSU: "anna"}
	for name, x := range map[string]struct {
		access consent.Access
		hint   service.Hint
		steps  []sca.Update
		code   consent.Code
		status consent.Status
		reason consent.Reason
	}{
		"blocked":               {dedicated("DE00ANNA"), anna, []sca.Update{password("blocked")}, consent.CodeBlocked, consent.Received, ""},
		"acts for nobody":       {dedicated("DE00ANNA"), service.Hint{PSU: "stranger"}, []sca.Update{password("sandbox")}, consent.CodeForbidden, consent.Received, ""},
		"may not sign":          {dedicated("DE00FIRM"), service.Hint{PSU: "clerk", Corporate: "852126789"}, []sca.Update{password("sandbox")}, consent.CodeForbidden, consent.Received, ""},
		"not that company's":    {dedicated("DE00ANNA"), service.Hint{PSU: "anna", Corporate: "852126789"}, []sca.Update{password("sandbox")}, consent.CodeCorporate, consent.Received, ""},
		"another's account":     {dedicated("DE00ENZO"), anna, []sca.Update{password("sandbox")}, consent.CodeResourceUnknown, consent.Rejected, consent.ReasonNotEntitled},
		"one account unknown":   {dedicated("DE00ANNA", "DE00NOBODY"), anna, []sca.Update{password("sandbox")}, consent.CodeResourceUnknown, consent.Rejected, consent.ReasonNotEntitled},
		"another PSU's code":    {dedicated("DE00ANNA"), anna, []sca.Update{password("sandbox"), code("by enzo")}, consent.CodeForbidden, consent.Received, ""},
		"denied, and no error":  {dedicated("DE00ANNA"), anna, []sca.Update{password("sandbox"), code("no")}, "", consent.Rejected, consent.ReasonRefused},
		"the firm wants a pair": {dedicated("DE00FIRM"), service.Hint{PSU: "ceo", Corporate: "852126789"}, []sca.Update{password("sandbox"), code("right")}, "", consent.PartiallyAuthorised, ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(consent.Embedded, x.access, x.hint)
				last := len(x.steps) - 1
				for _, u := range x.steps[:last] {
					b.puts(id, started, u)
				}
				st, err := b.put(id, started, x.steps[last])
				if x.code == "" {
					require.NoError(t, err)
				} else {
					require.Equal(t, x.code, consent.CodeOf(err), err)
				}
				b.ended(id, x.status, x.reason)
				require.True(t, st.Status.Final())
				require.Equal(t, b.get(id).Authorisations[0].Status, st.Status)
			})
		})
	}
}

// TestEmbeddedOnceTheConsentIsValid has several authorisations open when one of
// them makes the consent valid: the others have failed, judge no password and ask
// nobody.
func TestEmbeddedOnceTheConsentIsValid(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, first := b.embedded()
		anna := service.Hint{PSU: "anna"}
		second, err := b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Embedded, Hint: anna}, nil)
		require.NoError(t, err)
		_, err = b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Decoupled, Hint: anna}, nil)
		require.NoError(t, err)
		b.puts(id, first, password("sandbox"))
		b.puts(id, first, code("right"))
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised, consent.ScaFailed, consent.ScaFailed}, b.states(id))
		require.Equal(t, 2, moves(b.history(id), "psuIdentified > failed "))

		judged := b.flow.judged.Load()
		for _, word := range []string{"wrong", "sandbox"} {
			_, err = b.put(id, second, password(word))
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), word)
		}
		require.Equal(t, judged, b.flow.judged.Load())
		require.NoError(t, b.work(1), "the one that has not begun is wiped")
		require.NoError(t, b.work(0))
		r, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[1].RunID)
		require.NoError(t, err)
		require.Nil(t, r.Memo, "nothing is remembered of the PSU")
	})
}

// TestEmbeddedSecondSigner signs what the first one has chosen from.
func TestEmbeddedSecondSigner(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, one := b.create(offered(), firm())
		wish := consents.Wish{Approach: consent.Embedded, Hint: service.Hint{PSU: "cfo", Corporate: "852126789"}}
		_, err := b.consents.StartAuthorisation(b.ctx, caller(), id, wish, nil)
		fault(t, err, consent.CodeServiceInvalid, "access")
		b.authorise(one.Handle, "ceo", "DE00FIRM/EUR")
		two, err := b.consents.StartAuthorisation(b.ctx, caller(), id, wish, nil)
		require.NoError(t, err, "there is nothing left to choose")
		b.puts(id, two, password("sandbox"))
		b.puts(id, two, code("right"))
		c := b.get(id)
		require.Equal(t, consent.Valid, c.Status)
		require.Len(t, c.Access.Grants, 1)
	})
}

// TestEmbeddedWaits has a bank that takes its time over the code: a worker ends
// the walk, and the TPP has nothing to send meanwhile.
func TestEmbeddedWaits(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.wait.Store(true)
		id, started := b.embedded()
		b.puts(id, started, password("sandbox"))
		st := b.puts(id, started, code("right"))
		require.Equal(t, []any{consent.ScaMethodSelected, sca.NextNothing}, []any{st.Status, st.Next})
		_, err := b.put(id, started, code("right"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		b.flow.wait.Store(false)
		b.advance(time.Second)
		n, err := b.walks.Poll(b.ctx, 9)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised}, b.states(id))
	})
}

// TestEmbeddedOutages break the flow, then the bank: the TPP sends the same again.
func TestEmbeddedOutages(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		for range 4 { // more often than there are tries
			b.flow.broken.Store(true)
			_, err := b.put(id, started, password("sandbox"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
			b.flow.broken.Store(false)
			b.bank.down.Store(true)
			_, err = b.put(id, started, password("sandbox"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
			b.bank.down.Store(false)
		}
		require.Equal(t, sca.NextData, b.puts(id, started, password("sandbox")).Next)
		b.flow.broken.Store(true)
		_, err := b.put(id, started, code("right"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		b.flow.broken.Store(false)
		require.Equal(t, consent.ScaFinalised, b.puts(id, started, code("right")).Status)
	})
}

// TestEmbeddedTakesUpWhatWasLeft stops the program between the log-in and the
// challenge: the same password, or whatever comes next, goes on from there.
func TestEmbeddedTakesUpWhatWasLeft(t *testing.T) {
	for name, trip := range map[string]bool{"two factors": false, "one trip": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				b.flow.trip.Store(trip)
				id, started := b.embedded()
				b.stopAt(consent.StageReview, func() error { _, err := b.put(id, started, password("sandbox")); return err })
				require.Equal(t, []any{consent.Received, consent.ScaPSUAuthenticated}, b.states(id))
				judged := b.flow.judged.Load()
				for _, other := range []sca.Update{password("utter nonsense"), {Kind: sca.Password}} {
					_, err := b.put(id, started, other)
					require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "another password than was right")
				}
				other := password("sandbox")
				other.Hint.PSU = "enzo"
				_, err := b.put(id, started, other)
				fault(t, err, consent.CodeCredentials, "Header.PSU-ID")
				require.Equal(t, []any{consent.Received, consent.ScaPSUAuthenticated}, b.states(id))
				st := b.puts(id, started, password("sandbox"))
				if trip {
					require.Equal(t, judged, b.flow.judged.Load())
				} else {
					require.Equal(t, sca.NextData, st.Next)
					st = b.puts(id, started, code("right"))
				}
				require.Equal(t, consent.ScaFinalised, st.Status)
				require.Equal(t, consent.Valid, b.get(id).Status)
			})
		})
	}
}

// TestEmbeddedLeftAtReview lets another call than the one that was lost come next.
func TestEmbeddedLeftAtReview(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		b.flow.choice.Store(true)
		b.stopAt(consent.StageReview, func() error { _, err := b.put(id, started, password("sandbox")); return err })
		st := b.puts(id, started, method("sms"))
		require.Equal(t, sca.NextData, st.Next)
	})
}
