package overview

import (
	"slices"
	"strings"

	"consentd/internal/consent"
)

// changed is what a consent has more, and less, than the one before it in its line.
func changed(before, after Card) (added, removed Change) {
	return more(before, after), more(after, before)
}

// more is what a card has that another one has not.
func more(than, has Card) Change {
	c := Change{Permissions: beyond(permissionsOf(has), permissionsOf(than))}
	if has.Staged == nil {
		c.Rights = rightsOf(has) &^ rightsOf(than)
	}
	for _, a := range has.Accounts {
		if !slices.ContainsFunc(than.Accounts, a.same) {
			c.Accounts = append(c.Accounts, a)
		}
	}
	return c
}

// beyond are the permissions of a list that another one does not give: who may read
// details may read what is basic.
func beyond(list, other []string) []string {
	var left []string
	for _, x := range list {
		of, basic := strings.CutSuffix(x, "Basic")
		if !slices.Contains(other, x) && (!basic || !slices.Contains(other, of+"Detail")) {
			left = append(left, x)
		}
	}
	return left
}

func permissionsOf(c Card) []string {
	if c.Staged == nil {
		return nil
	}
	return c.Staged.Permissions
}

// rightsOf is what a consent opens, on whatever account or on none: what was granted,
// which may be less than was asked for.
func rightsOf(c Card) consent.Rights {
	if len(c.Access.Grants) == 0 {
		return c.Access.AllRights().Implied()
	}
	var rights consent.Rights
	for _, g := range c.Access.Grants {
		rights |= g.Rights
	}
	if c.Access.Scope == consent.ScopeDedicated {
		rights |= c.Access.Rights // those that are of no account
	}
	return rights.Implied()
}

// same reports whether two are one account.
func (a Account) same(b Account) bool {
	if a.ID != "" || b.ID != "" {
		return a.ID == b.ID
	}
	return a.Reference == b.Reference
}
