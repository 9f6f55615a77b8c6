package staging_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

func TestStage(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		draft := b.draft()
		r, made, err := b.Stage(t.Context(), hub(), draft, "")
		require.NoError(t, err)
		require.True(t, made)
		require.Equal(t, []any{consent.Received, "ref-1", "", consent.RailManager}, []any{r.Status, r.GroupRef, r.User, r.Rail})
		require.Equal(t, draft.Staged.Request, r.Staged.Request, "to the byte")
		require.Empty(t, r.Accounts)
		require.Equal(t, r, b.get(r))

		again, made, err := b.Stage(t.Context(), hub(), draft, "")
		require.NoError(t, err)
		require.False(t, made)
		require.Equal(t, r, again)

		changed := draft
		changed.Staged.Request = []byte(`{"another":1}`)
		_, _, err = b.Stage(t.Context(), hub(), changed, "")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))

		b.advance(365 * 24 * time.Hour)
		again, made, err = b.Stage(t.Context(), hub(), draft, "")
		require.NoError(t, err, "though it could not be staged any more")
		require.False(t, made)
		require.Equal(t, consent.Rejected, again.Status)
		_, _, err = b.Stage(t.Context(), hub(), b.draft(func(d *consent.Staging) { d.EndsAt = begin }), "")
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
	})
}

func TestStageAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		draft := b.draft()
		var all sync.WaitGroup
		ids := make([]uuid.UUID, 8)
		for i := range ids {
			all.Go(func() {
				if r, _, err := b.Stage(t.Context(), hub(), draft, ""); err == nil {
					ids[i] = r.ID
				}
			})
		}
		all.Wait()
		for _, id := range ids {
			require.NotZero(t, id)
			require.Equal(t, ids[0], id)
		}
	})
}

func TestRenew(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		root := b.stage(named("root"))
		second := b.renew("root")
		require.Equal(t, []any{root.ID, "root"}, []any{second.GroupID, second.GroupRef})
		third := b.renew("root")
		require.Equal(t, "root", b.get(third).GroupRef)
		elsewhere := b.stage(by("B"), named("others"))
		for name, base := range map[string]string{
			"unknown": "nothing", "another TPP's": "others", "no root": second.Staged.Reference, "our id of it": root.ID.String(),
		} {
			_, _, err := b.Stage(t.Context(), hub(), b.draft(), base)
			require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err), name)
		}
		_, _, err := b.Stage(t.Context(), hub(), b.draft(toPay), "root")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err), "another type")
		require.Equal(t, "others", elsewhere.GroupRef)

		// The line is bound to the first to whom one of it is given.
		b.patch(second, b.give("lea", "lea-1"))
		require.Equal(t, consent.CodeForbidden, b.refused(third, b.give("omar", "omar-1")))
		require.Empty(t, b.get(third).User)
		b.patch(third, b.give("lea", "lea-2"))
		require.Equal(t, consent.Valid, b.get(second).Status, "a renewal ends nothing")
	})
}

func TestGet(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.stage(named("one"))
		for _, ref := range []string{"one", r.ID.String()} {
			got, err := b.Get(t.Context(), staging.Viewer{}, ref)
			require.NoError(t, err)
			require.Equal(t, r.ID, got.ID)
		}
		bank := b.elsewhere("lea", "lea")
		got, err := b.Get(t.Context(), b.viewer("lea"), bank.ID.String())
		require.NoError(t, err)
		require.Equal(t, []any{b.user("lea"), bank.ID.String()}, []any{got.User, got.GroupRef})
		require.ElementsMatch(t, []string{"lea-1", "lea-2"}, got.Accounts)

		funds := b.elsewhere("", "", func(d *consent.Draft) {
			d.Kind, d.Card, d.Access = consent.FundsConfirmation, consent.Card{}, consent.Access{
				Scope: consent.ScopeDedicated, Asked: []consent.Asked{{Reference: consent.Reference{IBAN: "AE01lea"}, Rights: consent.RightFunds}},
			}
		})
		for _, ref := range []string{
			"", "nothing", uuid.NewString(), funds.ID.String(), "{" + r.ID.String() + "}", "urn:uuid:" + r.ID.String(), uuid.Nil.String(),
		} {
			_, err = b.Get(t.Context(), staging.Viewer{}, ref)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), ref)
		}
	})
}

