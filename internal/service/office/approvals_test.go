package office_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

// proposed is a world with two consents of a TPP, and a proposal of sam's to end them.
func proposed(t *testing.T) (w world, id uuid.UUID, consents []uuid.UUID) {
	t.Helper()
	w = setup(t)
	w.FourEyes = true
	consents = []uuid.UUID{w.add(t, "acme", consent.Valid), w.add(t, "acme", consent.Valid)}
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Revoke, TPP: "acme", Reason: consent.ReasonFraud, Note: "case 17"})
	require.NoError(t, err)
	require.Zero(t, out.Count)
	require.NotEqual(t, uuid.Nil, out.Proposal)
	require.Equal(t, consent.Valid, w.status(consents[0]), "nothing is done yet")
	return w, out.Proposal, consents
}

func TestConfirmedByAnother(t *testing.T) {
	t.Parallel()
	w, id, consents := proposed(t)
	p, err := w.Decide(t.Context(), by("staff/kim"), id, office.Confirmed)
	require.NoError(t, err)
	require.Equal(t, office.Confirmed, p.State)
	require.Equal(t, 2, p.Done)
	require.Equal(t, "staff/kim", p.DecidedBy)
	require.Equal(t, noon, p.DecidedAt)
	for _, c := range consents {
		require.Equal(t, consent.Revoked, w.status(c))
	}
	require.Len(t, w.store.entries, 2)
	for _, e := range w.store.entries {
		require.Equal(t, "staff/sam", e.Who)
		require.Equal(t, "case 17; confirmed by staff/kim", e.Operation)
		require.Equal(t, id.String(), e.RequestID, "all entries lead to the proposal")
		require.Equal(t, string(consent.ReasonFraud), e.Reason)
	}
	open, err := w.Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, open)
	kept, err := w.store.Proposal(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, office.Confirmed, kept.State)
	require.Equal(t, 2, kept.Done)
}

func TestWhoMayDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who  string
		how  office.State
		code consent.Code
	}{
		"confirm one's own":        {"staff/sam", office.Confirmed, consent.CodeForbidden},
		"refuse one's own":         {"staff/sam", office.Refused, consent.CodeForbidden},
		"withdraw one's own":       {"staff/sam", office.Withdrawn, ""},
		"confirm another's":        {"staff/kim", office.Confirmed, ""},
		"refuse another's":         {"staff/kim", office.Refused, ""},
		"withdraw another's":       {"staff/kim", office.Withdrawn, consent.CodeForbidden},
		"confirm as nobody":        {"", office.Confirmed, consent.CodeForbidden},
		"withdraw as nobody":       {"", office.Withdrawn, consent.CodeForbidden},
		"confirm as a program":     {"token/1", office.Confirmed, consent.CodeForbidden},
		"refuse as a program":      {"token/1", office.Refused, consent.CodeForbidden},
		"confirm without a name":   {"staff/", office.Confirmed, consent.CodeForbidden},
		"confirm in capitals":      {"staff/SAM", office.Confirmed, consent.CodeForbidden},
		"withdraw in capitals":     {"staff/SAM", office.Withdrawn, consent.CodeForbidden},
		"something else":           {"staff/kim", "lost", consent.CodeFormat},
		"what is no decision":      {"staff/kim", office.Open, consent.CodeFormat},
		"no decision at all":       {"staff/kim", "", consent.CodeFormat},
		"one's own in other words": {"staff/sam", "Confirmed", consent.CodeFormat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, id, consents := proposed(t)
			p, err := w.Decide(t.Context(), by(c.who), id, c.how)
			open, listErr := w.Open(t.Context())
			require.NoError(t, listErr)
			if c.code != "" {
				require.Equal(t, c.code, consent.CodeOf(err))
				require.Len(t, open, 1, "it waits as before")
				require.Equal(t, consent.Valid, w.status(consents[0]))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.how, p.State)
			require.Empty(t, open)
			_, err = w.Decide(t.Context(), by("staff/ute"), id, office.Confirmed)
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "once only")
			if c.how != office.Confirmed {
				require.Equal(t, consent.Valid, w.status(consents[0]))
			}
		})
	}
	w, _, _ := proposed(t)
	_, err := w.Decide(t.Context(), by("staff/kim"), uuid.New(), office.Confirmed)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func TestProposalsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.FourEyes = true
	ended := w.add(t, "acme", consent.Valid, func(c *consent.Consent) { c.EndsAt = noon })
	for name, c := range map[string]struct {
		who  string
		act  office.Act
		code consent.Code
	}{
		"of an unknown consent":    {"staff/sam", office.Act{Verb: office.Revoke, Consents: []uuid.UUID{uuid.New()}}, consent.CodeNotFound},
		"to pause what has ended":  {"staff/sam", office.Act{Verb: office.Suspend, Consents: []uuid.UUID{ended}}, consent.CodeStatusInvalid},
		"by nobody":                {"", office.Act{Verb: office.Revoke, TPP: "acme"}, consent.CodeForbidden},
		"by a program":             {"token/1", office.Act{Verb: office.Revoke, TPP: "acme"}, consent.CodeForbidden},
		"by staff without a name":  {"staff/", office.Act{Verb: office.Revoke, TPP: "acme"}, consent.CodeForbidden},
		"that are not well formed": {"staff/sam", office.Act{Verb: office.Revoke}, consent.CodeFormat},
	} {
		_, err := w.Do(t.Context(), by(c.who), c.act)
		require.Equal(t, c.code, consent.CodeOf(err), name)
	}
	require.Empty(t, w.store.proposals)

	require.True(t, w.FourEyesOn())
	w.FourEyes = false
	require.False(t, w.FourEyesOn())
	_, err := w.Do(t.Context(), by("token/1"), office.Act{Verb: office.Revoke, TPP: "acme"})
	require.NoError(t, err, "one pair of eyes may be a program's")
}

