package staging_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/register"
	"consentd/internal/service/staging"
)

// The id of a consent is no name for another, of whatever rail.
func TestNamedLikeAnother(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r, bank := b.stage(), b.elsewhere("lea", "lea")
		for _, ref := range []string{r.ID.String(), bank.ID.String(), strings.ToUpper(r.ID.String()), "{" + bank.ID.String() + "}"} {
			_, _, err := b.Stage(t.Context(), hub(), b.draft(by("B"), named(ref)), "")
			e, ok := errors.AsType[*consent.Error](err)
			require.True(t, ok, "%s: %v", ref, err)
			require.Equal(t, []any{consent.CodeServiceInvalid, "consent.ConsentId"}, []any{e.Code, e.Path}, ref)
		}
		free := uuid.NewString()
		want := b.stage(by("B"), named(free))
		got, err := b.Get(t.Context(), staging.Viewer{}, free)
		require.NoError(t, err)
		require.Equal(t, want.ID, got.ID)
	})
}

// A name that several TPPs use means to a user the one that they see.
func TestNameOfSeveral(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		theirs := b.patch(b.stage(named("one")), b.give("lea", "lea-1"))
		other := b.patch(b.stage(by("B"), named("one")), b.give("omar", "omar-1"))
		b.stage(by("C"), named("one"))
		_, err := b.Get(t.Context(), staging.Viewer{}, "one")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
		for psu, want := range map[string]*staging.Record{"lea": theirs, "omar": other} {
			got, err := b.Get(t.Context(), b.viewer(psu), "one")
			require.NoError(t, err)
			require.Equal(t, want.ID, got.ID)
			require.Equal(t, []string{"one"}, b.list(b.viewer(psu), staging.Filter{Group: "one"}))
		}
		for _, v := range []staging.Viewer{b.viewer("anna"), {User: uuid.New()}} {
			_, err = b.Get(t.Context(), v, "one")
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		}
		require.NoError(t, b.Revoke(t.Context(), hub(), b.viewer("lea"), "one", staging.RevokedByUserAtLFI, "", ""))
		require.Equal(t, []consent.Status{consent.Revoked, consent.Valid}, []consent.Status{b.get(theirs).Status, b.get(other).Status})
		b.patch(b.stage(by("D"), named("one")), b.give("lea", "lea-2"))
		_, err = b.Get(t.Context(), b.viewer("lea"), "one")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err), "both are theirs")
	})
}

// A TPP that the bank has blocked gets nothing new, though it never calls itself.
func TestBlockedTPP(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const tpp = "urn:hub/42"
		r, paid := b.stage(by(tpp)), b.patch(b.stage(by(tpp), toPay), b.give("lea", "lea-1"))
		reg := &register.Register{Store: b.db, Now: b.time, Log: slog.New(slog.DiscardHandler)}
		known, err := reg.Get(t.Context(), tpp)
		require.NoError(t, err)
		require.Equal(t, []any{"The TPP", begin}, []any{known.Name, known.FirstSeen})
		_, _, err = reg.Block(t.Context(), hub(), tpp, register.Block{Reason: "licence withdrawn"})
		require.NoError(t, err)

		pay := consent.Payment{Consent: paid.ID, Key: "k", Amount: consent.Money{Minor: 1, Currency: "AED"}}
		stage := func() error { _, _, err := b.Stage(t.Context(), hub(), b.draft(by(tpp)), ""); return err }
		record := func() error { _, _, err := b.pays.Record(t.Context(), hub(), pay); return err }
		require.Equal(t, consent.CodeCertificateBlocked, b.refused(r, b.give("lea", "lea-1")))
		require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(stage()))
		require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(record()))
		got := b.get(r)
		require.Equal(t, []any{consent.Received, ""}, []any{got.Status, got.User}, "nothing of it was kept")
		b.patch(r, staging.Change{User: b.user("lea"), Accounts: []string{"lea-1"}})
		b.stage(by("another"))

		_, err = reg.Unblock(t.Context(), hub(), tpp)
		require.NoError(t, err)
		require.Equal(t, consent.Valid, b.patch(r, staging.Change{Status: consent.Valid}).Status)
		require.NoError(t, errors.Join(stage(), record()))
		_, ended, err := reg.Block(t.Context(), hub(), tpp, register.Block{Reason: "licence withdrawn", EndsConsents: true})
		require.NoError(t, err)
		require.Equal(t, 3, ended)
		require.NoError(t, record(), "the same again")
		require.Equal(t, consent.Ending{By: consent.ByASPSP, Reason: consent.ReasonTPPBlocked}, b.get(r).Ending)
	})
}
