package httpsig

import "fmt"

// Text is what is signed of m for names, in their order: for showing, and for
// comparing with what another program makes of them. Fails where m has nothing
// under one of the names.
func (m Message) Text(names []string) (string, error) {
	text, absent := m.textFor(names)
	if absent != "" {
		return "", fmt.Errorf("httpsig: the message has no %s", absent)
	}
	return text, nil
}
