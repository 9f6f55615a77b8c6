package office

import "strings"

// isIBAN tells whether a text is an IBAN (ISO 13616), however it is spaced: somebody has
// typed it where the bank's own id of an account belongs. It must not get into the audit
// nor into an address.
func isIBAN(text string) bool {
	const shortest, longest = 15, 34
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	if len(text) < shortest || len(text) > longest || !letter(text[0]) || !letter(text[1]) || !digit(text[2]) || !digit(text[3]) {
		return false
	}
	rest := 0
	for _, c := range []byte(text[4:] + text[:4]) {
		switch {
		case digit(c):
			rest = (rest*10 + int(c-'0')) % 97
		case letter(c):
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

func letter(c byte) bool { return 'A' <= c && c <= 'Z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }
