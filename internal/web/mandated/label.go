package mandated

import (
	"strings"
	"unicode"
)

// Profile is a set of status labels.
type Profile string

// The published sets. They differ in consents that wait, and in single payments
// that were made.
const (
	// Seed is the labelling guide's table, and what the zero Profile means too.
	Seed Profile = "seed"
	// V21 is that of the CMI requirements for version 2.1 of the standard.
	V21 Profile = "v2.1"
)

// Profiles lists the sets, the default first.
func Profiles() []Profile { return []Profile{Seed, V21} }

// State is what a label is chosen by.
type State struct {
	// Code is the consent's status as the Consent Manager has it: AwaitingAuthorization,
	// in either spelling and any case, or one that we do not know yet.
	Code string
	// Single says that the consent is for one payment.
	Single bool
	// Payment is the status of that payment (Pending, Rejected, or one that begins
	// with Accepted); empty for none.
	Payment string
}

// labels is the labelling guide's table, by code in lower case with z. It writes
// some codes with s, the standard never does.
var labels = map[string]string{
	"awaitingauthorization": "Awaiting",
	"authorized":            "Active",
	"suspended":             "Suspended",
	"revoked":               "Cancelled",
	"rejected":              "Rejected",
	"expired":               "Expired",
	"consumed":              "Consumed",
}

// Label is the English label of a status in the profile Seed.
func Label(code string) string { return Seed.Label(State{Code: code}) }

// Short is Label cut to its leftmost word, whole: where there is no room for more.
func Short(code string) string { return Truncate(Label(code)) }

// Label is the English label of a status. A code without a label is split into its
// words.
func (p Profile) Label(s State) string {
	known := fold(s.Code)
	if p == V21 {
		switch {
		case known == "awaitingauthorization":
			return "Pending"
		case known == "consumed" && s.Single:
			return made(s.Payment)
		}
	}
	if label, ok := labels[known]; ok {
		return label
	}
	return Split(s.Code)
}

// made labels a single payment that was asked for. One whose end is not known yet
// keeps the label of its consent.
func made(payment string) string {
	switch {
	case strings.HasPrefix(payment, "Accepted"):
		return "Successful"
	case payment == "Rejected":
		return "Failed"
	}
	return labels["consumed"]
}

// fold is a code as the table has it.
func fold(code string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(code)), "authoris", "authoriz")
}

// Split writes a code as words: "AwaitingAuthorization" as "Awaiting Authorization",
// "AISConsent" as "AIS Consent". A word begins where a capital follows a small letter
// or a digit, at the last capital of a run before a small letter, and after a hyphen,
// an underscore or a space. Letters keep their case.
func Split(code string) string {
	letters := []rune(code)
	var b strings.Builder
	for i, r := range letters {
		switch {
		case strings.ContainsRune("-_ ", r):
			b.WriteByte(' ')
			continue
		case begins(letters, i):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// begins reports whether a word begins at a letter.
func begins(letters []rune, i int) bool {
	if i == 0 || !unicode.IsUpper(letters[i]) {
		return false
	}
	before := letters[i-1]
	if unicode.IsLower(before) || unicode.IsDigit(before) {
		return true
	}
	return unicode.IsUpper(before) && i+1 < len(letters) && unicode.IsLower(letters[i+1])
}

// Truncate is the leftmost word of a label.
func Truncate(label string) string {
	word, _, _ := strings.Cut(label, " ")
	return word
}
