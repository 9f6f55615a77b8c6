package office

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"consentd/internal/consent"
	"consentd/internal/service"
)

const (
	maxNote     = 500 // characters
	maxConsents = 100 // that an act names one by one
	maxTPP      = 256 // characters; a distinguished name is long
	maxAccount  = 40  // characters, as the Consent Manager's accountId
)

// Verbs lists every verb.
func Verbs() []Verb { return []Verb{Revoke, Suspend, Resume} }

// checked is the act with what is left out filled in. Fails with Faults of CodeFormat.
func (a Act) checked() (Act, error) {
	var faults consent.Faults
	refuse := func(bad bool, path, text string) {
		if bad {
			faults = append(faults, consent.At(consent.CodeFormat, path, "%s", text))
		}
	}
	if a.Reason == "" {
		a.Reason = consent.ReasonBank
	}
	a.Note = strings.TrimSpace(a.Note)
	refuse(!slices.Contains(Verbs(), a.Verb), "action", "must be revoke, suspend or resume")
	refuse(a.named() != 1, "consentIds", "one of consentIds, tppId and accountId must be there")
	refuse(len(a.Consents) > maxConsents, "consentIds", "must be at most "+strconv.Itoa(maxConsents))
	refuse(!plain(a.TPP, maxTPP), "tppId", "must be at most "+strconv.Itoa(maxTPP)+" characters, without control characters")
	refuse(!plain(a.Account, maxAccount), "accountId", "must be at most "+strconv.Itoa(maxAccount)+" characters, without control characters")
	refuse(isIBAN(a.TPP), "tppId", "is an IBAN")
	refuse(isIBAN(a.Account), "accountId", "is an IBAN; the bank's own id of the account is meant")
	refuse(!slices.Contains(consent.BankReasons(), a.Reason), "reason", "must be one of "+reasons())
	refuse(!plain(a.Note, maxNote), "note", "must be at most "+strconv.Itoa(maxNote)+" characters, without control characters")
	if a.Verb == Resume {
		a.Reason = "" // nothing stays of it: the reason was that of the pause
	}
	a.Consents = slices.Clone(a.Consents)
	return a, faults.Err()
}

// named is how many of the targets there are.
func (a Act) named() int {
	n := 0
	for _, there := range []bool{len(a.Consents) > 0, a.TPP != "", a.Account != ""} {
		if there {
			n++
		}
	}
	return n
}

// plain tells whether a text may be kept: not too long, and nothing that a page or a
// log would obey instead of show.
func plain(text string, longest int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= longest &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

func reasons() string {
	names := make([]string, 0, len(consent.BankReasons()))
	for _, r := range consent.BankReasons() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// Bulk reports whether the act is about all of a TPP or an account, or about several
// consents.
func (a Act) Bulk() bool { return len(a.Consents) != 1 }

// apply moves a consent, by which the payments of log were made: what was paid while it
// was paused may have used it up.
func (a Act) apply(c *consent.Consent, log []consent.Payment, zone *time.Location, now time.Time) error {
	switch a.Verb {
	case Suspend:
		return c.Suspend(a.Reason, now)
	case Resume:
		return c.TakeUp(log, cmp.Or(zone, time.UTC), now)
	case Revoke:
		return c.Revoke(a.Reason, now)
	}
	return consent.At(consent.CodeFormat, "action", "must be revoke, suspend or resume")
}

// from are the states out of which the verb leads.
func (v Verb) from() []consent.Status {
	switch v {
	case Suspend:
		return []consent.Status{consent.Valid}
	case Resume:
		return []consent.Status{consent.Suspended}
	case Revoke:
		return []consent.Status{consent.Received, consent.PartiallyAuthorised, consent.Valid, consent.Suspended}
	}
	return nil
}

// listing is about all consents that an act can move now, of all kinds and rails.
func (o *Office) listing(ctx context.Context, a Act) (service.Listing, error) {
	owners, err := service.OwnersOf(ctx, o.Owners, o.Store, a.Account)
	return service.Listing{
		TPP: a.TPP, Account: a.Account, Owners: owners, Statuses: a.Verb.from(), Order: service.Newest, Page: 1, Size: page, Now: o.Now(),
	}, err
}

// words say in the audit what the act is about.
func (a Act) words() string {
	parts := []string{string(a.Verb)}
	for _, id := range a.Consents {
		parts = append(parts, "consent="+id.String())
	}
	if a.TPP != "" {
		parts = append(parts, "tpp="+strconv.Quote(a.TPP))
	}
	if a.Account != "" {
		parts = append(parts, "account="+strconv.Quote(a.Account))
	}
	return strings.Join(parts, " ")
}
