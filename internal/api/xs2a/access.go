package xs2a

import (
	"consentd/internal/consent"
	wire "consentd/pkg/xs2a"
)

// The members of an access object, in the order in which they are judged.
const (
	memberAccounts      = "accounts"
	memberBalances      = "balances"
	memberTransactions  = "transactions"
	memberInformation   = "additionalInformation"
	memberOwnerName     = "ownerName"
	memberBeneficiaries = "trustedBeneficiaries"
	memberAllPSD2       = "allPsd2"
	memberAvailable     = "availableAccounts"
	memberWithBalance   = "availableAccountsWithBalance"
	memberRestrictedTo  = "restrictedTo"
)

// access reads an access object by the types of its members, and then makes of
// it what the domain means. Which model is meant comes out of what is present:
// where a member cannot be read, nothing is said about the model.
func (r *reader) access(o Options, path string, body object) consent.Access {
	before := len(r.faults)
	w := r.wireAccess(o, path, body)
	if r.broken {
		return consent.Access{}
	}
	m := modeller{reader: r, options: o, path: path, wire: w, sound: len(r.faults) == before}
	return m.model()
}

func (r *reader) wireAccess(o Options, path string, body object) wire.AccountAccess {
	w := wire.AccountAccess{
		Accounts:                     r.references(o, body.at(path, memberAccounts)),
		Balances:                     r.references(o, body.at(path, memberBalances)),
		Transactions:                 r.references(o, body.at(path, memberTransactions)),
		AdditionalInformation:        r.information(o, body.at(path, memberInformation)),
		AllPSD2:                      r.allAccounts(o, body.at(path, memberAllPSD2)),
		AvailableAccounts:            r.allAccounts(o, body.at(path, memberAvailable)),
		AvailableAccountsWithBalance: r.allAccounts(o, body.at(path, memberWithBalance)),
	}
	if m := body.at(path, memberRestrictedTo); m.present {
		w.RestrictedTo = r.cashTypes(m)
	}
	return w
}

func (r *reader) information(o Options, m member) *wire.AdditionalInformation {
	if !m.present {
		return nil
	}
	info, ok := r.object(m)
	if !ok {
		r.broken = true
		return nil
	}
	return &wire.AdditionalInformation{
		OwnerName:            r.references(o, info.at(m.path, memberOwnerName)),
		TrustedBeneficiaries: r.references(o, info.at(m.path, memberBeneficiaries)),
	}
}

// allAccounts reads one of the two words; the one with the owner's name is the
// bank's to offer.
func (r *reader) allAccounts(o Options, m member) wire.AllAccounts {
	if !m.present {
		return ""
	}
	s, ok := r.text(m, 0)
	word := wire.AllAccounts(s)
	switch {
	case !ok:
		r.broken = true
	case word != wire.AllAccountsOnly && word != wire.AllAccountsWithOwnerName:
		r.broken = true
		r.fault(m.path, "must be allAccounts or allAccountsWithOwnerName")
	case word == wire.AllAccountsWithOwnerName && !o.OwnerName:
		r.faults = append(r.faults, consent.At(consent.CodeNotSupported, m.path, "allAccountsWithOwnerName is not supported by this bank"))
	}
	return word
}

// cashTypes reads restrictedTo. An empty list would say that no account may be
// in the consent, which nobody can mean.
func (r *reader) cashTypes(m member) []string {
	list, ok := r.list(m)
	if !ok {
		r.broken = true
		return nil
	}
	if len(list) == 0 {
		r.fault(m.path, "must not be empty")
	}
	types := make([]string, 0, len(list))
	for i, v := range list {
		t, _ := r.cashType(member{path: index(m.path, i), value: v, present: true})
		types = append(types, t)
	}
	return types
}
