package overview

import (
	"cmp"
	"slices"
	"strings"

	"consentd/internal/consent"
)

// perPage is how many cards a page has.
const perPage = 20

// sortOut makes the page that is wished of all that is in sight, the newest first, but
// for its cards: these are to be made of shown.
func sortOut(all []*consent.Consent, w Wish) (board *Board, shown []*consent.Consent) {
	current, history := tabs(all)
	tab := current
	if w.Tab == History {
		tab = history
	}
	shares, pays := apart(tab)
	part := shares
	if w.Pays {
		part = pays
	}
	board = &Board{
		Current: len(current), History: len(history), Shares: len(shares), Pays: len(pays),
		TPPs: tppsOf(part), Types: typesOf(part), Statuses: statusesOf(part),
	}
	left := w.among(part)
	board.Total = len(left)
	board.Pages = max(1, (len(left)+perPage-1)/perPage)
	board.Page = min(max(1, w.Page), board.Pages)
	from := (board.Page - 1) * perPage
	return board, left[from:min(from+perPage, len(left))]
}

// apart parts consents to payments from all others.
func apart(tab []*consent.Consent) (shares, pays []*consent.Consent) {
	for _, c := range tab {
		if typeOf(c).Payment() {
			pays = append(pays, c)
		} else {
			shares = append(shares, c)
		}
	}
	return shares, pays
}

// among are those that meet the filters.
func (w Wish) among(part []*consent.Consent) []*consent.Consent {
	var left []*consent.Consent
	for _, c := range part {
		if (w.TPP == "" || w.TPP == c.TPP) && (w.Type == "" || w.Type == typeOf(c)) && (w.Status == "" || told(w.Status) == told(c.Status)) {
			left = append(left, c)
		}
	}
	return left
}

// told is a status as customers tell it from others: whether one who must agree has
// done so is no other state to choose.
func told(s consent.Status) consent.Status {
	if s == consent.PartiallyAuthorised {
		return consent.Received
	}
	return s
}

// tppsOf are the TPPs to choose from, by name: the one that the newest consent has.
func tppsOf(part []*consent.Consent) []TPP {
	var list []TPP
	for _, c := range part {
		if !slices.ContainsFunc(list, func(t TPP) bool { return t.ID == c.TPP }) {
			list = append(list, TPP{ID: c.TPP, Name: c.TPPName})
		}
	}
	slices.SortFunc(list, func(a, b TPP) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return list
}

func typesOf(part []*consent.Consent) []Type {
	has := map[Type]bool{}
	for _, c := range part {
		has[typeOf(c)] = true
	}
	return kept([]Type{DataSharing, Connected, Funds, SinglePayment, FlexiPay}, has)
}

func statusesOf(part []*consent.Consent) []consent.Status {
	has := map[consent.Status]bool{}
	for _, c := range part {
		has[told(c.Status)] = true
	}
	return kept([]consent.Status{
		consent.Received, consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked, consent.Expired, consent.Consumed,
	}, has)
}

// kept are those of a list that there are, in its order.
func kept[T comparable](list []T, has map[T]bool) []T {
	return slices.DeleteFunc(list, func(x T) bool { return !has[x] })
}
