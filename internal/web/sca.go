package web

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/sca"
)

// Walks are the use cases behind the pages. Each may return a View beside the
// error: who asked, and the way back.
type Walks interface {
	// Open shows where the run of a handle stands. It changes nothing.
	Open(ctx context.Context, handle string, by sca.Visitor) (*sca.View, error)
	// Answer applies what the PSU sent.
	Answer(ctx context.Context, handle string, by sca.Visitor, a sca.Answer) (*sca.View, error)
	// Return applies what the browser brought from another site, and says of
	// which run; beside an error too, where that is known.
	Return(ctx context.Context, state string, by sca.Visitor, fields map[string]string) (handle string, v *sca.View, err error)
}

// SCA serves the pages on which a PSU authorises a consent.
type SCA struct {
	Walks Walks
	Keys  *secret.Keys // signs the CSRF tokens
	Log   *slog.Logger
	// Brand is the bank's name, as its customers know it; empty: Sandbox Bank.
	Brand string
	// Origin is the pages' own, such as https://sca.bank.example, where a proxy
	// changes the Host header; empty: the request's host.
	Origin string
	// Secure tells whether the browser came over https; nil: whether this
	// connection is TLS.
	Secure func(*http.Request) bool
	// AppSchemes are the schemes, besides http and https, of the apps to which
	// a TPP may have the browser sent back.
	AppSchemes []string
	// Onward are the origins, besides the TPP's, to which an answer may lead:
	// those of identity providers that the bank's flows redirect to, and those
	// to which TPPs redirect from their own. A scheme alone, such as https:,
	// allows all of it.
	Onward []string
	// Beyond is where an address of ours, to which a run returns, leads on to, such as
	// that of the authorization server; empty for any other. Nil where there is none.
	Beyond func(r *http.Request, address string) string

	*frame
}

// Mount adds the routes. Call it once, before the server starts.
func (s *SCA) Mount(e *echo.Echo) {
	s.frame = newFrame(frame{keys: s.Keys, log: s.Log, brand: s.Brand, home: s.Origin, secure: s.Secure})
	s.Brand = s.brand
	e.GET("/sca/:handle", s.show, s.protect)
	e.POST("/sca/:handle", s.answer, s.protect)
	e.GET(returnPath, s.comeBack, s.protect) // no handle reads so: they are longer
	s.mountAssets(e)
}

// show is GET: it gives the browser its cookie and shows where the run stands.
func (s *SCA) show(c echo.Context) error {
	v := s.visit(c, s.ensureBrowser(c), s.chooseLanguage(c))
	v.view, v.err = s.Walks.Open(c.Request().Context(), v.handle, s.visitor(v))
	return s.respond(v)
}

// answer is POST: what the PSU sent goes to the use case, unless anything says
// that the form was not sent from our own page in this browser.
func (s *SCA) answer(c echo.Context) error {
	v := s.visit(c, s.browser(c.Request()), s.chosenLanguage(c.Request()))
	form, err := readForm(c)
	if err != nil {
		v.err = err
		return s.respond(v)
	}
	if !s.genuine(c.Request(), v, form.Get(fieldCSRF)) {
		v.forged = true
		return s.respond(v)
	}
	v.typed = form.Get("psuId")
	v.view, v.err = s.Walks.Answer(c.Request().Context(), v.handle, s.visitor(v), answerOf(form))
	return s.respond(v)
}

// visit is one request on its way to a page.
type visit struct {
	c       echo.Context
	handle  string
	browser string // empty: it sent no cookie
	choice  string // the language that the person chose; may be empty
	address string // of the page
	found   bool   // address is that of a run
	typed   string // the user name of a form, to be shown again
	forged  bool   // the form did not come from our page

	view *sca.View
	err  error
}

// visit is a request for the page of a run.
func (s *SCA) visit(c echo.Context, browser, choice string) *visit {
	return &visit{c: c, handle: c.Param("handle"), address: c.Request().URL.Path, found: true, browser: browser, choice: choice}
}

// visitor is what the use case is told of the browser.
func (s *SCA) visitor(v *visit) sca.Visitor {
	return sca.Visitor{
		Browser: v.browser,
		Chosen:  v.choice,
		Accepts: s.pages.speeches.find(v.c.Request().Header.Get("Accept-Language")).Tag,
		Origin:  s.origin(v.c.Request()),
	}
}

// respond turns what the use case said into a page or a redirect. The codes are
// looked at first: a View beside an error may only say who asked.
func (s *SCA) respond(v *visit) error {
	s.allowForms(v)
	code := consent.Code("")
	if v.err != nil {
		code = consent.CodeOf(v.err)
	}
	switch {
	case v.forged:
		return s.problem(v, problemForged())
	case code == consent.CodeCredentials && v.view != nil && v.view.Wrong:
		return s.page(v, http.StatusUnauthorized)
	case v.err != nil:
		s.report(v, code)
		return s.problem(v, problemOf(code))
	}
	switch v.view.Page {
	case sca.PageEnded:
		return s.leave(v, v.view.ReturnTo)
	case sca.PageElsewhere:
		return s.elsewhere(v)
	case sca.PageWait, sca.PageDevice:
		v.c.Response().Header().Set("Refresh", "3")
		return s.page(v, http.StatusAccepted)
	default:
		return s.page(v, http.StatusOK)
	}
}

// leave sends the browser on, if it is an address that it may follow.
func (s *SCA) leave(v *visit, to string) error {
	if _, ok := s.onward(v, to); ok {
		http.Redirect(v.c.Response(), v.c.Request(), to, http.StatusSeeOther)
		return nil
	}
	return s.page(v, http.StatusOK) // it is over, and that is what counts
}

// onward is an address to which the browser may be sent: one outside, or one of ours,
// to which an authorization request comes back.
func (s *SCA) onward(v *visit, to string) (template.URL, bool) {
	if t, ok := s.target(to); ok {
		return t.href, true
	}
	// #nosec G203 -- nothing but our own addresses is used
	return template.URL(to), strings.HasPrefix(to, s.origin(v.c.Request())+"/")
}

// Refuse shows a browser that somebody has sent to us why nothing comes of it, in
// the words of the code: consent.CodeServiceInvalid for a request that cannot be
// followed. It is for those who serve other addresses of the same listener.
func (s *SCA) Refuse(c echo.Context, code consent.Code) error {
	return s.protect(func(c echo.Context) error {
		v := &visit{c: c, address: c.Request().URL.Path, choice: s.chosenLanguage(c.Request())}
		return s.problem(v, problemOf(code))
	})(c)
}

// report logs what the operator should know of: our own faults and the bank's.
func (s *SCA) report(v *visit, code consent.Code) {
	ctx := v.c.Request().Context()
	switch code {
	case consent.CodeInternal, consent.CodeUnavailable:
		s.Log.ErrorContext(ctx, "authorisation page failed", "code", string(code), "error", v.err)
	default:
		s.Log.DebugContext(ctx, "authorisation page refused", "code", string(code))
	}
}
