package staging_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
	"consentd/test/pgtest"
)

// acts is who of the people may act for whom at the toy bank.
var (
	people = []string{"lea", "omar", "anna"}
	acts   = map[string][]string{"lea": {"lea"}, "omar": {"omar", "acme"}, "anna": {"anna", "acme"}}
)

// model is what the use cases are held against: the consents of one TPP, as random
// commands of random people leave them.
type model struct {
	*bundle

	tpp  string
	all  []*member
	user map[string]string // the userIds of the PSUs
}

// member is a consent with what must be true of it.
type member struct {
	id       uuid.UUID
	group    uuid.UUID
	kind     consent.Kind
	request  []byte
	customer string // for whom it was given; empty for nobody
	last     *staging.Record
}

func (m *member) seenBy(psu string) bool { return slices.Contains(acts[psu], m.customer) }

// TestNothingLeaks drives random commands of random users at consents of several rails
// and lines, and checks after each that everybody sees all of their own and nothing
// else, whatever the filter; that no consent which has ended is ever changed; that a
// consent not in force opens nothing; and that all faces of one say the same.
func TestNothingLeaks(t *testing.T) {
	b := setup(t, pgtest.SQLite)
	users := map[string]string{}
	for psu := range acts {
		users[psu] = b.user(psu)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := &model{bundle: b, tpp: fmt.Sprintf("tpp-%d", n), user: users}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") { // each takes a while, on a real store
			rapid.SampledFrom(m.commands()).Draw(rt, "command").run(rt)
			m.check(rt)
		}
		for _, psu := range people {
			m.checkAll(rt, psu)
		}
	})
}

// command is one that is driven at random.
type command struct {
	name string
	run  func(*rapid.T)
}

func (c command) String() string { return c.name }

func (m *model) commands() []command {
	return []command{
		{"stage", m.add},
		{"elsewhere", func(rt *rapid.T) {
			psu, customer := m.who(rt)
			c := m.elsewhere(psu, customer, func(d *consent.Draft) { d.TPP = m.tpp })
			m.all = append(m.all, &member{id: c.ID, group: c.ID, kind: c.Kind, customer: customer})
		}},
		{"give", m.on(m.give)},
		{"give again", m.on(m.give)},
		{"patch", m.on(func(rt *rapid.T, x *member) error {
			to := rapid.SampledFrom([]consent.Status{
				consent.Valid, consent.Suspended, consent.Suspended, consent.Rejected, consent.Revoked, consent.Expired, consent.Consumed,
			}).Draw(rt, "to")
			_, err := m.Patch(m.t.Context(), hub(), m.viewer(rt), x.id.String(), staging.Change{Status: to})
			return err
		})},
		{"revoke", m.on(m.revoke)},
		{"revoke group", m.on(m.revokeGroup)},
		{"time", func(rt *rapid.T) {
			m.advance(time.Duration(rapid.IntRange(1, 60*24*40).Draw(rt, "minutes")) * time.Minute)
		}},
	}
}

func (m *model) who(rt *rapid.T) (psu, customer string) {
	psu = rapid.SampledFrom(people).Draw(rt, "psu")
	return psu, rapid.SampledFrom(acts[psu]).Draw(rt, "customer")
}

// viewer is one who sees all, more often than one of the PSUs.
func (m *model) viewer(rt *rapid.T) staging.Viewer {
	psu := rapid.SampledFrom([]string{"", "", "", "lea", "omar"}).Draw(rt, "viewer")
	if psu == "" {
		return staging.Viewer{}
	}
	return staging.Viewer{User: uuid.MustParse(m.user[psu])}
}

func (m *model) add(rt *rapid.T) {
	draft := m.draft(by(m.tpp))
	if rapid.Bool().Draw(rt, "to pay") {
		draft = m.draft(by(m.tpp), toPay)
	}
	base := ""
	for _, x := range m.all {
		if x.id == x.group && x.kind == draft.Kind && x.request != nil && rapid.Bool().Draw(rt, "renews") {
			base = x.last.Staged.Reference
		}
	}
	r, made, err := m.Stage(m.t.Context(), hub(), draft, base)
	if err != nil || !made {
		rt.Fatalf("stage: %v", err)
	}
	m.all = append(m.all, &member{id: r.ID, group: r.GroupID, kind: r.Kind, request: draft.Staged.Request, last: r})
}

