package staging_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

func TestRevoke(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		for _, by := range []staging.RevokedBy{
			staging.RevokedByLFI, staging.RevokedByTPP, staging.RevokedByUserAtLFI, staging.RevokedByUserAtTPP,
		} {
			for name, r := range map[string]*staging.Record{
				"valid": b.in(consent.Valid), "suspended": b.in(consent.Suspended), "awaited": b.in(consent.Received), "nobody's": b.stage(),
				"of another rail": {Consent: b.elsewhere("lea", "lea")}, "awaited, of another rail": {Consent: b.elsewhere("", "")},
			} {
				require.NoError(t, b.Revoke(t.Context(), hub(), staging.Viewer{}, r.ID.String(), by, "", ""), name)
				got := b.get(r)
				require.Equal(t, consent.Revoked, got.Status, name)
				require.Equal(t, by, staging.RevokedByOf(got.Ending), name)
				b.advance(time.Minute)
				require.NoError(t, b.Revoke(t.Context(), hub(), staging.Viewer{}, r.ID.String(), staging.RevokedByLFI, "", ""), "once more")
				require.Equal(t, still(got), still(b.get(r)))
			}
		}
		for _, ended := range []consent.Status{consent.Rejected, consent.Consumed} {
			r := b.in(ended)
			err := b.Revoke(t.Context(), hub(), staging.Viewer{}, r.ID.String(), staging.RevokedByLFI, "", "")
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), ended)
		}
		data := b.patch(b.stage(), b.give("lea", "lea-1"))
		require.NoError(t, b.decide(data))
		require.NoError(t, b.Revoke(t.Context(), hub(), b.viewer("lea"), data.ID.String(), staging.RevokedByUserAtLFI, "", ""))
		require.Error(t, b.decide(data), "at once")
	})
}

func TestRevokeRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		r, company := b.in(consent.Valid), b.patch(b.stage(), b.give("omar", "acme-1"))
		fresh := b.renew(r.Staged.Reference, toPay)
		lea, omar, anna := b.user("lea"), b.user("omar"), b.user("anna")
		for name, test := range map[string]struct {
			v      staging.Viewer
			r      *staging.Record
			by     staging.RevokedBy
			psu    string
			reason consent.Reason
			want   consent.Code
		}{
			"nobody who revokes":   {staging.Viewer{}, r, "LFI.initiatedByUser", "", "", consent.CodeFormat},
			"no reason":            {staging.Viewer{}, r, staging.RevokedByLFI, "", "because", consent.CodeFormat},
			"a reason of a user's": {staging.Viewer{}, r, staging.RevokedByUserAtLFI, "", consent.ReasonFraud, consent.CodeServiceInvalid},
			"another user's":       {staging.Viewer{}, r, staging.RevokedByUserAtLFI, omar, "", consent.CodeForbidden},
			"another user's line":  {staging.Viewer{}, fresh, staging.RevokedByUserAtLFI, omar, "", consent.CodeForbidden},
			"an unknown user's":    {staging.Viewer{}, r, staging.RevokedByUserAtTPP, uuid.NewString(), "", consent.CodeForbidden},
			"no user":              {staging.Viewer{}, r, staging.RevokedByUserAtTPP, "lea", "", consent.CodeForbidden},
			"a viewer for another": {b.viewer("lea"), r, staging.RevokedByUserAtLFI, omar, "", consent.CodeForbidden},
			"a company of others":  {staging.Viewer{}, company, staging.RevokedByUserAtLFI, lea, "", consent.CodeForbidden},
		} {
			err := b.Revoke(t.Context(), hub(), test.v, test.r.ID.String(), test.by, test.psu, test.reason)
			require.Equal(t, test.want, consent.CodeOf(err), "%s: %v", name, err)
			require.NotEqual(t, consent.Revoked, b.get(test.r).Status, name)
		}
		require.NoError(t, b.Revoke(t.Context(), hub(), b.viewer("lea"), r.ID.String(), staging.RevokedByUserAtLFI, lea, ""))
		require.NoError(t, b.Revoke(t.Context(), hub(), staging.Viewer{}, fresh.ID.String(), staging.RevokedByUserAtTPP, lea, ""))
		require.NoError(t, b.Revoke(t.Context(), hub(), staging.Viewer{}, company.ID.String(), staging.RevokedByUserAtLFI, anna, ""))
		_, entries, err := b.Audit(t.Context(), staging.Viewer{}, company.ID.String())
		require.NoError(t, err)
		require.Equal(t, anna, entries[len(entries)-1].For)
	})
}

