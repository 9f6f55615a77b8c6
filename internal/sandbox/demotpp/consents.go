package demotpp

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/pkg/xs2a"
)

// consentPage shows a deal and the next step.
type consentPage struct {
	place
	Deal  deal
	Next  string
	Hint  string
	Phone string // of the PSU, where the sandbox has one
	Last  *exchange
	Polls []exchange // what was asked to show this page
	// Returned tells that the browser came back from the bank, and Nok by which of
	// the two addresses.
	Returned, Nok bool
	// Stale tells that the bank did not say how things stand now: the page has what
	// it said before.
	Stale bool
	// More shows the form of a further authorisation.
	More bool
	// Still tells that the page does not load itself again.
	Still bool
}

// consent shows where a consent stands. Each look asks the bank.
func (a *App) consent(c echo.Context) error {
	v := a.visitor(c)
	d, known := v.deal(c.Param("n"))
	if !known {
		return a.lost(c)
	}
	return a.consentPage(c, v, d, consentPage{More: c.QueryParam("more") != ""})
}

// send sends the PSU's browser to the bank.
func (a *App) send(c echo.Context) error {
	v := a.visitor(c)
	d, known := v.deal(c.Param("n"))
	if !known {
		return a.lost(c)
	}
	if d.Redirect() == "" {
		return c.Redirect(http.StatusSeeOther, d.Page())
	}
	v.change(d.Number, func(d *deal) { d.away = true })
	return c.Redirect(http.StatusSeeOther, d.Redirect())
}

// back is where the PSU's browser returns. The address says which consent it is
// about, but only who asked for it goes on with it; and what came of it the bank
// says, not the address.
func (a *App) back(c echo.Context) error {
	v := a.visitor(c)
	state := c.QueryParam("state")
	d, known := v.where(func(d deal) bool { return d.state == state || state == "" && d.away })
	if !known {
		return a.lost(c)
	}
	code := c.QueryParam("confirmationCode")
	d = v.change(d.Number, func(d *deal) {
		d.away = false
		if code != "" {
			d.code = code
		}
	})
	return a.consentPage(c, v, d, consentPage{Returned: true, Nok: strings.HasSuffix(c.Request().URL.Path, "/nok")})
}

const (
	// often is how soon a page looks again, in seconds; seldom, after manyPolls.
	often     = 3
	seldom    = 10
	manyPolls = 20
)

func (a *App) consentPage(c echo.Context, v *visitor, d deal, page consentPage) error {
	if !d.Ended() {
		numbers, err := a.look(c, v, &d)
		if err != nil {
			return a.fail(c, err)
		}
		for _, number := range numbers {
			if x := v.exchange(number); x != nil {
				page.Polls, page.Stale = append(page.Polls, *x), page.Stale || !x.Good()
			}
		}
	}
	page.place, page.Deal, page.Last = a.place(c), d, v.exchange(d.last)
	page.Next = d.Next()
	page.Hint, page.Phone = nextMeans[page.Next], a.phone(d.PSU)
	page.More = page.More || page.Next == nextAgain
	// Before the PSU was sent away, nothing changes by itself.
	waits := page.Next == nextWait || page.Next == nextRedirect && (d.away || page.Returned)
	page.Still = !waits && !page.Stale || page.More
	if !page.Still {
		after := often
		if d.polls > manyPolls {
			after = seldom
		}
		c.Response().Header().Set("Refresh", strconv.Itoa(after)+"; url="+d.Page())
	}
	name := "consent"
	if page.Returned {
		name = "return"
	}
	page.Name = name
	return a.render(c, http.StatusOK, "consent", page)
}

// look asks the bank where a deal stands and, while it may be authorised, how far
// its authorisation is. It returns the numbers of the exchanges.
func (a *App) look(c echo.Context, v *visitor, d *deal) ([]int, error) {
	l, err := a.ring(c.Request(), v)
	if err != nil {
		return nil, err
	}
	l.polls = true
	ctx := c.Request().Context()
	numbers := []int{}
	if d.Authorisation != "" && !over(d.Sca) {
		number, sca := l.lookSca(ctx, *d)
		numbers = append(numbers, number)
		*d = v.change(d.Number, func(d *deal) { d.hear(sca) })
	}
	// The consent comes last: it never is less far than its authorisation.
	status, err := l.status(ctx, *d)
	means := ""
	if err == nil {
		means = standing[status.ConsentStatus]
	}
	numbers = append(numbers, l.told("Status of the consent", means, err))
	*d = v.change(d.Number, func(d *deal) {
		d.polls++
		if status != nil {
			d.Status = status.ConsentStatus
		}
	})
	return numbers, nil
}

func (l *line) lookSca(ctx context.Context, d deal) (int, *xs2a.ScaStatusResponse) {
	got, err := l.scaStatus(ctx, d)
	means := ""
	if err == nil {
		means = "The authorisation is " + string(got.ScaStatus) + "."
	}
	return l.told("Status of the authorisation", means, err), got
}

// hear takes what a look at the authorisation says; nil for nothing.
func (d *deal) hear(got *xs2a.ScaStatusResponse) {
	if got == nil {
		return
	}
	d.Sca = got.ScaStatus
	if got.PSUMessage != "" {
		d.Message = got.PSUMessage
	}
}

// phone is where a customer's phone lies in the sandbox; empty for somebody whom
// it does not have.
func (a *App) phone(login string) string {
	for _, p := range a.People {
		if p.Login == login {
			return "/sandbox/psus/" + p.Login + "/phone"
		}
	}
	return ""
}