// on applies a command to one of the consents. It may be refused by a code, and must
// not half happen.
func (m *model) on(command func(*rapid.T, *member) error) func(*rapid.T) {
	return func(rt *rapid.T) {
		if len(m.all) == 0 {
			m.add(rt)
		}
		x := rapid.SampledFrom(m.all).Draw(rt, "consent")
		before := m.read(rt, x)
		err := command(rt, x)
		if err == nil {
			return
		}
		if consent.CodeOf(err) == consent.CodeInternal {
			rt.Fatalf("not by a code: %v", err)
		}
		if after := m.read(rt, x); after.Status != before.Status || !after.UpdatedAt().Equal(before.UpdatedAt()) || after.User != before.User {
			rt.Fatalf("refused with %v, and changed", err)
		}
	}
}

func (m *model) read(rt *rapid.T, x *member) *staging.Record {
	r, err := m.Get(m.t.Context(), staging.Viewer{}, x.id.String())
	if err != nil {
		rt.Fatal(err)
	}
	return r
}

func (m *model) give(rt *rapid.T, x *member) error {
	psu, customer := m.who(rt)
	status := rapid.SampledFrom([]consent.Status{"", consent.Valid, consent.Valid}).Draw(rt, "status")
	_, err := m.Patch(m.t.Context(), hub(), staging.Viewer{}, x.id.String(), staging.Change{
		User: m.user[psu], Accounts: []string{customer + "-1"}, Status: status,
	})
	if err == nil {
		x.customer = customer
	}
	return err
}

// revoke is done twice: the second time changes nothing.
func (m *model) revoke(rt *rapid.T, x *member) error {
	by := rapid.SampledFrom([]staging.RevokedBy{staging.RevokedByLFI, staging.RevokedByTPP, staging.RevokedByUserAtLFI}).Draw(rt, "by")
	v := m.viewer(rt)
	if err := m.Revoke(m.t.Context(), hub(), v, x.id.String(), by, "", ""); err != nil {
		return err
	}
	once := m.read(rt, x)
	m.advance(time.Second)
	if err := m.Revoke(m.t.Context(), hub(), v, x.id.String(), staging.RevokedByTPP, "", ""); err != nil {
		rt.Fatalf("revoked twice: %v", err)
	}
	if twice := m.read(rt, x); twice.Ending != once.Ending || !twice.UpdatedAt().Equal(once.UpdatedAt()) {
		rt.Fatal("revoked twice, and changed by the second time")
	}
	return nil
}

// revokeGroup ends all of a line that the viewer sees, and nothing else.
func (m *model) revokeGroup(rt *rapid.T, x *member) error {
	v := m.viewer(rt)
	before := map[uuid.UUID]consent.Status{}
	for _, y := range m.all {
		before[y.id] = m.read(rt, y).Status
	}
	n, err := m.RevokeGroup(m.t.Context(), hub(), v, x.group.String(), staging.RevokedByUserAtLFI, "", "")
	if err != nil {
		return err
	}
	for _, y := range m.all {
		seen := v.User == uuid.Nil
		for psu, id := range m.user {
			seen = seen || id == v.User.String() && y.seenBy(psu)
		}
		want := before[y.id]
		if y.group == x.group && seen && !want.Final() {
			want, n = consent.Revoked, n-1
		}
		if got := m.read(rt, y).Status; got != want {
			rt.Fatalf("a consent that was %s is %s, not %s", before[y.id], got, want)
		}
	}
	if n != 0 {
		rt.Fatalf("%d more were counted than ended", n)
	}
	return nil
}

func (m *model) check(rt *rapid.T) {
	for _, x := range m.all {
		m.checkOne(rt, x)
	}
	m.checkList(rt, rapid.SampledFrom(people).Draw(rt, "who lists"))
}

