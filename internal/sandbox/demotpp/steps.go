package demotpp

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// act is something that the visitor does with a deal: it calls the bank, and says
// what came of it and how the deal goes on from there.
type act struct {
	what string
	do   func(ctx context.Context, l *line, d deal, form url.Values) (means string, goOn func(*deal), err error)
}

// acts are by the last part of the address that their forms are sent to.
var acts = map[string]act{
	nextStart:        {"Begin an authorisation", start},
	nextIdentify:     {"Name the customer", updating(func(url.Values, deal) xs2a.UpdateRequest { return client.Identification() })},
	nextPassword:     {"Hand in the password", updating(func(f url.Values, _ deal) xs2a.UpdateRequest { return client.Password(f.Get("password")) })},
	nextMethod:       {"Choose the method", updating(func(f url.Values, _ deal) xs2a.UpdateRequest { return client.Method(f.Get("method")) })},
	nextCode:         {"Hand in the code", updating(func(f url.Values, _ deal) xs2a.UpdateRequest { return client.Answer(f.Get("code")) })},
	nextConfirm:      {"Confirm what came back", updating(func(_ url.Values, d deal) xs2a.UpdateRequest { return client.Confirmation(d.code) })},
	"content":        {"Read the consent", content},
	"authorisations": {"List the authorisations", authorisations},
	"delete":         {"End the consent", end},
	"funds":          {"Is the amount available?", funds},
}

// step does what a form on the page of a consent says, and shows that page again.
func (a *App) step(c echo.Context) error {
	doing, known := acts[c.Param("step")]
	v := a.visitor(c)
	d, found := v.deal(c.Param("n"))
	if !found || !known {
		return a.lost(c)
	}
	form, err := readForm(c)
	if err != nil {
		return a.problem(c, http.StatusBadRequest, "The form could not be read.")
	}
	l, err := a.ring(c.Request(), v)
	if err != nil {
		return a.fail(c, err)
	}
	means, goOn, err := doing.do(c.Request().Context(), l, d, form)
	number := l.told(doing.what, means, err)
	v.change(d.Number, func(d *deal) {
		d.last = number
		if goOn != nil {
			goOn(d)
		}
	})
	return c.Redirect(http.StatusSeeOther, d.Page())
}

func start(ctx context.Context, l *line, d deal, f url.Values) (string, func(*deal), error) {
	o := client.StartOptions{
		PSUIPAddress: d.Address, PSUID: f.Get(fieldPSU), PSUCorporateID: d.Corporate, PSULanguage: d.Language,
		RedirectPreferred: d.redirect, DecoupledPreferred: d.decoupled, Password: f.Get("password"),
	}
	t, err := l.start(ctx, d, o)
	if err != nil {
		return "", nil, err
	}
	return follow(d, t, func(d *deal) { d.PSU, d.code = o.PSUID, "" })
}

// updating carries the authorisation on with a body.
func updating(body func(url.Values, deal) xs2a.UpdateRequest) func(context.Context, *line, deal, url.Values) (string, func(*deal), error) {
	return func(ctx context.Context, l *line, d deal, f url.Values) (string, func(*deal), error) {
		psu := f.Get(fieldPSU)
		if psu == "" {
			psu = d.PSU
		}
		t, err := l.update(ctx, d, body(f, d), psu)
		if err != nil {
			return "", nil, err
		}
		return follow(d, t, func(d *deal) { d.PSU = psu })
	}
}

// follow has a deal go on as an answer says, and says in words where it is then.
func follow(d deal, t turn, more func(*deal)) (string, func(*deal), error) {
	goOn := func(d *deal) {
		d.take(t)
		more(d)
	}
	goOn(&d)
	means := "The authorisation is " + string(d.Sca) + "."
	if next := d.Next(); !over(d.Sca) {
		means += " " + nextMeans[next]
	}
	return means, goOn, nil
}

func content(ctx context.Context, l *line, d deal, _ url.Values) (string, func(*deal), error) {
	status, err := l.content(ctx, d)
	if err != nil {
		return "", nil, err
	}
	return "This is the consent as it is in force, which may be less than was asked for.", func(d *deal) { d.Status = status }, nil
}

func authorisations(ctx context.Context, l *line, d deal, _ url.Values) (string, func(*deal), error) {
	n, err := l.authorisations(ctx, d)
	if err != nil {
		return "", nil, err
	}
	return "Authorisations so far: " + itoa(n) + ", the oldest first.", nil, nil
}

func end(ctx context.Context, l *line, d deal, _ url.Values) (string, func(*deal), error) {
	if err := l.end(ctx, d); err != nil {
		return "", nil, err
	}
	// What it has become is asked for: one that had ended before stays as it was.
	status, err := l.endedAs(ctx, d)
	if err != nil {
		return "", nil, err
	}
	return "The consent has ended.", func(d *deal) { d.Status = status }, nil
}

// endedAs is the status that a consent has ended with. The exchange before it is
// the one to show.
func (l *line) endedAs(ctx context.Context, d deal) (xs2a.ConsentStatus, error) {
	deleted := l.recorder.last
	got, err := l.status(ctx, d)
	if err != nil {
		return "", err
	}
	l.told("Status of the consent", standing[got.ConsentStatus], nil)
	l.recorder.last = deleted
	return got.ConsentStatus, nil
}

func funds(ctx context.Context, l *line, d deal, f url.Values) (string, func(*deal), error) {
	got, _, err := l.ConfirmFunds(ctx, xs2a.FundsConfirmationRequest{
		Account: d.account, InstructedAmount: xs2a.Amount{Currency: f.Get("currency"), Amount: f.Get("amount")},
	}, client.ConfirmOptions{ConsentID: d.ID})
	if err != nil {
		return "", nil, err
	}
	if got.FundsAvailable {
		return "The amount is available. Nothing is reserved.", nil, nil
	}
	return "The amount is not available.", nil, nil
}
