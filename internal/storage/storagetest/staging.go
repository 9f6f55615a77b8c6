package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/register"
)

func testStaging(t *testing.T, open Open) {
	runAll(t, open, map[string]func(*testing.T, *bundle){
		"what a hub has staged is kept to the byte":       stagedIsKept,
		"a TPP has one consent of a reference":            oneOfAReference,
		"a consent is found by its reference":             foundByReference,
		"the id of a consent is no reference":             referenceOfAnother,
		"a consent is found by its reference, in sight":   foundInSight,
		"a TPP is entered with what a hub stages for it":  hubEntersTPP,
		"a blocked TPP gets nothing new":                  blockedAtHub,
		"a customer agrees":                               agreesToStaged,
		"what changes nothing is not written":             amendsNothing,
		"an amendment that fails leaves nothing":          amendmentFails,
		"a line belongs to one PSU":                       lineOfOne,
		"what was staged moves with the consent":          stagedMoves,
		"consents that nobody has staged are amended too": amendsOfOtherRails,
		"a suspension says why":                           suspensionSaysWhy,
		"a consent goes on with the line of the former":   goesOnWithLine,
	})
}

// stagingOf is what a hub stages for a TPP.
func stagingOf(edit ...func(*consent.Staging)) consent.Staging {
	s := consent.Staging{
		Kind: consent.AccountAccess, TPP: "T", TPPName: "TPP", Rights: consent.RightAccounts | consent.RightBalances,
		EndsAt: start.AddDate(0, 1, 0), AuthoriseBy: start.Add(time.Hour),
		Staged: consent.Staged{
			Reference: uuid.NewString(), Request: []byte(`{ "b":1,  "a" : [] }`), Origin: []byte("{\"z\":1,\"y\":2 }\n"),
			Permissions: []string{"ReadAccountsBasic", "ReadBalances"}, OnBehalfOf: "Somebody",
		},
	}
	for _, e := range edit {
		e(&s)
	}
	return s
}

// staged stores a consent as a hub stages it.
func (b *bundle) staged(edit ...func(*consent.Staging)) *consent.Consent {
	b.t.Helper()
	c, err := b.stage(edit...)
	require.NoError(b.t, err)
	return c
}

func (b *bundle) stage(edit ...func(*consent.Staging)) (*consent.Consent, error) {
	cause := consent.Cause{By: consent.ByTPP, Who: "T", RequestID: callID}
	c, err := consent.DefaultPolicy().Stage(uuid.Must(uuid.NewV7()), stagingOf(edit...), cause, start)
	require.NoError(b.t, err)
	return c, b.Stage(b.ctx, c)
}

// inLine has a consent go on with another's line.
func inLine(first *consent.Consent) func(*consent.Staging) {
	return func(s *consent.Staging) { s.Group = first.GroupID }
}

// amend is Amend where nothing is in the way.
func (b *bundle) amend(id uuid.UUID, change func(c *consent.Consent, h *consent.Holder, log []consent.Payment) error) *consent.Consent {
	b.t.Helper()
	c, err := b.Amend(b.ctx, id, change)
	require.NoError(b.t, err)
	return c
}

// givenTo has a customer agree to a staged consent.
func (b *bundle) givenTo(id uuid.UUID, h holder, now time.Time) *consent.Consent {
	b.t.Helper()
	return b.amend(id, func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
		return errors.Join(c.AttachPSU(line, h.psu, h.customer, now), c.AttachAccounts(h.some(0, 1), now), c.Approve(now))
	})
}

func stagedIsKept(t *testing.T, b *bundle) {
	plain := b.staged()
	require.Equal(t, plain, b.get(plain.ID))
	payment := b.staged(paying, func(s *consent.Staging) {
		s.Staged.Extra, s.Staged.Token, s.Staged.Channel = []byte(`{"x":1}`), []byte{0, 1, 255}, "App"
		s.Staged.Required = 2
		s.Staged.Approvals = []consent.Approval{{ID: "1", Type: "x", State: consent.ApprovalPending}, {ID: "2", State: consent.ApprovalGiven, At: start}}
		s.Staged.Payment.Dates = []consent.Due{{On: consent.DateOf(start, time.UTC), Amount: consent.Money{Minor: 5, Currency: "AED"}}}
	})
	require.Equal(t, payment, b.get(payment.ID))
	bare := b.staged(func(s *consent.Staging) {
		s.Staged = consent.Staged{Reference: "bare", Request: []byte("{}"), Origin: []byte(" ")}
	})
	require.Equal(t, bare, b.get(bare.ID))
	entries, err := b.Entries(b.ctx, plain.ID)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, callID, entries[0].RequestID)
	entries, err = b.Entries(b.ctx, uuid.New())
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Empty(t, b.faults())
}

