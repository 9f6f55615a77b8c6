package sca_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/sca"
)

// TestStalePage answers a page that is no longer the current one: it shows the
// current one, and costs no try.
func TestStalePage(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, started := b.create(offered(), service.Hint{})
		login, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		first := sca.Answer{Step: login.Step, Fields: map[string]string{"password": "anna"}}
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), first)
		b.page(sca.PageAccounts, v, err)
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), first)
		b.page(sca.PageAccounts, v, err)
		require.False(t, v.Wrong)
		require.EqualValues(t, 1, b.flow.judged.Load())
	})
}

// TestLanguage tells the flow the language of the person: what they chose, else
// what the TPP said, else what the browser prefers.
func TestLanguage(t *testing.T) {
	for name, x := range map[string]struct {
		visitor sca.Visitor
		hint    string
		want    string
	}{
		"chosen":  {sca.Visitor{Browser: "b", Chosen: "fr", Accepts: "en"}, "de", "fr"},
		"hinted":  {sca.Visitor{Browser: "b", Accepts: "en"}, "de", "de"},
		"browser": {sca.Visitor{Browser: "b", Accepts: "en"}, "", "en"},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, "sqlite")
			_, started := b.create(offered(), service.Hint{Language: x.hint})
			v, err := b.walks.Open(b.ctx, started.Handle, x.visitor)
			require.NoError(t, err)
			require.Equal(t, []any{x.want, x.hint}, []any{v.Spoken, v.Language})
		})
	}
}

// TestBrokenPolls shows that a run whose flow fails, or whose consent has
// ended, stands in nobody's way.
func TestBrokenPolls(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.wait.Store(true)
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		poll := func(want int) error {
			n, err := b.walks.Poll(b.ctx, 9)
			require.Equal(t, want, n)
			return err
		}
		b.advance(time.Second)
		b.flow.broken.Store(true)
		require.Error(t, poll(1))
		require.NoError(t, poll(0), "it rests")
		b.advance(10 * time.Second)
		b.flow.broken.Store(false)
		require.NoError(t, poll(1))
		require.NoError(t, b.consents.Terminate(b.ctx, caller(), id, nil))
		require.NoError(t, poll(1), "the flow learns of it")
		b.advance(10 * time.Second)
		require.NoError(t, poll(0), "there is nothing to wait for")
	})
}

// firm is what a TPP says of a company's signers.
func firm() service.Hint { return service.Hint{Corporate: "852126789"} }

// TestSignersAgreeToTheSame lets two signers choose at the same time: the one
// who comes second has seen other accounts, and has agreed to nothing.
func TestSignersAgreeToTheSame(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, one := b.create(offered(), firm())
		two := b.start(id, firm())
		b.upTo(two.Handle, "cfo", "DE00FIRM/USD")
		b.authorise(one.Handle, "ceo", "DE00FIRM/EUR")
		_, err := b.walks.Answer(b.ctx, two.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, two.Handle, by("browser"), word("right"))
		require.Equal(t, consent.CodeStale, consent.CodeOf(err))
		c := b.get(id)
		require.Equal(t, []any{consent.PartiallyAuthorised, consent.ScaFailed}, []any{c.Status, c.Authorisations[1].Status})

		again := b.start(id, firm())
		b.authorise(again.Handle, "cfo")
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestSecondSignerSeesWhatWasAgreed changes the bank's accounts between two
// signers: the second sees, and agrees to, what the first agreed to.
func TestSecondSignerSeesWhatWasAgreed(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, one := b.create(dedicated("DE00FIRM"), firm())
		b.authorise(one.Handle, "ceo")
		b.bank.more.Store(true) // another sub-account of the same IBAN, and other types
		two := b.start(id, firm())
		require.Len(t, b.upTo(two.Handle, "cfo").Offers, 2)
		_, err := b.walks.Answer(b.ctx, two.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, two.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.get(id).Status)
		require.Len(t, b.get(id).Access.Grants, 2)
	})
}

// TestAnotherPSU has the last factor answered by somebody else than who logged
// in: nothing becomes valid.
func TestAnotherPSU(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("by enzo"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		require.Equal(t, []any{consent.Received, consent.ScaFailed}, []any{b.get(id).Status, b.get(id).Authorisations[0].Status})
	})
}

// TestOutagesCostNoTry breaks the flow, then the bank, more often than there
// are tries: the right word still opens.
func TestOutagesCostNoTry(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, started := b.create(offered(), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		for range 4 {
			b.flow.broken.Store(true)
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
			require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		}
		b.flow.broken.Store(false)
		require.Equal(t, 1, b.flow.calls(), "the same answer, the same call")
		b.flow.broken.Store(true)
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("enzo"))
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
		b.flow.broken.Store(false)
		require.Equal(t, 2, b.flow.calls(), "another answer, another call")
		gone, cancel := context.WithCancel(b.ctx)
		cancel() // the browser did not wait
		_, _ = b.walks.Answer(gone, started.Handle, by("browser"), word("wrong"))
		v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("anna"))
		b.page(sca.PageAccounts, v, err)
	})
}

// TestImpatience cancels the request of the last answer: it is judged and saved
// all the same.
func TestImpatience(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		b.upTo(started.Handle, "anna")
		_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
		require.NoError(t, err)
		gone, cancel := context.WithCancel(b.ctx)
		cancel()
		_, err = b.walks.Answer(gone, started.Handle, by("browser"), word("right"))
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.get(id).Status)
	})
}

// TestTriesOutlastPages answers wrongly between other pages of the flow: the
// count goes on.
func TestTriesOutlastPages(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		_, started := b.create(offered(), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		for _, left := range []int{2, 1} {
			v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
			require.Equal(t, consent.CodeCredentials, consent.CodeOf(err))
			require.Equal(t, left, v.TriesLeft)
			v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("another page"))
			b.page(sca.PageLogin, v, err)
			require.Equal(t, left, v.TriesLeft)
		}
		_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("wrong"))
		require.Equal(t, consent.CodeLocked, consent.CodeOf(err))
	})
}

// TestCustomerIsWhoSigns lets one customer log in and walk away: the consent
// may still be authorised by another.
func TestCustomerIsWhoSigns(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{})
		b.upTo(started.Handle, "enzo", "DE00ENZO/EUR")
		b.advance(15 * time.Minute)
		again := b.start(id, service.Hint{})
		b.authorise(again.Handle, "anna", "DE00ANNA/EUR")
		require.Equal(t, consent.Valid, b.get(id).Status)
		require.Equal(t, "DE00ANNA", b.get(id).Access.Grants[0].Reference.IBAN)
	})
}

// TestRefusalWhileWaiting refuses while a worker moves the run: the refusal
// counts, and the link is used up at once.
func TestRefusalWhileWaiting(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.flow.wait.Store(true)
		for range 10 {
			id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
			b.upTo(started.Handle, "anna")
			_, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true})
			require.NoError(t, err)
			_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
			require.NoError(t, err)
			b.advance(time.Second)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = b.walks.Poll(b.ctx, 9) })
			v, err := b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Refuse: true})
			b.page(sca.PageEnded, v, err)
			wg.Wait()
			b.ended(id, consent.Rejected, consent.ReasonRefused)
			_, err = b.walks.Open(b.ctx, started.Handle, by("browser"))
			require.Equal(t, consent.CodeUsed, consent.CodeOf(err))
		}
	})
}
