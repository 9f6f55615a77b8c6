package web

import (
	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/overview"
)

// endingWords are how a consent ended.
var endingWords = map[consent.Reason]string{
	consent.ReasonDate:          "ending.date",
	consent.ReasonReplaced:      "ending.replaced",
	consent.ReasonUsedUp:        "ending.usedUp",
	consent.ReasonRefused:       "ending.refused",
	consent.ReasonNotAuthorised: "ending.notAuthorised",
	consent.ReasonNotEntitled:   "ending.notEntitled",
	consent.ReasonTerminated:    "ending.terminated",
	consent.ReasonAtTPP:         "ending.atTPP",
	consent.ReasonWithdrawn:     "ending.withdrawn",
	consent.ReasonBank:          "ending.bank",
	consent.ReasonTPPBlocked:    "ending.tppBlocked",
	consent.ReasonIdentity:      "ending.identity",
	consent.ReasonFraud:         "ending.fraud",
	consent.ReasonTPPTrouble:    "ending.tppTrouble",
	consent.ReasonLegal:         "ending.legal",
	consent.ReasonAsked:         "ending.asked",
}

// finish is how a consent ended, with what else makes a difference to the words for it.
type finish struct {
	consent.Ending

	to     consent.Status
	shared bool // several have to agree
	staged bool // a hub has brought it, who does not say which of both has refused
	failed bool // what was to be paid by it was not
}

// ending says how, and by whom, a consent ended.
func (t *teller) ending(d *overview.Detail) string {
	return t.ended(finish{Ending: d.Ending, to: d.Status, shared: d.Signers > 1, staged: d.Staged != nil, failed: failed(&d.Card)})
}

func (t *teller) ended(f finish) string {
	refused := f.Reason == consent.ReasonRefused
	switch {
	case f.to == consent.Consumed && f.failed:
		return t.say("ending.failed")
	case f.to == consent.Consumed:
		return t.say("ending.consumed")
	case f.Reason == consent.ReasonWithdrawn && f.shared:
		return t.say("ending.signer")
	case refused && f.By == consent.ByASPSP && f.staged:
		return t.say("ending.declined")
	case refused && f.By == consent.ByASPSP:
		return t.say("ending.notAccepted")
	case refused && f.shared:
		return t.say("ending.refusedSigner")
	case endingWords[f.Reason] != "":
		return t.say(endingWords[f.Reason])
	case f.By == consent.ByTPP:
		return t.say("ending.terminated")
	case f.By == consent.ByPSU:
		return t.say("ending.withdrawn")
	default:
		return t.say("ending.bank")
	}
}

// failed reports whether a consent was used up by a payment that was rejected, so that
// nothing was paid, and nothing is on its way.
func failed(c *overview.Card) bool {
	return c.Type.Payment() && c.Status == consent.Consumed && c.Sum.Count == 0
}

// never reports whether nobody has agreed to a consent: it waits, or it ended before.
func never(d *overview.Detail) bool {
	switch d.Status {
	case consent.Received, consent.PartiallyAuthorised, consent.Rejected:
		return true
	case consent.Revoked, consent.Expired:
		return agreed(d) == ""
	case consent.Valid, consent.Suspended, consent.Consumed:
		return false
	default:
		return false
	}
}

// sees heads what is shared by a consent, in the time that fits.
func sees(d *overview.Detail) string {
	switch {
	case never(d):
		return "detail.dataAsked"
	case d.Status.Final():
		return "detail.dataPast"
	default:
		return "detail.data"
	}
}

// toldOf is an event as the rest of the page has it. The audit, of which it is made, names
// who has brought a decision to the bank, which is not always who has decided: a hub
// brings what its customers say, and the consent itself keeps who ended it.
func toldOf(d *overview.Detail, e overview.Event) overview.Event {
	c := memberOf(d, e.Consent)
	if c == nil {
		return e
	}
	_, agreement := agreements[e.Kind]
	to, end := endEvents[e.Kind]
	switch {
	case agreement && c.Staged != nil:
		e.By = consent.ByPSU
	case end && to == c.Status && c.Ending.By != "":
		e.By, e.Reason = c.Ending.By, c.Ending.Reason
	}
	return e
}

// memberOf is the card of a consent of the line; nil where it is not in sight.
func memberOf(d *overview.Detail, id uuid.UUID) *overview.Card {
	if id == d.ID {
		return &d.Card
	}
	for i := range d.Line {
		if d.Line[i].ID == id {
			return &d.Line[i]
		}
	}
	return nil
}