func named(tpp, reference string) func(*consent.Staging) {
	return func(s *consent.Staging) { s.TPP, s.Staged.Reference = tpp, reference }
}

func oneOfAReference(t *testing.T, b *bundle) {
	first := b.staged(named("T", "one"))
	second, err := b.stage(named("T", "one"), inLine(first))
	require.Equal(t, consent.CodeRepeated, consent.CodeOf(err), "%v", err)
	_, err = b.Get(b.ctx, second.ID)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
	require.Empty(t, b.history(second.ID.String()), "and nothing is left of it")
	b.staged(named("T", "two"))
	b.staged(named("U", "one"))
	require.Empty(t, b.faults())
}

func referenceOfAnother(t *testing.T, b *bundle) {
	plain, _ := b.create(draft())
	first := b.staged()
	for _, id := range []uuid.UUID{plain.ID, first.ID} {
		c, err := b.stage(named("U", id.String()))
		require.Equal(t, consent.CodeServiceInvalid, consent.CodeOf(err), "%v", err)
		_, err = b.Get(b.ctx, c.ID)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		require.Empty(t, b.history(c.ID.String()))
	}
	b.staged(named("U", uuid.NewString()))
	require.Empty(t, b.faults())
}

func foundInSight(t *testing.T, b *bundle) {
	omar, lea := b.holder("T", "omar"), b.holder("T", "lea")
	ofT, ofU := b.givenTo(b.staged(named("T", "one")).ID, omar, start), b.givenTo(b.staged(named("U", "one")).ID, lea, start)
	b.staged(named("V", "one"))
	sight := func(customers ...uuid.UUID) service.Sight { return service.Sight{PSU: omar.psu, Customers: customers} }
	for _, x := range []struct {
		sight service.Sight
		want  *consent.Consent
		code  consent.Code
	}{
		{sight(omar.customer), ofT, ""},
		{sight(uuid.New(), lea.customer), ofU, ""},
		{sight(omar.customer, lea.customer), nil, consent.CodeServiceInvalid},
		{sight(uuid.New()), nil, consent.CodeNotFound},
		{sight(), nil, consent.CodeNotFound},
	} {
		c, err := b.StagedInSight(b.ctx, "one", x.sight)
		require.Equal(t, x.want, c)
		if x.want == nil {
			require.Equal(t, x.code, consent.CodeOf(err))
		}
	}
}

func hubEntersTPP(t *testing.T, b *bundle) {
	const id = "urn:hub/42"
	c := b.staged(named(id, "one"))
	b.staged(named(id, "two"))
	require.Equal(t, &register.TPP{ID: id, Name: c.TPPName, Roles: []string{}, FirstSeen: start}, b.tpp(id))
	entries := b.history(register.Chain(id))
	require.Len(t, entries, 1)
	require.Equal(t, []string{"", "known", "entered", "T", callID}, []string{entries[0].From, entries[0].To, entries[0].Reason, entries[0].Who, entries[0].RequestID})
	b.put(register.TPP{ID: "AE-CB:" + id, Organisation: id})
	list, err := b.Clients(b.ctx, id)
	require.NoError(t, err)
	require.Equal(t, []register.TPP{*b.tpp("AE-CB:" + id)}, list, "it takes no client's place")
	require.Empty(t, b.faults())
}

func blockedAtHub(t *testing.T, b *bundle) {
	h, r := b.holder("T", "omar"), b.register(b, start)
	asked, paying := b.staged(), b.payer()
	paused := b.givenTo(b.staged().ID, h, start)
	suspend := func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error {
		return c.Suspend(consent.ReasonBank, start)
	}
	b.amend(paused.ID, suspend)
	_, _, err := r.Block(b.ctx, officer("r"), "T", register.Block{Reason: "x"})
	require.NoError(t, err)
	agree := func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
		return errors.Join(c.AttachPSU(line, h.psu, h.customer, start), c.AttachAccounts(h.some(0, 1), start), c.Approve(start))
	}
	_, err = b.Amend(b.ctx, asked.ID, agree)
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
	require.Equal(t, asked, b.get(asked.ID))
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(b.pay(b, paying.ID, paymentOf(1), start)))
	require.Empty(t, b.paymentsOf(paying.ID))
	fresh, err := b.stage()
	require.Equal(t, consent.CodeCertificateBlocked, consent.CodeOf(err))
	require.Empty(t, b.history(fresh.ID.String()))
	b.amend(paused.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error { return c.Resume(start) })
	b.amend(asked.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error {
		return c.Reject(consent.ByPSU, start)
	})

	_, err = r.Unblock(b.ctx, officer("r"), "T")
	require.NoError(t, err)
	b.givenTo(b.staged().ID, h, start)
	b.paid(paying.ID, 1, start)
	require.Empty(t, b.faults())
}

