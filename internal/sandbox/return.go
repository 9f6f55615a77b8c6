package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// cookieDemo names the consent that a browser was sent to authorise.
const cookieDemo = "sandbox_demo"

// returnPage is where the PSU arrives back at "the TPP".
type returnPage struct {
	Base    string
	Nok     bool   // the address for a negative result
	TPP     string // its name
	ID      string // of the consent; empty when the page knows none
	Funds   bool   // whether it is to the confirmation of funds
	Status  xs2a.ConsentStatus
	Meaning string
	JSON    string // what the TPP reads
	Header  string // by which the TPP is chosen, for the command to repeat it
	Curl    string // how it is read
	// Consents are the last ones, where it is not certain which one came back.
	Consents []recentConsent
}

// back shows the answer of OAuth2, where the address holds one, or else the consent
// as its TPP reads it: the one of ?consent=, the one with
// which this browser was sent away, or the only one that there is. Where none of
// these says which it was, the page names none and lists the last ones.
func (s *Sandbox) back(c echo.Context) error {
	ctx := c.Request().Context()
	page := returnPage{Base: s.base(c.Request()), Nok: strings.HasSuffix(c.Request().URL.Path, "/nok")}
	list, err := s.Recent.Recent(ctx, maxReturn)
	if err != nil {
		return s.problem(c, fmt.Errorf("recent consents: %w", err))
	}
	if answersGrant(c) {
		return s.backGranted(c, list)
	}
	if page.ID = returning(c); page.ID == "" && len(list) == 1 && readable(list[0]) {
		page.ID = list[0].ID.String()
	}
	if page.ID == "" {
		return s.backUnknown(c, page, list)
	}
	caller, kind := s.ownerIn(list, page.ID)
	who, _ := s.TPPs.find(caller)
	page.TPP, page.Header, page.Funds = who.Name, caller, kind == consent.FundsConfirmation
	if err := s.read(c.Request(), &page); err != nil {
		return s.demoFailed(c, err)
	}
	if page.Status == xs2a.Received || page.Status == xs2a.PartiallyAuthorised {
		pages.Refresh(c, 5)
	}
	return s.render(c, http.StatusOK, "return", page)
}

// backUnknown shows what there is when nobody said which consent came back.
func (s *Sandbox) backUnknown(c echo.Context, page returnPage, list []*consent.Consent) error {
	var pending bool
	page.Consents, pending = s.lines(list[:min(recentConsents, len(list))])
	if pending {
		pages.Refresh(c, 5)
	}
	return s.render(c, http.StatusOK, "return", page)
}

// readable reports whether a TPP can read a consent: in STET it cannot.
func readable(c *consent.Consent) bool { return c.Rail != consent.RailSTET }

// maxReturn is how far back the page looks for the TPP of a consent.
const maxReturn = 50

// returning finds the consent that a request says it is about; empty for none.
func returning(c echo.Context) string {
	if id := c.QueryParam("consent"); id != "" {
		return id
	}
	cookie, err := c.Cookie(cookieDemo)
	if err != nil {
		return ""
	}
	mark, id, _ := strings.Cut(cookie.Value, ".")
	if mark == "" || mark != c.QueryParam("demo") {
		return "" // of a former run
	}
	return id
}

// ownerIn is by which name of a TPP a consent is read, and of which kind it is.
func (s *Sandbox) ownerIn(list []*consent.Consent, id string) (string, consent.Kind) {
	for _, x := range list {
		if x.ID.String() != id {
			continue
		}
		if name := s.TPPs.nameOf(x.TPP); name != "" {
			return name, x.Kind
		}
	}
	return defaultTPP, consent.AccountAccess
}

// read asks the API, as the TPP would.
func (s *Sandbox) read(r *http.Request, page *returnPage) error {
	ctx := r.Context()
	tpp, err := s.tpp(ctx, s.here(r), page.Header)
	if err != nil {
		return err
	}
	info, status, err := page.ask(ctx, tpp)
	if err != nil {
		return fmt.Errorf("read the consent: %w", err)
	}
	raw, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return errors.Join(errors.New("encode the consent"), err)
	}
	if page.Curl, err = s.readCurl(ctx, page); err != nil {
		return err
	}
	page.JSON, page.Status, page.Meaning = string(raw), status, meanings[status]
	if page.Funds && status == xs2a.Valid {
		page.Meaning = validFunds
	}
	return nil
}

// ask reads the consent, of whichever kind it is.
func (page *returnPage) ask(ctx context.Context, tpp *client.Client) (any, xs2a.ConsentStatus, error) {
	if page.Funds {
		info, _, err := tpp.FundsConsent(ctx, page.ID)
		if err != nil {
			return nil, "", err //nolint:wrapcheck // read says what was tried
		}
		return info, info.ConsentStatus, nil
	}
	info, _, err := tpp.Consent(ctx, page.ID)
	if err != nil {
		return nil, "", err //nolint:wrapcheck // read says what was tried
	}
	return info, info.ConsentStatus, nil
}

// readCurl is the same as a command to paste. The page's id is one that the API
// knows, so it holds nothing that a shell would read.
func (s *Sandbox) readCurl(ctx context.Context, page *returnPage) (string, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", fmt.Errorf("request id: %w", err)
	}
	headers := []header{{"X-Request-ID", id.String()}}
	if page.Header != defaultTPP {
		headers = append(headers, header{HeaderTPP, page.Header})
	}
	path := "/v1/consents/"
	if page.Funds {
		path = "/v2/consents/confirmation-of-funds/"
	}
	target := page.Base + s.BasePath + path + page.ID
	headers, err = s.signed(ctx, draft{tpp: page.Header, method: http.MethodGet, target: target, headers: headers})
	if err != nil {
		return "", err
	}
	return command("curl "+target, headers), nil
}

// validFunds is what valid means where nothing may be read.
const validFunds = "It is in force until somebody ends it: POST /v1/funds-confirmations says whether an amount is available on the account below."

// meanings say what a status means to a TPP, and what to do next.
var meanings = map[xs2a.ConsentStatus]string{
	xs2a.Received:            "Nobody has authorised it yet. Follow its scaRedirect link, or start a new authorisation.",
	xs2a.PartiallyAuthorised: "One signer has authorised it; another one must. Start an authorisation for them.",
	xs2a.Valid:               "It is in force: the accounts below may be read until it ends. Ask for it again and authorise that, and the new one replaces this one.",
	xs2a.Rejected:            "The PSU or the bank said no. It stays rejected; ask for a new consent.",
	xs2a.RevokedByPsu:        "The PSU has withdrawn it at the bank. It stays ended; ask for a new consent.",
	xs2a.Expired:             "Its time is over, or a newer consent has replaced it.",
	xs2a.TerminatedByTpp:     "The TPP has ended it.",
	xs2a.TerminatedByAspsp:   "The bank has ended it.",
}