// Nobody keeps the others from proposing.
func TestTooManyProposals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.FourEyes = true
	propose := func(who string) (uuid.UUID, error) {
		out, err := w.Do(t.Context(), by(who), office.Act{Verb: office.Revoke, TPP: "acme"})
		return out.Proposal, err
	}
	var last uuid.UUID
	for i := range 500 {
		id, err := propose(fmt.Sprintf("staff/p%d", i/50))
		require.NoError(t, err)
		last = id
		if i == 49 {
			_, err = propose("staff/P0")
			require.Equal(t, consent.CodeTooOften, consent.CodeOf(err), "fifty are one person's")
		}
	}
	_, err := propose("staff/new")
	require.Equal(t, consent.CodeTooOften, consent.CodeOf(err), "five hundred are everybody's")
	_, err = w.Decide(t.Context(), by("staff/p9"), last, office.Withdrawn)
	require.NoError(t, err)
	_, err = propose("staff/p8")
	require.Equal(t, consent.CodeTooOften, consent.CodeOf(err))
	_, err = propose("staff/p9")
	require.NoError(t, err)
}

func TestTwoConfirmAtOnce(t *testing.T) {
	t.Parallel()
	w, id, _ := proposed(t)
	var wait sync.WaitGroup
	codes := make([]consent.Code, 8)
	for i := range codes {
		wait.Go(func() {
			_, err := w.Decide(t.Context(), by("staff/kim"), id, office.Confirmed)
			if err != nil {
				codes[i] = consent.CodeOf(err)
			}
		})
	}
	wait.Wait()
	won := 0
	for _, code := range codes {
		if code == "" {
			won++
			continue
		}
		require.Equal(t, consent.CodeStatusInvalid, code)
	}
	require.Equal(t, 1, won)
	require.Len(t, w.store.entries, 2, "each consent was moved once")
	p, err := w.store.Proposal(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 2, p.Done)
}

// What a crash leaves between the confirmation and the end is finished.
func TestFinish(t *testing.T) {
	t.Parallel()
	w, id, consents := proposed(t)
	w.store.crash = func(c uuid.UUID) error {
		if c == consents[0] {
			return errDown
		}
		return nil
	}
	p, err := w.Decide(t.Context(), by("staff/kim"), id, office.Confirmed)
	require.NoError(t, err, "the decision stands")
	require.Equal(t, office.Confirmed, p.State)
	require.Contains(t, w.log.String(), "not done yet")
	require.Equal(t, consent.Revoked, w.status(consents[1]), "one failure stands in nobody's way")
	require.Equal(t, consent.Valid, w.status(consents[0]))
	open, err := w.Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, open, "nobody can decide on it any more")
	_, err = w.Decide(t.Context(), by("staff/sam"), id, office.Withdrawn)
	require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))

	n, err := w.Finish(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, n, "whoever confirms is left a minute")
	*w.now = noon.Add(time.Minute)
	n, err = w.Finish(t.Context(), 10)
	require.ErrorIs(t, err, errDown)
	require.Zero(t, n)

	w.store.crash = nil
	n, err = w.Finish(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, consent.Revoked, w.status(consents[0]))
	kept, err := w.store.Proposal(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, office.Confirmed, kept.State)
	require.Equal(t, 2, kept.Done, "counted over both")
	n, err = w.Finish(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A single consent that has ended since it was proposed must not be tried for ever.
func TestConfirmedTooLate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.FourEyes = true
	id := w.add(t, "acme", consent.Valid)
	out, err := w.Do(t.Context(), by("staff/sam"), office.Act{Verb: office.Suspend, Consents: []uuid.UUID{id}})
	require.NoError(t, err)
	w.store.consents[id].Status = consent.Revoked
	p, err := w.Decide(t.Context(), by("staff/kim"), out.Proposal, office.Confirmed)
	require.NoError(t, err)
	require.Equal(t, office.Confirmed, p.State)
	require.Zero(t, p.Done)
	all, err := w.store.Proposals(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestDecisionsAreWrittenDown(t *testing.T) {
	t.Parallel()
	w, id, _ := proposed(t)
	_, err := w.Decide(t.Context(), by("staff/kim"), id, office.Refused)
	require.NoError(t, err)
	require.Len(t, w.store.looks, 2)
	require.Equal(t, "propose "+id.String()+`: revoke tpp="acme"`, w.store.looks[0].Operation)
	require.Equal(t, "staff/sam", w.store.looks[0].Who)
	require.Equal(t, "refused "+id.String()+`: revoke tpp="acme"`, w.store.looks[1].Operation)
	require.Equal(t, "staff/kim", w.store.looks[1].Who)
}