// TestOthers: whatever somebody who is a PSU asks of another's consent is answered as
// for one that is unknown.
func TestOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.patch(b.stage(named("root")), b.give("lea", "lea-1"))
		firm := b.patch(b.stage(), b.give("omar", "acme-1"))
		fresh := b.stage()
		ctx := t.Context()
		for name, test := range map[string]struct {
			psu  string
			ref  string
			sees bool
		}{
			"her own": {"lea", r.ID.String(), true}, "by its name": {"lea", "root", true}, "another's": {"omar", r.ID.String(), false},
			"another's, by its name": {"omar", "root", false}, "one's company's": {"omar", firm.ID.String(), true},
			"of another signer": {"anna", firm.ID.String(), true}, "a company of others": {"lea", firm.ID.String(), false},
			"nobody's": {"lea", fresh.ID.String(), false},
		} {
			v := b.viewer(test.psu)
			got, err := b.Get(ctx, v, test.ref)
			_, entries, audited := b.Audit(ctx, v, test.ref)
			if test.sees {
				require.NoError(t, err, name)
				require.NoError(t, audited, name)
				require.Equal(t, b.user(test.psu), got.User, "%s: each signer's", name)
				require.NotEmpty(t, entries)
				continue
			}
			require.Equal(t, said(t, b, v), textOf(t, err), name)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(audited), name)
			_, err = b.Patch(ctx, hub(), v, test.ref, staging.Change{Status: consent.Revoked})
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), name)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(b.Revoke(ctx, hub(), v, test.ref, staging.RevokedByUserAtLFI, "", "")), name)
			_, err = b.RevokeGroup(ctx, hub(), v, test.ref, staging.RevokedByUserAtLFI, "", "")
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), name)
		}
		require.Equal(t, consent.Valid, b.get(r).Status)
	})
}

// said is what is said of an id that nobody knows.
func said(t *testing.T, b *bundle, v staging.Viewer) consent.Error {
	t.Helper()
	_, err := b.Get(t.Context(), v, uuid.NewString())
	return textOf(t, err)
}

// textOf is what an error tells the caller.
func textOf(t *testing.T, err error) consent.Error {
	t.Helper()
	e, ok := errors.AsType[*consent.Error](err)
	require.True(t, ok)
	return consent.Error{Code: e.Code, Path: e.Path, Text: e.Text}
}

func TestUser(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		lea := b.user("lea")
		require.Equal(t, lea, b.user("lea"), "stable")
		require.NotContains(t, lea, "lea")
		require.NotEqual(t, lea, b.user("omar"))
		_, err := b.User(t.Context(), "nobody")
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		b.bank.down.Store(true)
		_, err = b.User(t.Context(), "lea")
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
	})
}

func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r := b.patch(b.stage(), b.give("lea", "lea-1"))
		r = b.patch(r, staging.Change{Status: consent.Suspended, Reason: consent.ReasonFraud, Note: "case 17"})
		require.NoError(t, b.Revoke(t.Context(), hub(), b.viewer("lea"), r.ID.String(), staging.RevokedByUserAtLFI, "", ""))
		_, entries, err := b.Audit(t.Context(), staging.Viewer{}, r.ID.String())
		require.NoError(t, err)
		type line struct {
			by           consent.Actor
			to, why, who string
			note, user   string
		}
		var got []line
		for _, e := range entries {
			got = append(got, line{e.By, e.To, e.Reason, e.Who, e.Operation, e.For})
		}
		lea := b.user("lea")
		require.Equal(t, []line{
			{consent.ByASPSP, "received", "", "hub", "", ""},
			{consent.ByASPSP, "received", "amended", "hub", "psuIdentifiers accountIds authorizationChannel", ""},
			{consent.ByASPSP, "valid", "", "hub", "", lea},
			{consent.ByASPSP, "suspended", "suspectedFraud", "hub", "case 17", ""},
			{consent.ByASPSP, "revoked", "withdrawn", "hub", "", lea},
		}, got)
	})
}
