package sca_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/service/sca"
)

// receipt is the receipt of a call, always the same, which says what it was told.
func (b *bundle) receipt(call, answer string) *consent.Receipt {
	return &consent.Receipt{
		Key: secretKey(call), Fingerprint: consent.Digest{1}, Answer: []byte(answer), Expires: b.walks.Now().Add(time.Hour),
	}
}

func secretKey(call string) consent.Digest {
	var key consent.Digest
	copy(key[:], call)
	return key
}

// once is a put under the receipt of a call.
func (b *bundle) once(call string, id uuid.UUID, started *consents.Started, u sca.Update) (sca.Standing, error) {
	return b.walks.Update(b.ctx, caller(), sca.Target{Consent: id, Authorisation: started.Authorisation}, u,
		func(st sca.Standing) *consent.Receipt { return b.receipt(call, string(st.Status)+" "+string(st.Next)) })
}

// kept is what the receipt of a call says; empty for none.
func (b *bundle) kept(call string) string {
	b.t.Helper()
	r, err := b.db.Receipt(b.ctx, secretKey(call))
	if consent.CodeOf(err) == consent.CodeNotFound {
		return ""
	}
	require.NoError(b.t, err)
	return string(r.Answer)
}

// history is the audit of a consent in short. It is verified on the way, with
// every other chain.
func (b *bundle) history(id uuid.UUID) []string {
	b.t.Helper()
	book := ledger.Ledger{Store: b.db, Keys: b.keys, Now: b.walks.Now, Zone: time.UTC}
	_, err := book.Verify(b.ctx, func(f ledger.Fault) { b.t.Error(f) })
	require.NoError(b.t, err)
	entries, err := b.db.History(b.ctx, id.String())
	require.NoError(b.t, err)
	var lines []string
	for _, e := range entries {
		who := e.Who
		for _, a := range b.get(id).Authorisations {
			if who == a.PSU.String() {
				who = "the PSU"
			}
		}
		lines = append(lines, string(e.By)+" "+who+" "+e.RequestID+": "+e.From+" > "+e.To+" "+e.Reason)
	}
	return lines
}

// TestReceiptTellsWhereItRests writes the receipt with the change that brings the
// walk to rest, whatever the call: never with one that only leads there.
func TestReceiptTellsWhereItRests(t *testing.T) {
	anna := service.Hint{PSU: "anna"}
	for name, x := range map[string]struct {
		approach consent.Approach
		hint     service.Hint
		before   []sca.Update
		call     sca.Update
		want     string
	}{
		"identification":  {consent.Embedded, service.Hint{}, nil, identify("anna"), "psuIdentified password"},
		"and by redirect": {consent.Redirect, service.Hint{}, nil, identify("anna"), "received "},
		"and in the app":  {consent.Decoupled, service.Hint{}, nil, identify("anna"), "psuIdentified "},
		"password":        {consent.Embedded, anna, nil, password("sandbox"), "scaMethodSelected data"},
		"code":            {consent.Embedded, anna, []sca.Update{password("sandbox")}, code("right"), "finalised "},
		"denied":          {consent.Embedded, anna, []sca.Update{password("sandbox")}, code("no"), "failed "},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(x.approach, dedicated("DE00ANNA"), x.hint)
				for _, u := range x.before {
					b.puts(id, started, u)
				}
				st, err := b.once("call", id, started, x.call)
				require.NoError(t, err)
				require.Equal(t, x.want, string(st.Status)+" "+string(st.Next))
				require.Equal(t, x.want, b.kept("call"))
				before := b.history(id)
				_, err = b.once("call", id, started, x.call)
				require.Contains(t, []consent.Code{consent.CodeRepeated, consent.CodeStatusInvalid}, consent.CodeOf(err), err)
				require.Equal(t, before, b.history(id), "moved once")
			})
		})
	}
}

// TestReceiptOfAChoiceAndAConfirmation are those that need more preparation.
func TestReceiptOfAChoiceAndAConfirmation(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.choice.Store(true)
		id, started := b.embedded()
		_, err := b.once("password", id, started, password("sandbox"))
		require.NoError(t, err)
		require.Equal(t, "psuAuthenticated method", b.kept("password"))
		_, err = b.once("method", id, started, method("sms"))
		require.NoError(t, err)
		require.Equal(t, "scaMethodSelected data", b.kept("method"))
		b.flow.choice.Store(false)
		for answer, right := range map[string]bool{"finalised ": true, "failed ": false} {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			code := b.unconfirmed(started.Handle, "anna")
			if !right {
				code = "wrong"
			}
			_, err := b.once(answer, id, started, confirm(code))
			require.NoError(t, err)
			require.Equal(t, answer, b.kept(answer))
		}
	})
}

