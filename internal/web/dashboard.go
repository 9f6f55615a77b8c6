package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/overview"
	"consentd/internal/service/sessions"
)

// Boards are the use cases behind the customer's dashboard. A consent that is unknown,
// or another customer's, fails with CodeNotFound in all of them.
type Boards interface {
	// Board is one page of a tab.
	Board(ctx context.Context, by overview.Viewer, w overview.Wish) (*overview.Board, error)
	// Get is all there is to say of one consent.
	Get(ctx context.Context, by overview.Viewer, id uuid.UUID) (*overview.Detail, error)
	// Stop ends a consent at its customer's wish. Fails with CodeStatusInvalid for one
	// that has ended already.
	Stop(ctx context.Context, by overview.Viewer, cause consent.Cause, id uuid.UUID) (*overview.Detail, error)
	// All are all consents that the viewer has, of both tabs.
	All(ctx context.Context, by overview.Viewer) ([]overview.Detail, error)
}

// Sessions are the use cases behind logging in: each log-in is a run that the SCA pages walk.
type Sessions interface {
	// Begin opens a run by which somebody logs in, and says at which /sca/{handle}.
	Begin(ctx context.Context, language string) (handle string, err error)
	// Enter makes a session of a run that has ended well, once, in the browser that
	// walked it, and says what its cookie holds. Fails with CodeForbidden, CodeUsed
	// and CodeExpired.
	Enter(ctx context.Context, handle, browser string) (cookie string, err error)
	// Who is logged in by a cookie. Fails with CodeUnauthenticated.
	Who(ctx context.Context, cookie string) (*sessions.Visitor, error)
	// Leave ends the session of a cookie.
	Leave(ctx context.Context, cookie string) error
	// Confirm opens a run by which somebody who is logged in confirms an act.
	Confirm(ctx context.Context, by sessions.Visitor, what, language string) (handle string, err error)
	// Confirmed says that such a run has just ended well, for this person and browser,
	// and for this act; it may be asked again. Fails like Enter, and with CodeNotFound.
	Confirmed(ctx context.Context, by sessions.Visitor, handle, browser, what string) error
}

// Dashboard serves the pages on which customers see and end their consents.
type Dashboard struct {
	Consents Boards
	Sessions Sessions
	Keys     *secret.Keys // signs the CSRF tokens
	Log      *slog.Logger
	// Brand, Origin and Secure are those of SCA.
	Brand  string
	Origin string
	Secure func(*http.Request) bool
	// Confirm asks for a second factor before a consent is ended.
	Confirm bool
	Zone    *time.Location // of the bank, in which times are told; nil: UTC
	Now     func() time.Time

	*frame
}

// The addresses of the dashboard.
const (
	homePath    = "/psu"
	boardPath   = "/psu/consents"
	loginPath   = "/psu/login"
	logoutPath  = "/psu/logout"
	confirmPath = "/psu/confirmed/"
)

// Mount adds the routes. Call it once, before the server starts; the pages of SCA,
// on which people log in, have to be on the same listener.
func (d *Dashboard) Mount(e *echo.Echo) {
	d.prepare()
	e.GET(homePath, d.home, d.protect)
	e.GET(loginPath, d.login, d.protect)
	e.GET("/psu/enter/:handle", d.enter, d.protect)
	e.GET(logoutPath, d.left, d.protect)
	e.POST(logoutPath, d.inside(d.logout), d.protect)
	e.GET(boardPath, d.inside(d.board), d.protect)
	e.GET(boardPath+".json", d.inside(d.downloadJSON), d.protect)
	e.GET(boardPath+".csv", d.inside(d.downloadCSV), d.protect)
	e.GET(boardPath+"/:id", d.inside(d.detail), d.protect)
	e.GET(boardPath+"/:id/history", d.inside(d.history), d.protect)
	e.GET(boardPath+"/:id/receipt", d.inside(d.receipt), d.protect)
	e.GET(boardPath+"/:id/stop", d.inside(d.ask), d.protect)
	e.POST(boardPath+"/:id/stop", d.inside(d.stop), d.protect)
	e.GET(confirmPath+":handle", d.inside(d.confirmed), d.protect)
	d.mountAssets(e)
	e.RouteNotFound(homePath+"/*", d.nowhere, d.protect)
}

