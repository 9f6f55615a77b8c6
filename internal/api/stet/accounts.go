package stet

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/access"
	wire "consentd/pkg/stet"
)

// view is what a consent opens of GET /accounts.
type view struct {
	identity bool                      // who the PSU is
	rights   map[string]consent.Rights // on accounts, by the bank's id; nil where it opens none
}

// listAccounts lists the accounts (STET part II §4.2): those of the consent or, where
// none opens an account, every one that could be consented to, bare.
func (h *Handler) listAccounts(k *call) (*answer, error) {
	owned, err := h.owned(k.ctx(), k.principal.CustomerID)
	if err != nil {
		return nil, err
	}
	v, err := h.view(k, owned)
	if errors.Is(err, errNone) {
		explain.Note(k.ctx(), "list: bare, for no account is consented to")
		err = h.Reads.Bare(k.ctx(), k.question(consent.OpAccounts, ""), h.Options.PerDay)
	}
	if err != nil {
		return nil, err
	}
	list := wire.Accounts{Accounts: []wire.Account{}, Links: wire.Links{
		wire.LinkSelf: h.link(k, pathAccounts), wire.LinkConsents: h.link(k, pathConsents),
	}}
	if v.identity {
		list.Links[wire.LinkEndUserIdentity] = h.link(k, pathIdentity)
	}
	for _, x := range owned {
		rights, named := v.rights[x.ID]
		if v.rights != nil && !named {
			continue
		}
		entry, err := h.entry(k, x, rights)
		if err != nil {
			return nil, err
		}
		list.Accounts = append(list.Accounts, entry)
	}
	if len(list.Accounts) == 0 {
		return h.noAccount(k), nil
	}
	return reply(list), nil
}

// noAccount answers for a customer who has nothing to show.
func (h *Handler) noAccount(k *call) *answer {
	if h.Options.NoAccounts != NotFound {
		return &answer{Status: http.StatusNoContent}
	}
	err := consent.E(consent.CodeResourceUnknown, "there is no account that could be shown")
	explain.Conclude(k.ctx(), entryOf(err).code(), "list: there is no account")
	return h.answerTo(err, k.req)
}

// view reads all that the list shows of the consent, and counts the read. It is of one
// document: where that has ended before the last of it was read, of the next one.
func (h *Handler) view(k *call, owned []service.Account) (view, error) {
	var v view
	err := h.standing(k, func(stands uuid.UUID) (err error) {
		v = view{}
		if v.identity, err = h.mayIdentify(k, stands); err != nil {
			return err
		}
		rights := map[string]consent.Rights{}
		if err := h.open(k, stands, consent.OpAccounts, rights); err != nil {
			return err
		}
		if slices.ContainsFunc(owned, func(x service.Account) bool { return x.Reference.Card() }) {
			err = h.open(k, stands, consent.OpCardAccounts, rights)
		}
		v.rights = rights
		return err
	})
	if err != nil {
		v.rights = nil
	}
	return v, err
}

// open adds what a consent opens of accounts of one sort.
func (h *Handler) open(k *call, stands uuid.UUID, op consent.Operation, rights map[string]consent.Rights) error {
	q := k.question(op, "")
	q.Consent = stands
	d, err := h.Reads.Decide(k.ctx(), q)
	for _, x := range d.Accounts {
		rights[x.ID] = x.Rights
	}
	return err
}

// mayIdentify tells whether a consent opens who the PSU is, for the link to it: a look,
// no read, so it is neither counted nor explained.
func (h *Handler) mayIdentify(k *call, stands uuid.UUID) (bool, error) {
	q := k.question(consent.OpIdentity, "")
	q.Consent, q.Attended = stands, true
	quiet, _ := explain.Listen(k.ctx())
	_, err := h.Reads.Decide(quiet, q)
	if closed(err) {
		return false, nil
	}
	return err == nil, err
}

// entry shows an account, bare where there are no rights on it.
func (h *Handler) entry(k *call, x service.Account, rights consent.Rights) (wire.Account, error) {
	e := wire.Account{
		AccountID: referenceOf(x.Reference), Name: label(x), CashAccountType: wire.AccountCash,
		Currency: currencyOf(x.Reference), Links: h.linksOf(k, x.ID, rights),
	}
	if x.Reference.Card() {
		e.CashAccountType = wire.AccountCard
	}
	if rights == 0 {
		return e, nil
	}
	e.ResourceID = x.ID
	if !rights.Has(consent.RightBalances) {
		return e, nil
	}
	all, err := h.balances(k, x.ID)
	if err != nil && consent.CodeOf(err) != consent.CodeAccountUnknown {
		return e, err
	}
	for _, b := range all {
		if b.Kind == service.BalanceClosingBooked {
			e.Balances = append(e.Balances, balanceOf(b))
		}
	}
	return e, nil
}

// readBalances answers GET /accounts/{accountResourceId}/balances (STET part II §4.3).
func (h *Handler) readBalances(k *call) (*answer, error) {
	d, err := h.ofAccount(k, consent.OpBalances, consent.OpCardBalances, func(*access.Question) {})
	if err != nil {
		return nil, err
	}
	x := d.Accounts[0]
	all, err := h.balances(k, x.ID)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return &answer{Status: http.StatusNoContent}, nil
	}
	links := h.linksOf(k, x.ID, x.Rights&^consent.RightBalances)
	links[wire.LinkSelf] = h.link(k, accountPath(x.ID, memberBalances))
	links[wire.LinkParentList] = h.link(k, pathAccounts)
	answer := wire.Balances{Links: links}
	for _, b := range all {
		answer.Balances = append(answer.Balances, balanceOf(b))
	}
	return reply(answer), nil
}

// balances asks the bank for those of an account.
func (h *Handler) balances(k *call, id string) ([]service.Balance, error) {
	all, err := h.Books.Balances(k.ctx(), id)
	return all, fromBooks(err)
}

// fromBooks says what an error of the bank's books means here.
func fromBooks(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, service.ErrNoAccount):
		return errAccount()
	case errors.Is(err, service.ErrNoPage):
		return consent.E(consent.CodeTimeOver, "there is no such page, or not any more")
	default:
		return service.Unavailable(err)
	}
}

// readIdentity says who the PSU is (STET part II §4.6): of a company its number.
func (h *Handler) readIdentity(k *call) (*answer, error) {
	_, err := h.decide(k, k.question(consent.OpIdentity, ""))
	if errors.Is(err, errNone) {
		explain.Refuse(k.ctx(), "identity: not granted")
		return nil, errNotGranted()
	}
	if err != nil {
		return nil, err
	}
	who, err := h.Books.Identity(k.ctx(), k.principal.PSUID, k.principal.CustomerID)
	if errors.Is(err, service.ErrUnknownPSU) {
		explain.Refuse(k.ctx(), "identity: the PSU does not act for the customer any more")
		return nil, errNotGranted()
	}
	if err != nil {
		return nil, service.Unavailable(err)
	}
	name := cmp.Or(who.OrganisationID, who.FullName)
	return reply(wire.EndUserIdentity{ConnectedPSU: cut(name, maxText), Links: wire.Links{
		wire.LinkSelf: h.link(k, pathIdentity), wire.LinkParentList: h.link(k, pathAccounts),
	}}), nil
}
