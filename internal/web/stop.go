package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// stopping is the body of the page that says what ending a consent brings about.
type stopping struct {
	permit

	Short   string
	Effects []string
	Amount  string // of the payment, where it is one
	Confirm string // what the button says
	Then    string // that a second factor comes next
	Here    string // where the form goes
}

// stopWords are how a type of consent is ended, and what that brings about.
type stopWords struct {
	button, title, confirm, act string
	effects                     []string
}

// othersStay says what is not ended.
const othersStay = "stop.others"

// stops are those words by type.
var stops = map[overview.Type]stopWords{
	overview.DataSharing: {
		"stop.share", "stop.shareTitle", "stop.shareConfirm", "stop.shareAct",
		[]string{"stop.shareNow", "stop.shareService", "stop.shareKept", othersStay, "stop.shareAgain"},
	},
	overview.SinglePayment: {
		"stop.pay", "stop.payTitle", "stop.payConfirm", "stop.payAct",
		[]string{"stop.payOne", "stop.payOwed", othersStay, "stop.callAgain"},
	},
	overview.FlexiPay: {
		"stop.pay", "stop.payTitle", "stop.payConfirm", "stop.payAct",
		[]string{"stop.payNow", "stop.payMade", "stop.payOwed", othersStay, "stop.callAgain"},
	},
	overview.Funds: {
		"stop.share", "stop.shareTitle", "stop.shareConfirm", "stop.shareAct",
		[]string{"stop.fundsNow", "stop.fundsService", othersStay, "stop.fundsAgain"},
	},
	overview.Connected: {
		"stop.share", "stop.shareTitle", "stop.shareConfirm", "stop.shareAct",
		[]string{"stop.connectedNow", "stop.shareService", "stop.shareKept", "stop.shareAgain"},
	},
}

// stopWordsOf are the words for a consent. Where nobody has agreed to it, nothing has
// begun: what is ended is a request.
func stopWordsOf(d *overview.Detail) stopWords {
	w, known := stops[d.Type]
	if !known {
		w = stops[overview.DataSharing]
	}
	switch {
	case d.Status.Pending():
		w.effects = []string{"stop.callNow", othersStay, "stop.callAgain"}
	case len(d.With) > 0:
		w.effects = slices.DeleteFunc(slices.Insert(slices.Clone(w.effects), 1, "stop.shareLine"), func(id string) bool { return id == othersStay })
	}
	return w
}

// stopCookie keeps which consent is to be ended, and in which language that was said,
// while its owner confirms it elsewhere. What counts is what they have confirmed.
const stopCookie = "consentd-stop"

const stopFor = 30 * 60 // seconds

// ask says what ending a consent brings about.
func (d *Dashboard) ask(l *look) error {
	found, err := d.consentOf(l)
	switch {
	case err != nil:
		return d.trouble(l, err)
	case !found.Stops:
		return see(l, boardPath+"/"+found.ID.String())
	}
	return d.stopPage(l, found)
}

func (d *Dashboard) stopPage(l *look, found *overview.Detail) error {
	sh, err := d.sheetOf(l, kindStop, nil)
	if err != nil {
		return err
	}
	name, _ := names(found.Consent)
	t := d.teller(sh.speech, name)
	w := stopWordsOf(found)
	body := stopping{permit: t.permit(&found.Card), Short: short(found.ID.String()), Confirm: t.say(w.confirm)}
	body.Here = body.Href + "/stop"
	if terms := termsOf(found.Consent); terms != nil && found.Type == overview.SinglePayment {
		body.Amount = t.money(terms.Amount)
	}
	for _, id := range w.effects {
		body.Effects = append(body.Effects, t.say(id))
	}
	if d.Confirm {
		body.Then = t.say("stop.then")
	}
	sh.Heading, sh.Body, sh.Wide = t.say(w.title), body, false
	if t.err != nil {
		return t.err
	}
	return d.write(l.c, http.StatusOK, sh)
}

// stop ends a consent, or has its owner confirm that first.
func (d *Dashboard) stop(l *look) error {
	if !d.Confirm {
		id, err := uuid.Parse(l.c.Param("id"))
		if err != nil {
			return d.trouble(l, consent.E(consent.CodeNotFound, "not the id of a consent"))
		}
		return d.end(l, id)
	}
	found, err := d.consentOf(l)
	switch {
	case err != nil:
		return d.trouble(l, err)
	case !found.Stops:
		return see(l, boardPath+"/"+found.ID.String())
	}
	what, err := d.act(l.speech, found)
	if err != nil {
		return err
	}
	handle, err := d.Sessions.Confirm(l.ctx(), l.who, what, l.speech.Tag)
	if err != nil {
		return d.trouble(l, err)
	}
	cookie := d.cookie(l.c.Request(), stopCookie, found.ID.String()+"."+l.speech.Tag) //nolint:gosec // G124: set by cookie
	cookie.MaxAge = stopFor
	l.c.SetCookie(cookie)
	return see(l, "/sca/"+url.PathEscape(handle))
}

// act names what somebody confirms: it is shown to them, and is what they have
// confirmed afterwards.
func (d *Dashboard) act(sp *speech, found *overview.Detail) (string, error) {
	name, _ := names(found.Consent)
	t := d.teller(sp, name)
	var ids strings.Builder
	ids.WriteString(found.ID.String())
	for _, id := range found.With {
		ids.WriteString(", " + short(id.String()))
	}
	text := t.say(stopWordsOf(found).act, "ID", ids.String())
	return text, t.err
}

var errNoAct = errors.New("the browser does not know what was confirmed")

// confirmed is where the browser comes when somebody has confirmed that a consent ends.
func (d *Dashboard) confirmed(l *look) error {
	cookie, err := l.c.Request().Cookie(stopCookie)
	if err != nil {
		return d.trouble(l, consent.E(consent.CodeForbidden, "nothing to confirm").Because(errNoAct))
	}
	text, tag, _ := strings.Cut(cookie.Value, ".")
	id, err := uuid.Parse(text)
	if err != nil {
		return d.trouble(l, consent.E(consent.CodeForbidden, "nothing to confirm").Because(errNoAct))
	}
	found, err := d.Consents.Get(l.ctx(), l.viewer(), id)
	if err != nil {
		return d.trouble(l, err)
	}
	what, err := d.act(d.pages.speeches.find(tag), found)
	if err != nil {
		return err
	}
	if err := d.Sessions.Confirmed(l.ctx(), l.who, l.c.Param("handle"), l.browser, what); err != nil {
		return d.trouble(l, err)
	}
	gone := d.cookie(l.c.Request(), stopCookie, "") //nolint:gosec // G124: set by cookie
	gone.MaxAge = -1
	l.c.SetCookie(gone)
	return d.end(l, id)
}

// end ends a consent and shows the receipt; one that has ended meanwhile says how.
func (d *Dashboard) end(l *look, id uuid.UUID) error {
	stopped, err := d.Consents.Stop(l.ctx(), l.viewer(), l.cause(), id)
	if stopped != nil {
		id = stopped.ID // what stood in its place
	}
	path := boardPath + "/" + id.String()
	switch {
	case err == nil:
		return see(l, path+"/receipt?of="+string(receiptEnded))
	case consent.CodeOf(err) == consent.CodeStatusInvalid:
		return see(l, path)
	default:
		return d.trouble(l, err)
	}
}
