package sca_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

func confirm(code string) sca.Update { return sca.Update{Kind: sca.Confirmation, Value: code} }

// codeIn is the confirmation code with which a browser goes back to the TPP.
func codeIn(t *testing.T, v *sca.View) string {
	t.Helper()
	to, err := url.Parse(v.ReturnTo)
	require.NoError(t, err)
	require.Equal(t, "https://tpp.example/ok", to.Scheme+"://"+to.Host+to.Path)
	return to.Query().Get("confirmationCode")
}

// unconfirmed walks a consent to where the TPP has to confirm it.
func (b *bundle) unconfirmed(handle, psu string, picks ...string) string {
	b.t.Helper()
	b.walks.Policy.Confirmation = true
	b.upTo(handle, psu, picks...)
	_, err := b.walks.Answer(b.ctx, handle, by("browser"), sca.Answer{Approve: true})
	require.NoError(b.t, err)
	v, err := b.walks.Answer(b.ctx, handle, by("browser"), word("right"))
	b.page(sca.PageEnded, v, err)
	code := codeIn(b.t, v)
	require.Len(b.t, code, 22)
	return code
}

func TestConfirmation(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		code := b.unconfirmed(started.Handle, "anna")
		require.Equal(t, []any{consent.Received, consent.ScaUnconfirmed}, b.states(id))
		require.Empty(t, b.get(id).Access.Grants)
		for range 2 { // the same browser may look, and answer, again
			v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
			b.page(sca.PageEnded, v, err)
			require.Equal(t, code, codeIn(t, v))
			v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Refuse: true})
			b.page(sca.PageEnded, v, err)
			require.Equal(t, code, codeIn(t, v))
		}
		for _, u := range []sca.Update{password("sandbox"), {Kind: sca.Data}, {Kind: sca.Method}} {
			_, err := b.put(id, started, u)
			require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		}
		st := b.puts(id, started, confirm(code))
		require.Equal(t, sca.Standing{Status: consent.ScaFinalised, Approach: consent.Redirect}, st)
		c := b.get(id)
		require.Equal(t, []any{consent.Valid, begin}, []any{c.Status, c.LastSCA})
		require.Len(t, c.Access.Grants, 2)

		_, err := b.put(id, started, confirm(code))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "once")
		v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/ok", v.ReturnTo, "without the code")
	})
}

func TestWrongConfirmation(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, wrong := range []func(string) string{
			func(string) string { return "" }, func(c string) string { return c[:21] }, func(c string) string { return c + "A" },
			func(string) string { return "AAAAAAAAAAAAAAAAAAAAAA" },
		} {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			code := b.unconfirmed(started.Handle, "anna")
			st := b.puts(id, started, confirm(wrong(code)))
			require.Equal(t, sca.Standing{Status: consent.ScaFailed, Approach: consent.Redirect}, st)
			require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(id))
			_, err := b.put(id, started, confirm(code))
			require.Equal(t, consent.CodeNotConfirmable, consent.CodeOf(err), "there was one try")
			b.confirmedAnew(id)
		}
	})
}

// confirmedAnew authorises a consent by a further authorisation.
func (b *bundle) confirmedAnew(id uuid.UUID) {
	b.t.Helper()
	again := b.start(id, service.Hint{})
	b.puts(id, again, confirm(b.unconfirmed(again.Handle, "anna")))
	require.Equal(b.t, consent.Valid, b.get(id).Status)
}

// TestCodeIsForOneBrowser shows the code to nobody but the browser in which the
// PSU was authenticated: it is what tells the TPP that it is the same.
func TestCodeIsForOneBrowser(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		code := b.unconfirmed(started.Handle, "anna")
		v, err := b.walks.Open(b.ctx, started.Handle, by("another"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("another"), word("right"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
		r, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
		require.NoError(t, err)
		require.NotContains(t, string(r.Memo), code, "sealed")

		b.advance(10 * time.Minute)
		v, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.Equal(t, consent.CodeExpired, consent.CodeOf(err))
		require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
	})
}

// TestConfirmationInTime gives the TPP as long as a PSU has to open a link.
func TestConfirmationInTime(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		code := b.unconfirmed(started.Handle, "anna")
		b.advance(10*time.Minute - time.Second)
		require.Equal(t, consent.ScaUnconfirmed, b.get(id).Authorisations[0].Status)
		b.advance(time.Second)
		_, err := b.put(id, started, confirm(code))
		require.Equal(t, consent.CodeNotConfirmable, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, b.states(id))
		_, err = b.consents.Expire(b.ctx, 9)
		require.NoError(t, err)
		r, err := b.db.RunByID(b.ctx, b.get(id).Authorisations[0].RunID)
		require.NoError(t, err)
		require.Nil(t, r.Memo, "the code is forgotten")
		b.confirmedAnew(id)
	})
}

// TestConfirmationReplaces ends the former consent with the confirmation, not before.
func TestConfirmationReplaces(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		former, one := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.authorise(one.Handle, "anna")
		id, two := b.create(dedicated("DE00ANNA"), service.Hint{})
		code := b.unconfirmed(two.Handle, "anna")
		require.Equal(t, consent.Valid, b.get(former).Status)
		b.puts(id, two, confirm(code))
		b.ended(former, consent.Expired, consent.ReasonReplaced)
		require.Equal(t, id, b.get(former).ReplacedBy)
	})
}