func foundByReference(t *testing.T, b *bundle) {
	ofT, ofU, other := b.staged(named("T", "one")), b.staged(named("U", "one")), b.staged(named("U", "two"))
	plain, _ := b.create(draft())
	for _, x := range []struct {
		tpp, reference string
		want           *consent.Consent
		code           consent.Code
	}{
		{"T", "one", ofT, ""},
		{"U", "one", ofU, ""},
		{"", "two", other, ""},
		{"", "one", nil, consent.CodeServiceInvalid},
		{"T", "two", nil, consent.CodeNotFound},
		{"", "three", nil, consent.CodeNotFound},
		{"", "ONE", nil, consent.CodeNotFound},
	} {
		c, err := b.Staged(b.ctx, x.tpp, x.reference)
		require.Equal(t, x.want, c)
		if x.want == nil {
			require.Equal(t, x.code, consent.CodeOf(err), "%s %s", x.tpp, x.reference)
		}
	}
	known, err := b.References(b.ctx, []uuid.UUID{ofT.ID, other.ID, plain.ID, uuid.New()})
	require.NoError(t, err)
	require.Equal(t, map[uuid.UUID]string{ofT.ID: "one", other.ID: "two"}, known)
	known, err = b.References(b.ctx, nil)
	require.NoError(t, err)
	require.Empty(t, known)
}

func agreesToStaged(t *testing.T, b *bundle) {
	h, c := b.holder("T", "omar"), b.staged()
	at := start.Add(time.Minute)
	got := b.givenTo(c.ID, h, at)
	require.Equal(t, consent.Valid, got.Status)
	require.Equal(t, 2, got.Version)
	require.Equal(t, at, got.UpdatedAt())
	stored := b.get(c.ID)
	require.Equal(t, h.some(0, 1), stored.Access.Grants)
	require.Equal(t, []uuid.UUID{h.psu, h.customer}, []uuid.UUID{stored.GivenBy, stored.Customer})
	require.Equal(t, got, stored)
	grounds := b.grounds(c.ID)
	require.Equal(t, needed(stored), grounds.Consent, "and a decision is told so")
	require.Len(t, grounds.Accounts, 1)
	require.Empty(t, b.faults())
}

func amendsNothing(t *testing.T, b *bundle) {
	h, c := b.holder("T", "omar"), b.staged(paying)
	b.givenTo(c.ID, h, start)
	before := b.get(c.ID)
	for range 2 {
		b.amend(c.ID, func(c *consent.Consent, line *consent.Holder, log []consent.Payment) error {
			require.Equal(t, h.psu, line.PSU)
			require.Empty(t, log)
			return errors.Join(c.AttachPSU(line, h.psu, h.customer, start.Add(time.Hour)), c.AttachAccounts(h.some(0, 1), start.Add(time.Hour)))
		})
	}
	require.Equal(t, before, b.get(c.ID))
	b.update(c.ID, func(*consent.Consent) error { return nil })
	require.Equal(t, before, b.get(c.ID))
}

func amendmentFails(t *testing.T, b *bundle) {
	h, c := b.holder("T", "omar"), b.staged()
	broken := errors.New("no")
	_, err := b.Amend(b.ctx, c.ID, func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
		return errors.Join(c.AttachPSU(line, h.psu, h.customer, start), c.Amend([]byte("x"), nil, "App", start), broken)
	})
	require.ErrorIs(t, err, broken)
	require.Equal(t, c, b.get(c.ID))
	b.amend(c.ID, func(_ *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
		require.Zero(t, line.PSU, "nor is the line anybody's")
		return nil
	})
	_, err = b.Amend(b.ctx, uuid.New(), nil)
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

