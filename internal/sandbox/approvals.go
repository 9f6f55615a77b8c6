package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/internal/service"
)

// Where the questions to a persona lie, for how long one can be answered, how
// many are kept, and how many wrong numbers deny one.
const (
	keyApprovals = "approvals"
	approvalAge  = 15 * time.Minute
	maxApprovals = 100
	maxNumbers   = 3
)

// The members of a reply that can be at fault.
const (
	pathNumber   = "number"
	pathAccounts = "accounts"
)

// decision is what became of a question.
type decision string

const (
	undecided decision = ""
	approve   decision = "approve"
	deny      decision = "deny"
	withdrawn decision = "withdrawn"
)

// approval is a question that the bank's app puts to a persona.
type approval struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	Language  string    `json:"language,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	Number    string    `json:"number,omitempty"`   // what the persona has to type
	Wrong     int       `json:"wrong,omitempty"`    // how often they typed another
	Choose    bool      `json:"choose,omitempty"`   // they choose accounts
	Callback  string    `json:"callback,omitempty"` // to call once it is answered
	Decision  decision  `json:"decision,omitempty"`
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	Accounts  []string  `json:"accounts,omitempty"` // the bank's ids
}

// reply is a persona's answer on the phone.
type reply struct {
	Decision decision
	// Number is as typed; nil counts as the right one, so that a program need not
	// read it elsewhere first.
	Number *string
	// Accounts are as named on the phone; nil where none were: all of them.
	Accounts *[]string
}

// waits reports whether the question stands on the phone.
func (a approval) waits(now time.Time) bool {
	return a.Decision == undecided && now.Before(a.CreatedAt.Add(approvalAge))
}

// approvalID makes the id of a question, from which its persona can be read:
// the bank's systems ask for it by id alone.
func approvalID(psu, key string) string {
	sum := sha256.Sum256([]byte(key))
	return psu + "." + hex.EncodeToString(sum[:12])
}

// askedBy finds the persona to whom the question with an id was put. Fails with
// pages.ErrUnknown.
func askedBy(id string) (persona, error) {
	psu, _, _ := strings.Cut(id, ".")
	return personaOf(psu)
}

// Ask implements service.Approvals. Personas are found as at the log-in. The
// persona reject has said no by the time the phone could be looked at.
func (b *Bank) Ask(ctx context.Context, q service.Approval) (id, psu string, err error) {
	p, err := personaOf(strings.ToLower(strings.TrimSpace(q.Login)))
	switch {
	case err != nil:
		return "", "", service.ErrUnknownPSU
	case p.ID == personaBlocked:
		return "", "", service.ErrBlocked
	}
	asked := approval{
		ID: approvalID(p.ID, q.Key), Text: q.Text, Language: q.Language, CreatedAt: b.Now(),
		Number: q.Number, Choose: q.Choose, Callback: q.CallbackURL,
	}
	if p.ID == personaReject {
		asked.Decision, asked.DecidedAt = deny, asked.CreatedAt
	}
	err = change(ctx, b.Store, p.ID, keyApprovals, func(list []approval) ([]approval, error) {
		if slices.ContainsFunc(list, func(old approval) bool { return old.ID == asked.ID }) {
			return list, nil
		}
		list = append(list, asked)
		return list[max(len(list)-maxApprovals, 0):], nil
	})
	return asked.ID, p.ID, err
}

// Answer implements service.Approvals. With the persona slow an answer takes
// effect slowness after it was given.
func (b *Bank) Answer(ctx context.Context, id string) (service.ApprovalAnswer, error) {
	waiting := service.ApprovalAnswer{State: service.ApprovalWaiting}
	p, err := askedBy(id)
	if err != nil {
		return waiting, fmt.Errorf("approval: %w", err)
	}
	list, err := load[approval](ctx, b.Store, p.ID, keyApprovals)
	if err != nil {
		return waiting, err
	}
	i := slices.IndexFunc(list, func(a approval) bool { return a.ID == id && a.Decision != withdrawn })
	if i < 0 {
		return waiting, fmt.Errorf("approval: %w", pages.ErrUnknown)
	}
	ready, err := b.Ready(ctx, p.ID, list[i].DecidedAt)
	switch {
	case err != nil || !ready || list[i].Decision == undecided:
		return waiting, err
	case list[i].Decision == deny:
		return service.ApprovalAnswer{State: service.ApprovalDenied}, nil
	default:
		return service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: list[i].Accounts, Number: list[i].Number}, nil
	}
}

// Withdraw implements service.Approvals.
func (b *Bank) Withdraw(ctx context.Context, id string) error {
	p, err := askedBy(id)
	if err != nil {
		return nil //nolint:nilerr // what nobody was asked is gone already
	}
	return change(ctx, b.Store, p.ID, keyApprovals, func(list []approval) ([]approval, error) {
		for i := range list {
			if list[i].ID == id && list[i].Decision == undecided {
				list[i].Decision, list[i].DecidedAt = withdrawn, b.Now()
			}
		}
		return list, nil
	})
}

// decide is a persona's answer on the phone; it returns the question once it is
// answered. Fails with pages.ErrUnknown for one that is not there, or no longer, with
// CodeStatusInvalid for one that is answered, and with CodeFormat for a wrong
// number, the last of which answers the question too, and for accounts that the
// persona cannot choose.
func (b *Bank) decide(ctx context.Context, p persona, id string, r reply) (approval, error) {
	owned, err := b.owned(ctx, p.Customer)
	if err != nil {
		return approval{}, err
	}
	var answered approval
	var wrong error
	err = change(ctx, b.Store, p.ID, keyApprovals, func(list []approval) ([]approval, error) {
		i := slices.IndexFunc(list, func(a approval) bool { return a.ID == id })
		switch {
		case i < 0 || list[i].Decision == withdrawn:
			return nil, pages.ErrUnknown
		case list[i].Decision != undecided:
			return nil, consent.E(consent.CodeStatusInvalid, "this request is answered already")
		case !list[i].waits(b.Now()):
			return nil, pages.ErrUnknown
		}
		answered = approval{}
		tries := list[i].Wrong
		if wrong = list[i].take(r, owned, b.Now()); wrong != nil && list[i].Wrong == tries {
			return nil, wrong
		}
		if list[i].Decision != undecided {
			answered = list[i]
		}
		return list, nil
	})
	return answered, cmp.Or(err, wrong)
}

// take writes a reply into a question. An error leaves the question as it is,
// but for a wrong number, which counts.
func (a *approval) take(r reply, owned []account, now time.Time) error {
	if r.Decision != approve {
		a.Decision, a.DecidedAt = r.Decision, now
		return nil
	}
	accounts, err := a.chosen(r.Accounts, owned)
	if err != nil {
		return err
	}
	if err := a.match(r.Number); err != nil {
		if a.Wrong >= maxNumbers {
			a.Decision, a.DecidedAt = deny, now
		}
		return err
	}
	a.Decision, a.DecidedAt, a.Accounts = approve, now, accounts
	return nil
}

// match compares the number, and counts a wrong one. None typed is no try.
func (a *approval) match(typed *string) error {
	if a.Number == "" || typed == nil {
		return nil
	}
	switch plain(*typed) {
	case a.Number:
		return nil
	case "":
		return consent.At(consent.CodeFormat, pathNumber, "the number is missing")
	}
	a.Wrong++
	text := "that is not the number"
	switch maxNumbers - a.Wrong {
	case 1:
		text += "; one more try is left"
	case 0:
		text += ", for the last time: the request is denied"
	}
	return consent.At(consent.CodeFormat, pathNumber, "%s", text)
}

// plain is a number as it is compared, without the marks that come along when it
// is copied from text of another direction.
func plain(typed string) string {
	return service.Digits(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, typed))
}

// waiting lists the questions on a persona's phone, oldest first.
func (b *Bank) waiting(ctx context.Context, psu string) ([]approval, error) {
	list, err := load[approval](ctx, b.Store, psu, keyApprovals)
	if err != nil {
		return nil, err
	}
	now := b.Now()
	return slices.DeleteFunc(list, func(a approval) bool { return !a.waits(now) }), nil
}

// chosen finds the accounts that a person named on the phone, by the bank's id,
// the resourceId, or as the pages of consentd name them: the IBAN, with a
// currency where that is needed. An IBAN alone means all of its currencies. Where
// none are named they are all, if there is a choice. Fails with CodeFormat for an
// account that is not the customer's, and for an empty choice.
func (a *approval) chosen(names *[]string, owned []account) ([]string, error) {
	var ids []string
	if names == nil {
		for _, x := range owned {
			if a.Choose {
				ids = append(ids, x.id())
			}
		}
		return ids, nil
	}
	if len(*names) == 0 {
		return nil, consent.At(consent.CodeFormat, pathAccounts, "accounts must name one at least, or be absent")
	}
	for _, name := range *names {
		found := false
		for _, x := range owned {
			if !slices.Contains(x.names(), name) {
				continue
			}
			found = true
			if !slices.Contains(ids, x.id()) {
				ids = append(ids, x.id())
			}
		}
		if !found {
			return nil, consent.At(consent.CodeFormat, pathAccounts, "accounts names one that is not theirs")
		}
	}
	return ids, nil
}

// names are what an account is called from outside.
func (a account) names() []string {
	number := a.IBAN + a.MaskedPAN
	return []string{a.id(), number, number + "/" + a.Currency}
}
