package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"consentd/internal/consent"
	"consentd/internal/service"
)

// Where the questions to a persona lie, for how long one can be answered, and
// how many are kept.
const (
	keyApprovals = "approvals"
	approvalAge  = 15 * time.Minute
	maxApprovals = 100
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
	CreatedAt time.Time `json:"createdAt"`
	Decision  decision  `json:"decision,omitempty"`
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	Accounts  []string  `json:"accounts,omitempty"` // the bank's ids
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
// errUnknown.
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
	asked := approval{ID: approvalID(p.ID, q.Key), Text: q.Text, CreatedAt: b.Now()}
	if p.ID == personaReject {
		asked.Decision, asked.DecidedAt = deny, asked.CreatedAt
	}
	err = b.changeApprovals(ctx, p.ID, func(list []approval) ([]approval, error) {
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
		return waiting, fmt.Errorf("approval: %w", errUnknown)
	}
	ready, err := b.Ready(ctx, p.ID, list[i].DecidedAt)
	switch {
	case err != nil || !ready || list[i].Decision == undecided:
		return waiting, err
	case list[i].Decision == deny:
		return service.ApprovalAnswer{State: service.ApprovalDenied}, nil
	default:
		return service.ApprovalAnswer{State: service.ApprovalApproved, Accounts: list[i].Accounts}, nil
	}
}

// Withdraw implements service.Approvals.
func (b *Bank) Withdraw(ctx context.Context, id string) error {
	p, err := askedBy(id)
	if err != nil {
		return nil //nolint:nilerr // what nobody was asked is gone already
	}
	return b.changeApprovals(ctx, p.ID, func(list []approval) ([]approval, error) {
		for i := range list {
			if list[i].ID == id && list[i].Decision == undecided {
				list[i].Decision, list[i].DecidedAt = withdrawn, b.Now()
			}
		}
		return list, nil
	})
}

// decide is a persona's answer on the phone. Fails with errUnknown for a
// question that is not there, or no longer, and with CodeStatusInvalid for one
// that is answered.
func (b *Bank) decide(ctx context.Context, psu, id string, how decision, accounts []string) error {
	return b.changeApprovals(ctx, psu, func(list []approval) ([]approval, error) {
		i := slices.IndexFunc(list, func(a approval) bool { return a.ID == id })
		switch {
		case i < 0 || list[i].Decision == withdrawn:
			return nil, errUnknown
		case list[i].Decision != undecided:
			return nil, consent.E(consent.CodeStatusInvalid, "this request is answered already")
		case !list[i].waits(b.Now()):
			return nil, errUnknown
		}
		list[i].Decision, list[i].DecidedAt, list[i].Accounts = how, b.Now(), accounts
		return list, nil
	})
}

// changeApprovals reads, changes and writes the questions to a persona.
func (b *Bank) changeApprovals(ctx context.Context, psu string, change func([]approval) ([]approval, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	list, err := load[approval](ctx, b.Store, psu, keyApprovals)
	if err != nil {
		return err
	}
	if list, err = change(list); err != nil {
		return err
	}
	return save(ctx, b.Store, psu, keyApprovals, list)
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
// currency where that is needed. An IBAN alone means all of its currencies.
// Nil names all. Fails with CodeFormat for an account that is not the customer's.
func (b *Bank) chosen(ctx context.Context, customer string, names []string) ([]string, error) {
	owned, err := b.owned(ctx, customer)
	if err != nil {
		return nil, err
	}
	var ids []string
	if names == nil {
		for _, a := range owned {
			ids = append(ids, a.id())
		}
	}
	for _, name := range names {
		found := false
		for _, a := range owned {
			if !slices.Contains(a.names(), name) {
				continue
			}
			found = true
			if !slices.Contains(ids, a.id()) {
				ids = append(ids, a.id())
			}
		}
		if !found {
			return nil, consent.At(consent.CodeFormat, "accounts", "accounts names one that is not theirs")
		}
	}
	return ids, nil
}

// names are what an account is called from outside.
func (a account) names() []string {
	number := a.IBAN + a.MaskedPAN
	return []string{a.id(), a.ResourceID, number, number + "/" + a.Currency}
}