// nowhere answers an address below ours that no page has, to whoever asks for it.
func (d *Dashboard) nowhere(c echo.Context) error {
	return d.trouble(d.glance(c), consent.E(consent.CodePathUnknown, "no such page"))
}

func (d *Dashboard) prepare() {
	d.frame = newFrame(frame{keys: d.Keys, log: d.Log, brand: d.Brand, home: d.Origin, secure: d.Secure})
	if d.Zone == nil {
		d.Zone = time.UTC
	}
}

// look is one request of somebody who is logged in, on its way to a page.
type look struct {
	c       echo.Context
	speech  *speech
	browser string // empty: it sent no cookie
	session string // what its session cookie holds
	who     sessions.Visitor
}

func (l *look) ctx() context.Context { return l.c.Request().Context() }

func (l *look) viewer() overview.Viewer {
	return overview.Viewer{PSU: l.who.PSU, BankID: l.who.BankID}
}

// cause says in the audit who it was.
func (l *look) cause() consent.Cause {
	return consent.Cause{By: consent.ByPSU, Who: l.who.PSU.String(), RequestID: l.c.Response().Header().Get(echo.HeaderXRequestID)}
}

// glance is the request of anybody.
func (d *Dashboard) glance(c echo.Context) *look {
	r := c.Request()
	choice := d.chosenLanguage(r)
	if r.Method == http.MethodGet {
		choice = d.chooseLanguage(c)
	}
	return &look{
		c: c, speech: d.pages.speeches.find(choice, r.Header.Get("Accept-Language")),
		browser: d.browser(r), session: d.kept(r, sessionCookie),
	}
}

// inside lets those in who are logged in; a form must come from a page of ours.
func (d *Dashboard) inside(next func(*look) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		l := d.glance(c)
		who, err := d.who(l)
		switch {
		case consent.CodeOf(err) == consent.CodeUnauthenticated && err != nil:
			return d.outside(l)
		case err != nil:
			return d.trouble(l, err)
		}
		l.who = *who
		if c.Request().Method != http.MethodPost {
			return next(l)
		}
		form, err := readForm(c)
		if err != nil {
			return d.trouble(l, err)
		}
		if !d.honest(c.Request(), form.Get(fieldCSRF), d.sign(l)) {
			return d.forged(l)
		}
		return next(l)
	}
}

// who asks whose session it is.
func (d *Dashboard) who(l *look) (*sessions.Visitor, error) {
	if l.session == "" {
		return nil, consent.E(consent.CodeUnauthenticated, "no session")
	}
	return d.Sessions.Who(l.ctx(), l.session) //nolint:wrapcheck // the use case's own
}

// sign is the token of the forms in a session.
func (d *Dashboard) sign(l *look) string { return d.token(l.session, l.browser) }

// consentOf reads which consent a path names, and fetches it.
func (d *Dashboard) consentOf(l *look) (*overview.Detail, error) {
	id, err := uuid.Parse(l.c.Param("id"))
	if err != nil {
		return nil, consent.E(consent.CodeNotFound, "not the id of a consent")
	}
	return d.Consents.Get(l.ctx(), l.viewer(), id) //nolint:wrapcheck // the use case's own
}

// see sends the browser on to a page of ours.
func see(l *look, path string) error {
	http.Redirect(l.c.Response(), l.c.Request(), path, http.StatusSeeOther)
	return nil
}

// sheetOf is a page of the dashboard before its content.
func (d *Dashboard) sheetOf(l *look, kind string, query url.Values) (*sheet, error) {
	sh, err := d.blank(leaf{c: l.c, speech: l.speech, kind: kind, address: l.c.Request().URL.Path, query: query})
	if err != nil {
		return nil, err
	}
	sh.Wide, sh.Visitor, sh.More = true, straight(l.who.Name), d.pages.assets.path("board.css")
	if l.who.PSU != uuid.Nil {
		sh.CSRF, sh.Inside = d.sign(l), true
	}
	return sh, nil
}
