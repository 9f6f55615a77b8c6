package parties

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

// ErrUnreadable is all that is said of what cannot be opened: by none of the keys, in
// no supported way, or without sense inside.
var ErrUnreadable = errors.New("the parties of the payment cannot be read")

// Parties are who pays whom. What is not said is empty. Of several creditors, of whom
// each may be paid, there are the names alone, one after the other.
type Parties struct {
	CreditorName string
	// CreditorIBAN and DebtorIBAN are without spaces; of an account that has none it is
	// the number by which it was named.
	CreditorIBAN  string
	CreditorAgent string // the creditor's bank: its name, else its code
	DebtorName    string
	DebtorIBAN    string
}

// document is the clear text, of a consent or of a payment.
type document struct {
	Initiation *struct {
		creditor // of a payment, with the creditor as an object

		DebtorAccount account         `json:"DebtorAccount"`
		Creditors     json.RawMessage `json:"Creditor"`
	} `json:"Initiation"`
	Message json.RawMessage `json:"message"` // of a JWS, around another document
}

// creditor is one who is paid.
type creditor struct {
	Agent   agent   `json:"CreditorAgent"`
	Account account `json:"CreditorAccount"`
}

// entry is one of the creditors that a consent lists.
type entry struct {
	creditor

	Creditor party `json:"Creditor"`
}

type party struct {
	Name label `json:"Name"`
}

type agent struct {
	Identification string `json:"Identification"`
	Name           label  `json:"Name"`
}

type account struct {
	Identification string `json:"Identification"`
	Name           label  `json:"Name"`
}

// label is a name: text, or text in English and Arabic.
type label string

// UnmarshalJSON implements json.Unmarshaler.
func (l *label) UnmarshalJSON(text []byte) error {
	var both struct {
		English string `json:"en"`
		Arabic  string `json:"ar"`
	}
	if err := json.Unmarshal(text, (*string)(l)); err == nil {
		return nil
	}
	if err := json.Unmarshal(text, &both); err != nil {
		return ErrUnreadable
	}
	*l = label(first(both.English, both.Arabic))
	return nil
}

// read makes sense of a clear text.
func read(clear []byte) (Parties, error) {
	doc, err := decode(clear)
	if err != nil {
		return Parties{}, err
	}
	if doc.Initiation == nil {
		return Parties{}, ErrUnreadable
	}
	in := doc.Initiation
	list, err := creditors(in.Creditors, in.creditor)
	if err != nil {
		return Parties{}, err
	}
	p := Parties{DebtorName: first(string(in.DebtorAccount.Name)), DebtorIBAN: number(in.DebtorAccount.Identification)}
	var names []string
	for _, c := range list {
		if name := first(string(c.Creditor.Name), string(c.Account.Name)); name != "" {
			names = append(names, name)
		}
	}
	p.CreditorName = strings.Join(names, ", ")
	if len(list) == 1 {
		p.CreditorIBAN = number(list[0].Account.Identification)
		p.CreditorAgent = first(string(list[0].Agent.Name), list[0].Agent.Identification)
	}
	return p, nil
}

// decode reads a document, or the one that is the message of another.
func decode(clear []byte) (document, error) {
	var doc document
	if err := json.Unmarshal(clear, &doc); err != nil {
		return document{}, ErrUnreadable
	}
	if doc.Initiation != nil || doc.Message == nil {
		return doc, nil
	}
	var inner document
	if err := json.Unmarshal(doc.Message, &inner); err != nil {
		return document{}, ErrUnreadable
	}
	return inner, nil
}

// creditors are those of a document: an array, each with agent and account, or one
// object, whose agent and account stand beside it.
func creditors(text json.RawMessage, beside creditor) ([]entry, error) {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && text[0] == '[' {
		var list []entry
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, ErrUnreadable
		}
		return list, nil
	}
	one := entry{creditor: beside}
	if len(text) > 0 {
		var inner entry
		if json.Unmarshal(text, &one.Creditor) != nil || json.Unmarshal(text, &inner) != nil {
			return nil, ErrUnreadable
		}
		if one.Creditor == (party{}) && inner.Creditor != (party{}) {
			one = inner
		}
	}
	return []entry{one}, nil
}

// maxText is how much of a name is shown, in characters.
const maxText = 350

// first is the first text with something in it, without what cannot be shown.
func first(texts ...string) string {
	for _, t := range texts {
		t = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return ' '
			}
			return r
		}, t)
		if t = strings.Join(strings.Fields(t), " "); t != "" {
			return cut(t)
		}
	}
	return ""
}

func cut(t string) string {
	if runes := []rune(t); len(runes) > maxText {
		return string(runes[:maxText])
	}
	return t
}

// number is that of an account, without spaces.
func number(text string) string { return strings.ReplaceAll(first(text), " ", "") }