func lineOfOne(t *testing.T, b *bundle) {
	omar, anna, first := b.holder("T", "omar"), b.holder("T", "anna"), b.staged()
	next, apart := b.staged(inLine(first)), b.staged()
	b.givenTo(next.ID, omar, start)
	_, err := b.Amend(b.ctx, first.ID, func(c *consent.Consent, line *consent.Holder, _ []consent.Payment) error {
		require.Equal(t, omar.psu, line.PSU)
		return c.AttachPSU(line, anna.psu, anna.customer, start)
	})
	require.Equal(t, consent.CodeForbidden, consent.CodeOf(err))
	require.Zero(t, b.get(first.ID).GivenBy)
	b.givenTo(first.ID, omar, start)
	b.givenTo(apart.ID, anna, start)
	require.Equal(t, []uuid.UUID{first.ID, first.ID, apart.ID}, []uuid.UUID{b.get(first.ID).GroupID, b.get(next.ID).GroupID, b.get(apart.ID).GroupID})
}

// stagedMoves has each part of what was staged change by itself, by way of every port.
func stagedMoves(t *testing.T, b *bundle) {
	c := b.staged()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	approvals := []consent.Approval{{ID: "1", State: consent.ApprovalGiven, At: at(1)}, {ID: "2", State: consent.ApprovalPending}}
	for i, x := range []struct {
		change func(*consent.Consent) error
		is     func(*consent.Staged) any
		want   any
	}{
		{func(c *consent.Consent) error { return c.AttachApprovals(2, approvals, at(1)) }, func(s *consent.Staged) any { return s.Approvals }, approvals},
		{func(c *consent.Consent) error { return c.Amend([]byte(`{"y": 1}`), nil, "", at(2)) }, func(s *consent.Staged) any { return string(s.Extra) }, `{"y": 1}`},
		{func(c *consent.Consent) error { return c.Amend(c.Staged.Extra, []byte{7}, "", at(3)) }, func(s *consent.Staged) any { return s.Token }, []byte{7}},
		{func(c *consent.Consent) error { return c.Amend(c.Staged.Extra, c.Staged.Token, "Web", at(4)) }, func(s *consent.Staged) any { return s.Channel }, "Web"},
	} {
		if i%2 == 0 {
			b.update(c.ID, x.change)
		} else {
			b.amend(c.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error { return x.change(c) })
		}
		got := b.get(c.ID)
		require.Equal(t, x.want, x.is(got.Staged), i)
		require.Equal(t, at(i+1), got.UpdatedAt(), i)
		require.Equal(t, i+2, got.Version)
	}
	got := b.get(c.ID)
	require.Equal(t, consent.PartiallyAuthorised, got.Status)
	require.Equal(t, c.Staged.Request, got.Staged.Request)
	require.Empty(t, b.faults())
}

func amendsOfOtherRails(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	plain, k := b.agreed(psu, customer, grants), b.kinship("T", "enzo")
	b.amend(plain, func(c *consent.Consent, line *consent.Holder, log []consent.Payment) error {
		require.Nil(t, c.Staged)
		require.Empty(t, log)
		line.PSU = psu // which is kept nowhere
		return c.Suspend(consent.ReasonFraud, start)
	})
	require.Equal(t, consent.Suspended, b.get(plain).Status)
	b.amend(k.connection.ID, func(c *consent.Consent, _ *consent.Holder, _ []consent.Payment) error { return c.Withdraw(start) })
	require.Equal(t, consent.Revoked, b.get(k.connection.ID).Status)
	require.Equal(t, consent.Revoked, b.get(k.forwarded.ID).Status, "its kin end with it")
	require.Empty(t, b.faults())
}

func suspensionSaysWhy(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	id := b.agreed(psu, customer, grants)
	b.update(id, func(c *consent.Consent) error { return c.Suspend(consent.ReasonLegal, start) })
	require.Equal(t, consent.ReasonLegal, b.get(id).Suspension.Reason)
	b.update(id, func(c *consent.Consent) error { return c.Resume(start) })
	require.Zero(t, b.get(id).Suspension)
}

func goesOnWithLine(t *testing.T, b *bundle) {
	psu, customer, grants := b.person("lea")
	var first uuid.UUID
	for i := range 3 {
		c, run := b.identified(draft(), psu, customer)
		require.NoError(t, b.finish(b.ctx, run, psu, grants, start.Add(time.Duration(i)*time.Minute)))
		if i == 0 {
			first = c.ID
		}
		require.Equal(t, first, b.get(c.ID).GroupID)
	}
}
