package sandbox

import (
	"strings"

	"consentd/internal/consent"
)

// means reports whether a TPP's reference means an account. Every identifier
// that the reference carries must fit; without a currency it means all
// sub-accounts of its identifier.
func means(ref, account consent.Reference) bool {
	if ref.Currency != "" && ref.Currency != account.Currency {
		return false
	}
	fits := []struct {
		given string
		ok    bool
	}{
		{ref.IBAN, normal(ref.IBAN) == account.IBAN},
		{ref.BBAN, len(account.IBAN) > 4 && normal(ref.BBAN) == account.IBAN[4:]},
		{ref.PAN, masks(account.MaskedPAN, normal(ref.PAN))},
		{ref.MaskedPAN, normal(ref.MaskedPAN) == account.MaskedPAN},
		{ref.MSISDN, false}, // the sandbox has no account by phone number
		{ref.Other.Identification, false},
	}
	named := false
	for _, f := range fits {
		if f.given != "" && !f.ok {
			return false
		}
		named = named || f.given != ""
	}
	return named
}

// normal writes an identifier as the bank does.
func normal(id string) string { return strings.ToUpper(strings.ReplaceAll(id, " ", "")) }

// masks reports whether a card number is the one behind a mask.
func masks(mask, pan string) bool {
	if mask == "" || len(mask) != len(pan) {
		return false
	}
	for i := range len(mask) {
		if mask[i] != '*' && mask[i] != pan[i] {
			return false
		}
	}
	return true
}
