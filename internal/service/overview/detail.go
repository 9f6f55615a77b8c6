package overview

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
)

// detail is all there is to say of a consent that is in sight.
func (l *look) detail(ctx context.Context, id uuid.UUID) (*Detail, error) {
	c, err := l.Store.Get(ctx, id)
	if err != nil {
		return nil, hidden(err)
	}
	if !l.sight.Sees(c) {
		explain.Note(ctx, "consent %s: is not this PSU's, answered as if unknown", id)
		return nil, errUnknown()
	}
	line, err := l.line(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := l.fill(ctx, line); err != nil {
		return nil, err
	}
	details, err := l.details(ctx, line)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(details, func(d Detail) bool { return d.ID == id })
	return &details[i], nil
}

// line is what is in sight of a consent's line, the consent included, even if it has
// joined another one this moment.
func (l *look) line(ctx context.Context, c *consent.Consent) ([]*consent.Consent, error) {
	line, err := l.load(ctx, c.GroupID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(line, func(x *consent.Consent) bool { return x.ID == c.ID }) {
		line = append(line, l.settled(c))
		slices.SortFunc(line, newestFirst)
	}
	return line, nil
}

// details are all there is to say of each of a line.
func (l *look) details(ctx context.Context, line []*consent.Consent) ([]Detail, error) {
	cards := make([]Card, len(line))
	for i, c := range line {
		cards[i] = l.card(c, line)
	}
	events, err := l.events(ctx, cards)
	if err != nil {
		return nil, err
	}
	details := make([]Detail, len(line))
	for i, c := range line {
		details[i] = Detail{
			Card: cards[i], Payments: l.paid(c), Line: slices.Concat(cards[:i], cards[i+1:]),
			Events: events, Stops: !c.Status.Final(), With: alongside(c, line), Signers: l.signers(ctx, c),
		}
		if terms := termsOf(c); terms != nil && terms.Parties != "" {
			details[i].Parties = l.open(terms.Parties)
			details[i].Sealed = details[i].Parties == nil
		}
	}
	return details, nil
}

// paid are the payments that were made by a consent, the newest first.
func (l *look) paid(c *consent.Consent) []Payment {
	var list []Payment
	for _, p := range slices.Backward(l.payments[c.ID]) {
		list = append(list, Payment{Payment: p, Parties: l.open(p.Parties)})
	}
	return list
}

// open reads who pays whom; nil where nobody is named, or it cannot be read.
func (l *look) open(jwe string) *Parties {
	if jwe == "" || l.Opener == nil {
		return nil
	}
	p, err := l.Opener.Open(jwe)
	if err != nil {
		return nil // it says so by Sealed: what the customer has agreed to is not less true
	}
	return &p
}

// signers is how many have to agree to a consent. Where the bank does not say, those
// count who have.
func (l *look) signers(ctx context.Context, c *consent.Consent) int {
	customer, known := l.bankIDs[c.Customer]
	switch {
	case c.Staged != nil:
		return max(1, c.Staged.Required)
	case !known, c.GivenBy != uuid.Nil: // what one PSU has given is that PSU's alone
		return 1
	}
	if _, asked := l.signing[customer]; !asked {
		signers, err := l.Signers.Signers(ctx, customer)
		if err != nil {
			explain.Note(ctx, "the bank does not tell who signs for a customer")
		}
		l.signing[customer] = len(signers)
	}
	return max(1, l.signing[customer], c.Signatures())
}
