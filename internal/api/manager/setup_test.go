package manager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/manager"
	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/ledger"
	"consentd/internal/service/staging"
	"consentd/test/contract"
)

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const (
	omar      = "019a9c34-0000-7b52-8f3c-2d5b6a7c8d01"
	anna      = "019a9c34-0000-7b52-8f3c-2d5b6a7c8d02"
	requestID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
)

// world is the interface over stores in memory.
type world struct {
	t        testing.TB
	echo     *echo.Echo
	handler  *manager.Handler
	staging  *memory
	payments *log
	office   *desk
	said     *bytes.Buffer // what was logged
	contract *contract.Validator
	now      time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, echo: echo.New(), said: &bytes.Buffer{}, now: start, contract: contract.Manager(t)}
	clock := func() time.Time { return w.now }
	w.staging = &memory{now: clock, policy: consent.Policy{Zone: time.UTC, MaxFrequencyPerDay: 4}}
	w.payments = &log{staging: w.staging, now: clock}
	w.office = &desk{staging: w.staging, now: clock}
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	logger := slog.New(slog.NewTextHandler(w.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.handler = &manager.Handler{
		Staging: w.staging, Payments: w.payments, Office: w.office, Keys: keys, Zone: time.UTC, Now: clock, Log: logger,
		Gate: &bankauth.Gate{Callers: byHeader{}, Ledger: nowhere{}, Log: logger}, Users: byID{},
	}
	w.handler.Mount(w.echo)
	w.echo.HTTPErrorHandler = w.handler.HTTPError
	return w
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes a call of a role, such as "hub GET /consents", and holds it against both
// descriptions.
func (w *world) call(what, body string, headers ...string) answer {
	w.t.Helper()
	parts := strings.Fields(what)
	r := httptest.NewRequest(parts[1], "/consent-manager"+parts[2], strings.NewReader(body))
	r.Header.Set("X-Test-Role", parts[0])
	r.Header.Set("X-Request-Id", requestID)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	res := rec.Result()
	raw, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	w.contract.Exchange(w.t, r, []byte(body), res, raw)
	return answer{res.StatusCode, res.Header, raw}
}

// object is a member of an answer, by its path.
func (a answer) object(t testing.TB, path ...string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(a.body, &v), string(a.body))
	for _, name := range path {
		o, ok := v.(map[string]any)
		require.True(t, ok, "%s of %s", name, a.body)
		v = o[name]
	}
	return v
}

// rows are the ids that a list holds, by the name of the member.
func (a answer) rows(t testing.TB, member string) []string {
	t.Helper()
	list, ok := a.object(t, "data").([]any)
	require.True(t, ok, string(a.body))
	ids := []string{}
	for _, x := range list {
		o, _ := x.(map[string]any)
		id, _ := o[member].(string)
		ids = append(ids, id)
	}
	return ids
}

// byHeader takes the role from a header.
type byHeader struct{}

func (byHeader) Authenticate(r *http.Request) (bankauth.Caller, error) {
	role := service.Role(r.Header.Get("X-Test-Role"))
	if !role.Known() {
		return bankauth.Caller{}, consent.E(consent.CodeUnauthenticated, "nobody")
	}
	return bankauth.Caller{ID: "token/" + string(role), Role: role}, nil
}

type byID struct{}

func (byID) User(r *http.Request) (string, error) {
	if id := r.Header.Get("X-User-Id"); id != "" {
		return id, nil
	}
	return "", consent.E(consent.CodeUnauthenticated, "for whom?")
}

type nowhere struct{}

func (nowhere) Refused(context.Context, ledger.Refusal, *consent.Receipt) error { return nil }

// memory is a store of staged consents, and of others that tests put there.
type memory struct {
	policy consent.Policy
	now    func() time.Time
	all    []*staging.Record
	tokens [][]byte
	causes []consent.Cause
	last   staging.Filter
	change staging.Change
	failed error
}

func (m *memory) Stage(ctx context.Context, cause consent.Cause, s consent.Staging, base string) (*staging.Record, bool, error) {
	for _, r := range m.all {
		if r.Staged == nil || r.TPP != s.TPP || r.Staged.Reference != s.Staged.Reference {
			continue
		}
		if !bytes.Equal(r.Staged.Request, s.Staged.Request) {
			return nil, false, consent.At(consent.CodeServiceInvalid, "consent.ConsentId", "names another consent of this TPP already")
		}
		return r, false, nil
	}
	group := s.Staged.Reference
	if base != "" {
		root, err := m.Get(ctx, staging.Viewer{}, base)
		if err != nil {
			return nil, false, consent.At(consent.CodeServiceInvalid, "consent.BaseConsentId", "names no consent of this TPP")
		}
		s.Group, group = root.ID, base
	}
	c, err := m.policy.Stage(uuid.New(), s, cause, m.now())
	if err != nil {
		return nil, false, err
	}
	r := &staging.Record{Consent: c, GroupRef: group}
	m.all, m.causes = append(m.all, r), append(m.causes, cause)
	return r, true, nil
}

func (m *memory) sees(v staging.Viewer, r *staging.Record) bool {
	return v.User == uuid.Nil || r.User == v.User.String()
}

func (m *memory) Get(_ context.Context, v staging.Viewer, ref string) (*staging.Record, error) {
	for _, r := range m.all {
		if (r.ID.String() == ref || r.Staged != nil && r.Staged.Reference == ref) && m.sees(v, r) {
			return r, nil
		}
	}
	return nil, consent.E(consent.CodeNotFound, "no such consent")
}

func (m *memory) Patch(ctx context.Context, cause consent.Cause, v staging.Viewer, ref string, p staging.Change) (*staging.Record, error) {
	r, err := m.Get(ctx, v, ref)
	if err != nil {
		return nil, err
	}
	m.change, m.causes = p, append(m.causes, cause)
	if m.failed != nil {
		return nil, m.failed
	}
	r.Because(cause)
	if _, err := uuid.Parse(p.User); p.User != "" && err != nil {
		return nil, consent.At(consent.CodeForbidden, "psuIdentifiers.userId", "is not known").Because(err)
	}
	if p.User != "" {
		r.User = p.User
		if err := r.AttachPSU(&consent.Holder{}, uuid.MustParse(p.User), uuid.MustParse(p.User), m.now()); err != nil {
			return nil, err
		}
	}
	if len(p.Accounts) > 0 {
		r.Accounts = p.Accounts
		if err := r.AttachAccounts(grants(p.Accounts), m.now()); err != nil {
			return nil, err
		}
	}
	added := r.Staged.Extra
	if p.Extra != nil {
		if added, err = p.Extra(added); err != nil {
			return nil, err
		}
	}
	if p.Token != nil {
		m.tokens = append(m.tokens, p.Token)
	}
	if err := r.Amend(added, p.Token, p.Channel, m.now()); err != nil {
		return nil, err
	}
	if p.Approvals != nil {
		if err := r.AttachApprovals(p.Required, p.Approvals, m.now()); err != nil {
			return nil, err
		}
	}
	r.LastShared, r.LastTried = p.Used, p.Tried
	return r, m.move(r, p)
}

func grants(accounts []string) []consent.Grant {
	var all []consent.Grant
	for _, id := range accounts {
		all = append(all, consent.Grant{
			AccountID: uuid.NewSHA1(uuid.Nil, []byte(id)), Rights: consent.RightAccounts, Reference: consent.Reference{IBAN: "AE070331234567890123456"},
		})
	}
	return all
}

func (m *memory) move(r *staging.Record, p staging.Change) error {
	switch {
	case p.Status == "" || p.Status == r.Status:
		return nil
	case p.Status == consent.Valid && r.Status == consent.Suspended:
		return r.Resume(m.now())
	case p.Status == consent.Valid:
		return r.Approve(m.now())
	case p.Status == consent.Suspended:
		return r.Suspend(consent.ReasonBank, m.now())
	case p.Status == consent.Rejected:
		return r.Reject(consent.ByPSU, m.now())
	case p.Status == consent.Revoked:
		return end(r, p.By, m.now())
	default:
		return consent.E(consent.CodeStatusInvalid, "cannot become %s", p.Status)
	}
}

func end(r *staging.Record, by staging.RevokedBy, now time.Time) error {
	switch by {
	case staging.RevokedByUserAtLFI:
		return r.Withdraw(now)
	case staging.RevokedByUserAtTPP:
		return r.WithdrawAtTPP(now)
	case staging.RevokedByTPP:
		return r.Terminate(now)
	default:
		return r.Revoke(consent.ReasonBank, now)
	}
}

func (m *memory) Revoke(ctx context.Context, cause consent.Cause, v staging.Viewer, ref string, by staging.RevokedBy, psu string, _ consent.Reason) error {
	r, err := m.Get(ctx, v, ref)
	if err != nil {
		return err
	}
	cause.Note = psu
	m.causes = append(m.causes, cause)
	return end(r, by, m.now())
}

func (m *memory) RevokeGroup(ctx context.Context, cause consent.Cause, v staging.Viewer, group string, by staging.RevokedBy, psu string, reason consent.Reason) (int, error) {
	n := 0
	for _, r := range m.all {
		if r.GroupRef == group && m.sees(v, r) {
			n++
			if err := m.Revoke(ctx, cause, v, r.ID.String(), by, psu, reason); err != nil {
				return n, err
			}
		}
	}
	if n == 0 {
		return 0, consent.E(consent.CodeNotFound, "no such group")
	}
	return n, nil
}

// List pages through what meets the filter, in the order in which it was staged.
func (m *memory) List(_ context.Context, v staging.Viewer, f staging.Filter) (*staging.Records, error) {
	m.last = f
	var found []staging.Record
	for _, r := range m.all {
		if m.sees(v, r) && meets(f, r) {
			found = append(found, *r)
		}
	}
	page := &staging.Records{Total: len(found)}
	from := (f.Page - 1) * f.Size
	if f.After != nil {
		from = 1 + slices.IndexFunc(found, func(r staging.Record) bool { return r.ID == f.After.ID })
	}
	from = min(from, len(found))
	page.List = found[from:min(from+f.Size, len(found))]
	if from+f.Size < len(found) {
		page.Next = &service.Cursor{ID: page.List[f.Size-1].ID}
		if f.Changed {
			page.Next.Changed = page.List[f.Size-1].UpdatedAt()
		}
	}
	return page, nil
}

func (m *memory) Audit(ctx context.Context, v staging.Viewer, ref string) (*staging.Record, []consent.Entry, error) {
	r, err := m.Get(ctx, v, ref)
	if err != nil {
		return nil, nil, err
	}
	entries, _ := r.TakePending()
	for i := range entries {
		entries[i].Seq = i + 1
	}
	return r, entries, nil
}

func (m *memory) User(_ context.Context, psu string) (string, error) {
	if psu != "omar" {
		return "", consent.At(consent.CodeNotFound, "psu", "is not known to the bank")
	}
	return omar, nil
}

func meets(f staging.Filter, r *staging.Record) bool {
	return (f.User == "" || r.User == f.User) && (f.Group == "" || r.GroupRef == f.Group) &&
		(f.Account == "" || slices.Contains(r.Accounts, f.Account)) && (f.TPP == "" || r.TPP == f.TPP) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, r.Kind)) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status)) &&
		(f.ChangedAfter.IsZero() || r.UpdatedAt().After(f.ChangedAfter))
}
