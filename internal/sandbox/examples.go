package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
)

// mediaJWK is the media type of a key (RFC 7517 §8.5.1).
const mediaJWK = "application/jwk+json"

// paymentKey serves the key for which TPPs seal who pays whom.
func (s *Sandbox) paymentKey(c echo.Context) error {
	if len(s.PaymentKey) == 0 {
		return s.fail(c, errNoManager())
	}
	return c.Blob(http.StatusOK, mediaJWK, s.PaymentKey)
}

func errNoManager() error {
	return consent.E(consent.CodeNotFound, "this sandbox has no Consent Manager")
}

// exampleOrder is the body of POST /sandbox/examples.
type exampleOrder struct {
	PSU string `json:"psu"`
}

// exampleAnswer is its answer.
type exampleAnswer struct {
	PSU      string        `json:"psu"`
	UserID   string        `json:"userId"`
	Consents []exampleView `json:"consents"`
}

// exampleView is an example on the wire.
type exampleView struct {
	ConsentID string `json:"consentId"` // as its TPP calls it
	TPP       string `json:"tpp"`
	About     string `json:"about"`
	// Added says that it was not there before.
	Added bool `json:"added"`
}

// addExamples makes the consents of a persona that a dashboard has something to show
// of, for a page's form or for a program. Those that are there stay as they are.
func (s *Sandbox) addExamples(c echo.Context) error {
	if isForm(c.Request()) {
		return s.addExamplesByForm(c)
	}
	var o exampleOrder
	if err := pages.Decode(c.Request(), &o); err != nil {
		return s.fail(c, err)
	}
	answer, err := s.examples(c.Request(), o.PSU)
	if refused, ok := errors.AsType[*hubError](err); ok {
		return c.JSON(http.StatusBadGateway, pages.Fault{Error: refused.Error()})
	}
	if err != nil {
		return s.fail(c, err)
	}
	return c.JSON(http.StatusOK, answer)
}

func (s *Sandbox) addExamplesByForm(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, pages.MaxBody)
	if err := r.ParseForm(); err != nil {
		return s.problem(c, consent.E(consent.CodeFormat, "the form cannot be read").Because(err))
	}
	answer, err := s.examples(r, r.PostForm.Get("psu"))
	if refused, ok := errors.AsType[*hubError](err); ok {
		return s.render(c, http.StatusBadGateway, "problem", pages.Fault{Error: refused.Error()})
	}
	if err != nil {
		return s.problem(c, err)
	}
	added := 0
	for _, v := range answer.Consents {
		if v.Added {
			added++
		}
	}
	return c.Redirect(http.StatusSeeOther, "/sandbox/psus/"+answer.PSU+"?examples="+strconv.Itoa(added))
}

// examples adds those of a persona that are not there. Fails with a hubError where the
// Consent Manager takes one of them not, with CodeFormat and CodeNotFound for a PSU who
// is none of ours, and with CodeStatusInvalid for one without an account.
func (s *Sandbox) examples(r *http.Request, psu string) (*exampleAnswer, error) {
	if s.Seal == nil {
		return nil, errNoManager()
	}
	if psu == "" {
		return nil, consent.At(consent.CodeFormat, "psu", "psu is required")
	}
	p, err := personaOf(psu)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	s.filling.Lock() // two at a time would stage the same consent differently
	defer s.filling.Unlock()
	who, err := s.payer(ctx, p)
	if err != nil {
		return nil, err
	}
	answer := &exampleAnswer{PSU: p.ID, UserID: who.UserID}
	h := &hub{http: s.HTTP, base: s.here(r), log: s.Log}
	for _, e := range examplesOf(who) {
		added, err := s.add(ctx, h, who, e)
		if err != nil {
			return nil, fmt.Errorf("example %s: %w", e.Name, err)
		}
		answer.Consents = append(answer.Consents, exampleView{
			ConsentID: who.consentID(e.Name), TPP: e.TPP.Name, About: e.About, Added: added,
		})
	}
	return answer, nil
}

// payer is a persona as the examples need them.
type payer struct {
	persona

	UserID   string
	Accounts []account // with an IBAN; one at least
	now      time.Time // in the bank's zone
}

func (s *Sandbox) payer(ctx context.Context, p persona) (*payer, error) {
	id, err := s.Users.UserID(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("user id: %w", err)
	}
	owned, err := s.Bank.holdings(ctx, p.Customer)
	if err != nil {
		return nil, err
	}
	who := &payer{persona: p, UserID: id, now: s.Clock.Now().In(cmp.Or(s.Zone, time.UTC))}
	for _, a := range owned {
		if a.IBAN != "" {
			who.Accounts = append(who.Accounts, a)
		}
	}
	if len(who.Accounts) == 0 {
		return nil, consent.At(consent.CodeStatusInvalid, "psu", "%s has no account that can be shared", p.ID)
	}
	return who, nil
}

// spaceOfExamples is where the names of the examples become UUIDs (RFC 9562 §5.5).
const spaceOfExamples = "5f0d5c1e-6f0b-4d65-9d0a-3d8f2f4f6c11"

// consentID is by which id a TPP knows an example. It is always the same, so that the
// examples are there once.
func (p *payer) consentID(name string) string {
	return uuid.NewSHA1(uuid.MustParse(spaceOfExamples), []byte(p.ID+"/"+name)).String()
}

// add makes an example, unless it is there. One that still waits to be decided on is
// where a former call broke off, which this one goes on with.
func (s *Sandbox) add(ctx context.Context, h *hub, who *payer, e example) (added bool, err error) {
	id := who.consentID(e.Name)
	status, err := h.status(ctx, id)
	if err != nil || status != "" && status != statusAwaiting {
		return false, err
	}
	if status == "" {
		request, err := s.request(who, e)
		if err != nil {
			return false, err
		}
		if err := h.stage(ctx, request); err != nil {
			return false, err
		}
	}
	if err := h.patch(ctx, roleHub, id, who.decision(e)); err != nil {
		return false, err
	}
	for _, p := range e.Payments {
		if err := s.pay(ctx, h, who, e, p); err != nil {
			return false, err
		}
	}
	return true, h.conclude(ctx, who, e)
}
