package edge

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBankID is the length of the id of an account or a transaction, in characters.
const maxBankID = 100

// IsBankID tells what can be the bank's id of an account or a transaction, as it
// stands in a path once it is unescaped: any text of 1 to 100 characters, slashes
// included. One that would lead up and away as a path is none, though: who serves
// the data may clean a path before it looks, and would then serve another one than
// was judged.
func IsBankID(id string) bool {
	if strings.TrimSpace(id) == "" || !utf8.ValidString(id) || utf8.RuneCountInString(id) > maxBankID {
		return false
	}
	if strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
		return false
	}
	parts := strings.FieldsFunc(id, func(r rune) bool { return r == '/' || r == '\\' })
	return !slices.ContainsFunc(parts, func(part string) bool { return part == "." || part == ".." })
}