// TestConfirmationOfSigners has each signer's walk confirmed, in any order.
func TestConfirmationOfSigners(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, one := b.create(dedicated("DE00FIRM"), firm())
		two := b.start(id, firm())
		ceo, cfo := b.unconfirmed(one.Handle, "ceo"), b.unconfirmed(two.Handle, "cfo")
		require.Equal(t, []any{consent.Received, consent.ScaUnconfirmed, consent.ScaUnconfirmed}, b.states(id))
		require.NotEqual(t, ceo, cfo)
		b.puts(id, two, confirm(cfo))
		require.Equal(t, []any{consent.PartiallyAuthorised, consent.ScaUnconfirmed, consent.ScaFinalised}, b.states(id))
		b.puts(id, one, confirm(ceo))
		require.Equal(t, []any{consent.Valid, consent.ScaFinalised, consent.ScaFinalised}, b.states(id))
	})
}

// TestConfirmationThatHoldsNoLonger confirms what another signer has overtaken:
// it fails, and the signature of the other stands.
func TestConfirmationThatHoldsNoLonger(t *testing.T) {
	for name, x := range map[string]struct{ psu, picks string }{
		"they agreed to other accounts": {"cfo", "DE00FIRM/USD"},
		"the same person twice":         {"ceo", "DE00FIRM/EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, one := b.create(offered(), firm())
				two := b.start(id, firm())
				first, second := b.unconfirmed(one.Handle, "ceo", "DE00FIRM/EUR"), b.unconfirmed(two.Handle, x.psu, x.picks)
				b.puts(id, one, confirm(first))
				require.Equal(t, consent.ScaFailed, b.puts(id, two, confirm(second)).Status)
				require.Equal(t, []any{consent.PartiallyAuthorised, consent.ScaFinalised, consent.ScaFailed}, b.states(id))
			})
		})
	}
}

// TestNoCodeForWhatHoldsNoLonger overtakes a signer between the choice and the last
// factor: the browser learns it, and takes no code along.
func TestNoCodeForWhatHoldsNoLonger(t *testing.T) {
	for name, x := range map[string]struct {
		psu, picks string
		code       consent.Code
	}{
		"they agreed to other accounts": {"cfo", "DE00FIRM/USD", consent.CodeStale},
		"the same person twice":         {"ceo", "DE00FIRM/EUR", consent.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, one := b.create(offered(), firm())
				two := b.start(id, firm())
				b.upTo(two.Handle, x.psu, x.picks)
				_, err := b.walks.Answer(b.ctx, two.Handle, by("browser"), sca.Answer{Approve: true})
				require.NoError(t, err)
				b.puts(id, one, confirm(b.unconfirmed(one.Handle, "ceo", "DE00FIRM/EUR")))

				v, err := b.walks.Answer(b.ctx, two.Handle, by("browser"), word("right"))
				require.Equal(t, x.code, consent.CodeOf(err), err)
				require.Equal(t, "https://tpp.example/nok", v.ReturnTo)
				require.Equal(t, []any{consent.PartiallyAuthorised, consent.ScaFinalised, consent.ScaFailed}, b.states(id))
			})
		})
	}
}

// TestNoConfirmationWithoutABrowser asks for a code only where one came back.
func TestNoConfirmationWithoutABrowser(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.walks.Policy.Confirmation = true
		id, started := b.embedded()
		b.puts(id, started, password("sandbox"))
		require.Equal(t, consent.ScaFinalised, b.puts(id, started, code("right")).Status)
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestConfirmationAfterAWait has a worker bring the walk to its end: the browser
// that waited takes the code along.
func TestConfirmationAfterAWait(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.walks.Policy.Confirmation = true
		b.flow.wait.Store(true)
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		b.flow.wait.Store(false)
		require.NoError(t, b.work(1))
		require.NoError(t, b.work(0))
		require.Equal(t, []any{consent.Received, consent.ScaUnconfirmed}, b.states(id))
		v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageEnded, v, err)
		b.puts(id, started, confirm(codeIn(t, v)))
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestCodeBesideAQuery keeps what the TPP's own URI asks for.
func TestCodeBesideAQuery(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		var started *consents.Started
		for uri, want := range map[string]string{
			"https://tpp.example/ok?state=a%20b&x": "https://tpp.example/ok?state=a%20b&x&confirmationCode=",
			"acmeapp:back":                         "acmeapp:back?confirmationCode=",
		} {
			_, err := b.consents.Create(b.ctx, caller(), consent.Draft{
				Access: dedicated("DE00ANNA"), FrequencyPerDay: 1, ValidUntil: consent.DateOf(begin, time.UTC), RedirectURI: uri,
			}, consents.Wish{Approach: consent.Redirect}, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
				started = s
				return nil
			})
			require.NoError(t, err)
			b.walks.Policy.Confirmation = true
			b.upTo(started.Handle, "anna")
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
			require.NoError(t, err)
			v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
			b.page(sca.PageEnded, v, err)
			require.Equal(t, want, v.ReturnTo[:len(v.ReturnTo)-22])
		}
	})
}
