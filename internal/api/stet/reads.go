package stet

import (
	"errors"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/access"
)

// rounds is how often a read begins anew whose consent was replaced under its hands.
const rounds = 10

// errNone says that there is no consent in force which opens what is asked for.
var errNone = errors.New("no consent opens it")

// question is what the call asks of package access. Reads are counted for the TPP and
// the customer, not for a consent: forwarding another one allows no more of them.
func (k *call) question(op consent.Operation, account string) access.Question {
	return access.Question{
		TPP: k.caller.ID, Rail: consent.RailSTET, Consent: k.principal.Standing.Consent, Operation: op, Account: account,
		Attended: k.attended, Quota: access.QuotaOf(consent.RailSTET, k.caller.ID, k.principal.Customer),
	}
}

// decide asks whether the consent that was forwarded last opens a read. Fails with
// errNone, joined with the denial where there was one, and otherwise like
// [access.Access.Decide].
func (h *Handler) decide(k *call, q access.Question) (d access.Decision, err error) {
	err = h.standing(k, func(stands uuid.UUID) (err error) {
		q.Consent = stands
		d, err = h.Reads.Decide(k.ctx(), q)
		return err
	})
	return d, err
}

// standing asks something of the consent that was forwarded last. One that has been
// replaced since it was looked up is no answer: then what stands now is asked, so that
// a read sees one document, and is refused only where that refuses it. Fails with
// errNone where there is none, and joined with the denial where it says no.
func (h *Handler) standing(k *call, ask func(stands uuid.UUID) error) error {
	for range rounds {
		stands := k.principal.Standing.Consent
		if stands == uuid.Nil {
			explain.Note(k.ctx(), "consent: none was forwarded")
			return errNone
		}
		err := ask(stands)
		if !closed(err) {
			return err
		}
		next, againErr := h.Connections.Again(k.ctx(), k.principal)
		if againErr != nil {
			return againErr
		}
		if next.Standing.Consent == stands {
			return errors.Join(errNone, err)
		}
		explain.Note(k.ctx(), "consent %s: another one was forwarded meanwhile", stands)
		k.principal = next
	}
	return consent.E(consent.CodeUnavailable, "consents follow one another too fast")
}

// closed tells a denial that another consent could turn into a yes.
func closed(err error) bool {
	switch consent.CodeOf(err) {
	case consent.CodeNotUsable, consent.CodeExpired, consent.CodeReferenceUnknown, consent.CodeAccountUnknown:
		return err != nil
	default:
		return false
	}
}

// ofAccount decides on a read of the account in the path, which may be a card's.
func (h *Handler) ofAccount(k *call, op, card consent.Operation, edit func(*access.Question)) (access.Decision, error) {
	id, err := url.PathUnescape(k.ids[0])
	if err != nil || !edge.IsBankID(id) {
		return access.Decision{}, errAccount()
	}
	q := k.question(op, id)
	edit(&q)
	d, err := h.decide(k, q)
	if !errors.Is(err, errNone) {
		return d, err
	}
	owned, listErr := h.owned(k.ctx(), k.principal.CustomerID)
	if listErr != nil {
		return d, listErr
	}
	at := slices.IndexFunc(owned, func(x service.Account) bool { return x.ID == id })
	switch {
	case at < 0:
		explain.Refuse(k.ctx(), "account: the customer has none of this id")
		return d, errAccount()
	case owned[at].Reference.Card() && q.Operation != card && k.principal.Standing.Consent != uuid.Nil:
		q.Operation = card
		if d, err = h.decide(k, q); !errors.Is(err, errNone) {
			return d, err
		}
	}
	explain.Refuse(k.ctx(), "account: the customer's, and %s of it is not granted", op)
	return d, errNotGranted()
}

func errAccount() error { return consent.E(consent.CodeAccountUnknown, "there is no such account") }

func errNotGranted() error {
	return consent.E(consent.CodeNotUsable, "the consent does not open this")
}
