package xs2a

import (
	"slices"

	"consentd/internal/consent"
	wire "consentd/pkg/xs2a"
)

// modeller makes an Access of what an access object says (NextGenPSD2 1.3.x
// §6.3.1.1 and the rules in the official description of accountAccess).
type modeller struct {
	*reader
	options Options
	path    string
	wire    wire.AccountAccess
	sound   bool // nothing was wrong with any account
}

// flag is one of the members that ask for all accounts at once.
type flag struct {
	name   string
	value  wire.AllAccounts
	scope  consent.Scope
	rights consent.Rights
}

// list is one of the members that list accounts, and the right that it asks for.
type list struct {
	name  string
	right consent.Rights
	refs  []wire.AccountReference
}

// The rights that the models without lists stand for.
const (
	rightsAvailable = consent.RightAccounts
	rightsBalances  = consent.RightAccounts | consent.RightBalances
	rightsAllPSD2   = consent.RightAccounts | consent.RightBalances | consent.RightTransactions
)

// flagsOf lists the flags that are set.
func flagsOf(w wire.AccountAccess) []flag {
	return slices.DeleteFunc([]flag{
		{memberAllPSD2, w.AllPSD2, consent.ScopeAllPSD2, rightsAllPSD2},
		{memberAvailable, w.AvailableAccounts, consent.ScopeAvailable, rightsAvailable},
		{memberWithBalance, w.AvailableAccountsWithBalance, consent.ScopeAvailableBalances, rightsBalances},
	}, func(f flag) bool { return f.value == "" })
}

// listsOf lists the lists that are present, empty ones too: the three that make
// a model, and those of additionalInformation.
func listsOf(w wire.AccountAccess) (main, additional []list) {
	absent := func(l list) bool { return l.refs == nil }
	main = slices.DeleteFunc([]list{
		{memberAccounts, consent.RightAccounts, w.Accounts},
		{memberBalances, consent.RightBalances, w.Balances},
		{memberTransactions, consent.RightTransactions, w.Transactions},
	}, absent)
	if info := w.AdditionalInformation; info != nil {
		additional = slices.DeleteFunc([]list{
			{memberInformation + "." + memberOwnerName, consent.RightOwnerName, info.OwnerName},
			{memberInformation + "." + memberBeneficiaries, consent.RightTrustedBeneficiaries, info.TrustedBeneficiaries},
		}, absent)
	}
	return main, additional
}

// model tells which of the five models is meant.
func (m *modeller) model() consent.Access {
	flags := flagsOf(m.wire)
	main, additional := listsOf(m.wire)
	switch {
	case len(flags) > 1:
		m.fault(m.path+"."+flags[1].name, "cannot be asked for together with "+flags[0].name)
	case len(flags) == 1:
		return m.flagged(flags[0], main)
	case len(main) > 0:
		return m.listed(main, additional)
	case m.wire.AdditionalInformation != nil:
		m.fault(m.path+"."+memberInformation, "needs accounts, balances or transactions beside it")
	default:
		m.fault(m.path, "must ask for accounts, balances or transactions, or hold one of allPsd2, availableAccounts, availableAccountsWithBalance")
	}
	return consent.Access{}
}

func (m *modeller) flagged(f flag, main []list) consent.Access {
	if len(main) > 0 || m.wire.AdditionalInformation != nil {
		m.fault(m.path+"."+f.name, "cannot be asked for together with accounts, balances, transactions or additionalInformation")
	}
	a := consent.Access{Scope: f.scope, Rights: f.rights, Only: m.wire.RestrictedTo}
	if f.scope == consent.ScopeAllPSD2 && m.options.TrustedBeneficiaries { // it always covers them, where the bank has them
		a.Rights |= consent.RightTrustedBeneficiaries
	}
	if f.value == wire.AllAccountsWithOwnerName {
		a.OwnerName = true
		a.Rights |= consent.RightOwnerName
	}
	return m.offered(a)
}

// listed is the dedicated model where the lists name accounts, bank-offered
// where they are empty. Which one it is must be the same in all of them.
func (m *modeller) listed(main, additional []list) consent.Access {
	empty := len(main[0].refs) == 0
	for _, l := range slices.Concat(main, additional) {
		if (len(l.refs) == 0) != empty {
			m.fault(m.path+"."+l.name, "cannot name accounts where another list is empty, or the reverse")
			return consent.Access{}
		}
	}
	if empty {
		return m.bankOffered(main, m.supported(additional))
	}
	return m.dedicated(main, additional)
}

func (m *modeller) bankOffered(main, additional []list) consent.Access {
	a := consent.Access{Scope: consent.ScopeBankOffered, Only: m.wire.RestrictedTo}
	for _, l := range slices.Concat(main, additional) {
		a.Rights |= l.right
	}
	return m.offered(a)
}

// dedicated joins the lists into one, each account once, in the order in which
// they come first, with the rights of all lists that name it.
func (m *modeller) dedicated(main, additional []list) consent.Access {
	if m.wire.RestrictedTo != nil {
		m.fault(m.path+"."+memberRestrictedTo, "cannot be asked for together with named accounts")
	}
	if m.sound {
		m.checkCovered(main, additional)
	}
	a := consent.Access{Scope: consent.ScopeDedicated}
	at := map[consent.Reference]int{}
	for _, l := range slices.Concat(main, m.supported(additional)) {
		for _, w := range l.refs {
			ref := referenceOf(w)
			i, known := at[ref]
			if !known {
				i, at[ref] = len(a.Asked), len(a.Asked)
				a.Asked = append(a.Asked, consent.Asked{Reference: ref})
			}
			a.Asked[i].Rights |= l.right
		}
	}
	return m.offered(a)
}

// checkCovered refuses accounts of additionalInformation that none of the three
// lists names. An account without a currency covers its sub-accounts.
func (m *modeller) checkCovered(main, additional []list) {
	named := map[consent.Reference]bool{}
	for _, l := range main {
		for _, w := range l.refs {
			named[bare(w)] = true
		}
	}
	for _, l := range additional {
		for i, w := range l.refs {
			ref := bare(w)
			whole := ref
			whole.Currency = ""
			if !named[ref] && !named[whole] {
				m.fault(index(m.path+"."+l.name, i), "must be named in accounts, balances or transactions as well")
			}
		}
	}
}

// bare is an account without what merely describes it.
func bare(w wire.AccountReference) consent.Reference {
	ref := referenceOf(w)
	ref.CashAccountType = ""
	return ref
}

// supported leaves out the data that this bank does not offer, as the standard
// wants it: the consent is made without them, and reading it shows that.
func (m *modeller) supported(additional []list) []list {
	return slices.DeleteFunc(slices.Clone(additional), func(l list) bool {
		return l.right == consent.RightOwnerName && !m.options.OwnerName ||
			l.right == consent.RightTrustedBeneficiaries && !m.options.TrustedBeneficiaries
	})
}

// offered refuses a model that this bank does not offer.
func (m *modeller) offered(a consent.Access) consent.Access {
	if !slices.Contains(m.options.Scopes, a.Scope) {
		m.faults = append(m.faults, consent.At(consent.CodeServiceInvalid, m.path, "consents of the model %s are not offered by this bank", a.Scope))
	}
	return a
}