// TestNoReceiptOfAnError leaves it to the caller to keep what was refused.
func TestNoReceiptOfAnError(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		none := func(want consent.Code, id uuid.UUID, started *consents.Started, u sca.Update) {
			t.Helper()
			_, err := b.once("call", id, started, u)
			require.Equal(t, want, consent.CodeOf(err), err)
			require.Empty(t, b.kept("call"))
		}
		id, started := b.embedded()
		none(consent.CodeCredentials, id, started, identify("enzo"))
		none(consent.CodeStatusInvalid, id, started, code("right"))
		none(consent.CodeServiceInvalid, id, started, confirm("x"))
		for _, want := range []consent.Code{consent.CodeCredentials, consent.CodeCredentials, consent.CodeLocked} {
			none(want, id, started, password("wrong"))
		}
		b.flow.choice.Store(true)
		id, started = b.embedded()
		b.puts(id, started, password("sandbox"))
		none(consent.CodeMethodUnknown, id, started, method("pigeon"))
		id, started = b.embedded()
		none(consent.CodeBlocked, id, started, password("blocked"))
		id, started = b.createBy(consent.Embedded, dedicated("DE00ENZO"), service.Hint{PSU: "anna"})
		none(consent.CodeResourceUnknown, id, started, password("sandbox"))
		b.bank.down.Store(true)
		id, started = b.embedded()
		none(consent.CodeUnavailable, id, started, password("sandbox"))
	})
}

// TestReceiptOfACallThatWasStopped is written by the call that takes it up.
func TestReceiptOfACallThatWasStopped(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.embedded()
		again := func() error { _, err := b.once("call", id, started, password("sandbox")); return err }
		b.stopAt(consent.StageReview, again)
		require.Empty(t, b.kept("call"), "it told the TPP nothing")
		require.NoError(t, again())
		require.Equal(t, "scaMethodSelected data", b.kept("call"))
	})
}

// TestCauses names who moved an authorisation, and by which call: the PSU as soon
// as we know them, the TPP that drives it, nobody where a worker does.
func TestCauses(t *testing.T) {
	made := "tpp A request-1:  > received "
	for name, x := range map[string]struct {
		approach consent.Approach
		walk     func(b *bundle, id uuid.UUID, started *consents.Started)
		want     []string
	}{
		"on our pages": {consent.Redirect, func(b *bundle, _ uuid.UUID, started *consents.Started) {
			b.authorise(started.Handle, "anna")
		}, []string{
			made, "psu the PSU : received > psuAuthenticated ", "psu the PSU : psuAuthenticated > started ",
			"psu the PSU : started > finalised ", "psu the PSU : received > valid ",
		}},
		"refused before anybody logged in": {consent.Redirect, func(b *bundle, _ uuid.UUID, started *consents.Started) {
			_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Refuse: true})
			require.NoError(b.t, err)
		}, []string{made, "psu  : received > rejected refused", "psu  : received > failed "}},
		"confirmed by the TPP": {consent.Redirect, func(b *bundle, id uuid.UUID, started *consents.Started) {
			b.puts(id, started, confirm(b.unconfirmed(started.Handle, "anna")))
		}, []string{
			made, "psu the PSU : received > psuAuthenticated ", "psu the PSU : psuAuthenticated > started ",
			"psu the PSU : started > unconfirmed ", "tpp A request-1: unconfirmed > finalised ", "tpp A request-1: received > valid ",
		}},
		"with the TPP": {consent.Embedded, func(b *bundle, id uuid.UUID, started *consents.Started) {
			b.puts(id, started, identify("anna"))
			b.puts(id, started, password("sandbox"))
			b.puts(id, started, code("right"))
		}, []string{
			made, "tpp A request-1: received > psuIdentified ", "tpp A request-1: psuIdentified > psuAuthenticated ",
			"tpp A request-1: psuAuthenticated > scaMethodSelected ", "tpp A request-1: scaMethodSelected > finalised ",
			"tpp A request-1: received > valid ",
		}},
		"in the app": {consent.Decoupled, func(b *bundle, id uuid.UUID, started *consents.Started) {
			b.puts(id, started, identify("anna"))
			require.NoError(b.t, b.work(1))
			b.app.approve()
			require.NoError(b.t, b.work(1))
		}, []string{
			made, "tpp A request-1: received > psuIdentified ", "system  : psuIdentified > started ", "psu the PSU : started > finalised ",
			"psu the PSU : received > valid ",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(x.approach, dedicated("DE00ANNA"), service.Hint{})
				x.walk(b, id, started)
				require.Equal(t, x.want, b.history(id))
			})
		})
	}
}