func TestRevokeGroup(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		root := b.patch(b.stage(named("root")), b.give("lea", "lea-1"))
		ended := b.patch(b.renew("root"), staging.Change{User: b.user("lea"), Status: consent.Rejected})
		next := b.patch(b.renew("root"), b.give("lea", "lea-2"))
		fresh := b.renew("root")
		other := b.patch(b.stage(), b.give("lea", "lea-1"))
		revoke := func(v staging.Viewer, ref, psu string) (int, error) {
			return b.RevokeGroup(t.Context(), hub(), v, ref, staging.RevokedByUserAtLFI, psu, "")
		}

		_, err := revoke(staging.Viewer{}, "nothing", "")
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = revoke(staging.Viewer{}, next.ID.String(), "")
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), "no line begins with it")
		_, err = revoke(staging.Viewer{}, "root", b.user("omar"))
		require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
		_, err = b.RevokeGroup(t.Context(), hub(), staging.Viewer{}, "root", "nobody", "", "")
		require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
		require.Equal(t, consent.Valid, b.get(root).Status)

		n, err := revoke(b.viewer("lea"), "root", "")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, []consent.Status{consent.Revoked, consent.Rejected, consent.Revoked, consent.Received, consent.Valid}, []consent.Status{
			b.get(root).Status, b.get(ended).Status, b.get(next).Status, b.get(fresh).Status, b.get(other).Status,
		}, "what is not hers yet stays, for her")
		n, err = revoke(staging.Viewer{}, root.ID.String(), b.user("lea"))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = revoke(staging.Viewer{}, "root", "")
		require.NoError(t, err, "nothing is left")
		require.Zero(t, n)
		b.stage(by("B"), named("root"))
		_, err = revoke(staging.Viewer{}, "root", "")
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err))
	})
}

// TestRevokeLongLine: a line of more consents than are read at a time.
func TestRevokeLongLine(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		const long = 103
		b.stage(named("root"))
		for range long - 1 {
			b.renew("root")
		}
		n, err := b.RevokeGroup(t.Context(), hub(), staging.Viewer{}, "root", staging.RevokedByTPP, "", "")
		require.NoError(t, err)
		require.Equal(t, long, n)
		require.Empty(t, b.list(staging.Viewer{}, staging.Filter{Statuses: []consent.Status{consent.Received}}))
	})
}

// meanwhile is a store at which something happens before anything is changed.
type meanwhile struct {
	staging.Store

	happens func()
}

func (m *meanwhile) Amend(ctx context.Context, id uuid.UUID, change func(*consent.Consent, *consent.Holder, []consent.Payment) error) (*consent.Consent, error) {
	m.happens()
	return m.Store.Amend(ctx, id, change)
}

// TestOthersMeanwhile: a consent that goes out of somebody's sight between a look and
// the change is not theirs to change.
func TestOthersMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		change := map[string]func(string) error{
			"patch": func(ref string) error {
				_, err := b.Patch(t.Context(), hub(), b.viewer("lea"), ref, staging.Change{Status: consent.Revoked})
				return err
			},
			"revoke": func(ref string) error {
				return b.Revoke(t.Context(), hub(), b.viewer("lea"), ref, staging.RevokedByUserAtLFI, "", "")
			},
			"revoke group": func(ref string) error {
				_, err := b.RevokeGroup(t.Context(), hub(), b.viewer("lea"), ref, staging.RevokedByUserAtLFI, "", "")
				return err
			},
		}
		store := b.Store
		for name, do := range change {
			c := b.elsewhere("", "")
			b.begun(c.ID, "lea", "lea")
			r := b.get(&staging.Record{Consent: c})
			require.Equal(t, b.user("lea"), r.User)
			b.Store = &meanwhile{Store: store, happens: func() { b.authorise(c.ID, "omar", "omar") }}
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(do(c.ID.String())), name)
			b.Store = store
			require.Equal(t, []any{consent.Valid, b.user("omar")}, []any{b.get(r).Status, b.get(r).User})
		}
	})
}

// TestRevokeReplaced: the customer ends what stands, of whatever rail it is.
func TestRevokeReplaced(t *testing.T) {
	for _, rail := range []consent.Rail{consent.RailSTET, consent.RailXS2A} {
		t.Run(string(rail), func(t *testing.T) { revokesReplaced(t, func(d *consent.Draft) { d.Rail = rail }) })
	}
}

func revokesReplaced(t *testing.T, forwarded func(*consent.Draft)) {
	t.Helper()
	each(t, func(t *testing.T, b *bundle) {
		former, next := b.elsewhere("lea", "lea", forwarded), b.elsewhere("lea", "lea", forwarded)
		_, err := b.db.Update(t.Context(), former.ID, func(c *consent.Consent) error {
			by := *next
			return by.Supersede([]*consent.Consent{c}, begin)
		})
		require.NoError(t, err)
		err = b.Revoke(t.Context(), hub(), staging.Viewer{}, former.ID.String(), staging.RevokedByLFI, "", "")
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the bank names one consent")
		require.NoError(t, b.Revoke(t.Context(), hub(), b.viewer("lea"), former.ID.String(), staging.RevokedByUserAtLFI, "", ""))
		require.Equal(t, consent.Expired, b.get(&staging.Record{Consent: former}).Status)
		require.Equal(t, consent.Revoked, b.get(&staging.Record{Consent: next}).Status)
	})
}