func (m *model) checkOne(rt *rapid.T, x *member) {
	r := m.read(rt, x)
	stored, err := m.db.Get(m.t.Context(), x.id)
	if err != nil {
		rt.Fatal(err)
	}
	stored.Settle(m.time())
	denied := m.decide(r)
	switch {
	case stored.Status != r.Status || !stored.UpdatedAt().Equal(r.UpdatedAt()):
		rt.Fatalf("%s here, %s there", r.Status, stored.Status)
	case r.Kind == consent.AccountAccess && (denied == nil) != (r.Status == consent.Valid):
		rt.Fatalf("a %s consent: %v", r.Status, denied)
	case r.Kind == consent.AccountAccess && r.Status == consent.Consumed:
		rt.Fatal("data sharing was consumed")
	case r.Staged != nil && string(r.Staged.Request) != string(x.request):
		rt.Fatal("the request has changed")
	case x.customer == "" && r.User != "":
		rt.Fatalf("nobody's is %s's", r.User)
	case x.last == nil:
	case x.last.Status.Final() && (r.Status != x.last.Status || r.Ending != x.last.Ending || !r.UpdatedAt().Equal(x.last.UpdatedAt())):
		rt.Fatalf("a %s consent has changed to %s", x.last.Status, r.Status)
	case r.UpdatedAt().Before(x.last.UpdatedAt()):
		rt.Fatal("updatedAt went back")
	}
	x.last = r
}

// checkList holds what a PSU is shown, by any filter, against what is theirs.
func (m *model) checkList(rt *rapid.T, psu string) {
	f := staging.Filter{
		TPP: m.tpp, Size: 100, Changed: rapid.Bool().Draw(rt, "changed"),
		Statuses: rapid.SampledFrom([][]consent.Status{nil, nil, {consent.Valid}, {consent.Revoked, consent.Expired, consent.Rejected}}).Draw(rt, "statuses"),
		Kinds:    rapid.SampledFrom([][]consent.Kind{nil, {consent.Payments}}).Draw(rt, "kinds"),
	}
	if len(m.all) > 0 && rapid.Bool().Draw(rt, "of a line") {
		f.Group = rapid.SampledFrom(m.all).Draw(rt, "line").group.String()
	}
	v := staging.Viewer{User: uuid.MustParse(m.user[psu])}
	if rapid.Bool().Draw(rt, "asked for") {
		v, f.User = staging.Viewer{}, m.user[psu]
	}
	found, err := m.List(m.t.Context(), v, f)
	if err != nil {
		rt.Fatal(err)
	}
	var want, got []string
	for _, x := range m.all {
		if x.seenBy(psu) && (f.Statuses == nil || slices.Contains(f.Statuses, x.last.Status)) && (f.Kinds == nil || x.kind == consent.Payments) &&
			(f.Group == "" || x.group.String() == f.Group) {
			want = append(want, x.id.String())
		}
	}
	for _, r := range found.List {
		got = append(got, r.ID.String())
		if r.User != m.user[psu] {
			rt.Fatalf("a row of %s is shown to %s", r.User, psu)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || found.Total != len(want) {
		rt.Fatalf("%s sees %v, not %v, by %+v", psu, got, want, f)
	}
}

// checkAll is the same over everything that was ever made here: no filter at all.
func (m *model) checkAll(rt *rapid.T, psu string) {
	found, err := m.List(m.t.Context(), staging.Viewer{User: uuid.MustParse(m.user[psu])}, staging.Filter{Size: 50})
	if err != nil {
		rt.Fatal(err)
	}
	owners := map[uuid.UUID]bool{}
	for _, customer := range acts[psu] {
		id, err := m.db.Customer(m.t.Context(), customer)
		require.NoError(m.t, err)
		owners[id] = true
	}
	for _, r := range found.List {
		if !owners[r.Customer] {
			rt.Fatalf("a consent of another customer is shown to %s", psu)
		}
	}
}
