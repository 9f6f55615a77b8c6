package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/overview"
	"consentd/internal/service/sessions"
	"consentd/internal/web"
)

// boards answers with what belongs to a viewer, and remembers what was asked.
type boards struct {
	owner   uuid.UUID
	own     map[uuid.UUID]*overview.Detail
	board   *overview.Board
	err     error
	wishes  []overview.Wish
	viewers []overview.Viewer
	stopped []uuid.UUID
	causes  []consent.Cause
}

func (b *boards) Board(_ context.Context, by overview.Viewer, w overview.Wish) (*overview.Board, error) {
	b.viewers, b.wishes = append(b.viewers, by), append(b.wishes, w)
	return b.board, b.err
}

func (b *boards) Get(_ context.Context, by overview.Viewer, id uuid.UUID) (*overview.Detail, error) {
	b.viewers = append(b.viewers, by)
	if d, ok := b.own[id]; ok && by.PSU == b.owner {
		return d, b.err
	}
	return nil, consent.E(consent.CodeNotFound, "no such consent")
}

func (b *boards) Stop(ctx context.Context, by overview.Viewer, cause consent.Cause, id uuid.UUID) (*overview.Detail, error) {
	d, err := b.Get(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if !d.Stops {
		return nil, consent.E(consent.CodeStatusInvalid, "the consent has ended")
	}
	b.stopped, b.causes = append(b.stopped, id), append(b.causes, cause)
	d.Status, d.Stops, d.StatusChangedAt = consent.Revoked, false, noon
	d.Ending = consent.Ending{By: consent.ByPSU, Reason: consent.ReasonWithdrawn}
	return d, nil
}

func (b *boards) All(_ context.Context, by overview.Viewer) ([]overview.Detail, error) {
	b.viewers = append(b.viewers, by)
	var all []overview.Detail
	for _, d := range b.own {
		all = append(all, *d)
	}
	return all, b.err
}

// logins knows one session, and hands out handles.
type logins struct {
	cookie    string
	visitor   sessions.Visitor
	err       error
	begun     []string // languages
	entered   []string // browsers
	left      []string
	confirms  []string // what was to be confirmed
	confirmed []string
}

func (s *logins) Begin(_ context.Context, language string) (string, error) {
	s.begun = append(s.begun, language)
	return handle, s.err
}

func (s *logins) Enter(_ context.Context, h, browser string) (string, error) {
	s.entered = append(s.entered, browser)
	if h != handle {
		return "", consent.E(consent.CodeForbidden, "not this run")
	}
	return s.cookie, s.err
}

func (s *logins) Who(_ context.Context, cookie string) (*sessions.Visitor, error) {
	if cookie != s.cookie {
		return nil, consent.E(consent.CodeUnauthenticated, "no such session")
	}
	return &s.visitor, s.err
}

func (s *logins) Leave(_ context.Context, cookie string) error {
	s.left = append(s.left, cookie)
	return s.err
}

func (s *logins) Confirm(_ context.Context, _ sessions.Visitor, what, _ string) (string, error) {
	s.confirms = append(s.confirms, what)
	return handle, s.err
}

func (s *logins) Confirmed(_ context.Context, _ sessions.Visitor, h, _, what string) error {
	s.confirmed = append(s.confirmed, what)
	if h != handle || len(s.confirms) == 0 || what != s.confirms[len(s.confirms)-1] {
		return consent.E(consent.CodeForbidden, "something else was confirmed")
	}
	return s.err
}

var noon = time.Date(2026, time.May, 14, 11, 30, 0, 0, time.UTC)

// visitors is the dashboard with a browser before it.
type visitors struct {
	*bundle

	boards *boards
	logins *logins
	dash   *web.Dashboard
	id     uuid.UUID // of a consent to share data
}

const sessionName = "consentd-session"

func open(t *testing.T, change ...func(*web.Dashboard)) *visitors {
	t.Helper()
	keys, err := secret.New(secret.NewMaster())
	require.NoError(t, err)
	omar := uuid.New()
	v := &visitors{bundle: &bundle{echo: echo.New(), log: &strings.Builder{}, cookies: map[string]string{}}, id: uuid.New()}
	v.boards = &boards{owner: omar, own: map[uuid.UUID]*overview.Detail{v.id: sharing(v.id)}, board: &overview.Board{Page: 1, Pages: 1}}
	v.logins = &logins{cookie: strings.Repeat("s", 43), visitor: sessions.Visitor{PSU: omar, BankID: "omar", Name: "Omar Al Farsi"}}
	v.dash = &web.Dashboard{
		Consents: v.boards, Sessions: v.logins, Keys: keys, Log: slog.New(slog.NewTextHandler(v.log, nil)),
		Secure: func(*http.Request) bool { return v.https }, Now: func() time.Time { return noon },
		Zone: time.FixedZone("Gulf", 4*60*60),
	}
	for _, c := range change {
		c(v.dash)
	}
	v.dash.Mount(v.echo)
	v.cookies[sessionName], v.cookies["consentd-browser"] = v.logins.cookie, strings.Repeat("b", 43)
	return v
}

// sharing is a consent to share data of one account.
func sharing(id uuid.UUID) *overview.Detail {
	made := noon.Add(-48 * time.Hour)
	account := overview.Account{
		ID: "a1", Name: "Everyday", Rights: consent.RightAccounts | consent.RightBalances,
		Reference: consent.Reference{IBAN: "AE070331234567890123456", Currency: "AED", CashAccountType: "CACC"},
	}
	return &overview.Detail{
		Card: overview.Card{
			Consent: &consent.Consent{
				ID: id, GroupID: id, Kind: consent.AccountAccess, Rail: consent.RailXS2A, TPP: "tpp-1", TPPName: "Acme Budget",
				Status: consent.Valid, StatusChangedAt: made, CreatedAt: made, Recurring: true, FrequencyPerDay: 4,
				Access: consent.Access{Scope: consent.ScopeDedicated}, ValidUntil: consent.Date{Year: 2026, Month: time.August, Day: 1},
			},
			Type: overview.DataSharing, Accounts: []overview.Account{account}, Since: made, Renewed: made, Members: 1,
		},
		Events: []overview.Event{{At: made, Kind: overview.EventGiven, Consent: id, By: consent.ByPSU}},
		Stops:  true, Signers: 1,
	}
}

func (v *visitors) see(path string, headers ...string) *httptest.ResponseRecorder {
	return v.send(newGet(path), headers...)
}

// submit sends the form of a page, with the hidden fields that it has there.
func (v *visitors) submitTo(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	page := read(t, v.see(path))
	fields := url.Values{}
	for _, form := range page.all("form") {
		if value(form, "action") == path {
			fields = document{root: form}.hidden(fields)
		}
	}
	require.NotEmpty(t, fields.Get("csrf"))
	return v.put(path, fields)
}

func (v *visitors) put(path string, fields url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fields.Encode()))
	return v.send(r, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func location(res *httptest.ResponseRecorder) string { return res.Header().Get("Location") }

func (v *visitors) paths() []string {
	base := "/psu/consents/" + v.id.String()
	return []string{"/psu/consents", "/psu/consents.json", "/psu/consents.csv", base, base + "/history", base + "/stop", base + "/receipt"}
}
