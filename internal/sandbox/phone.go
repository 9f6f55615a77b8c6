package sandbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"consentd/internal/sandbox/pages"
	"consentd/internal/service"
)

// keyPhone is where a persona's messages lie, and maxMessages how many are kept.
const (
	keyPhone    = "phone"
	maxMessages = 20
)

// message is a text on a persona's phone.
type message struct {
	Key  string    `json:"key"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	Code string    `json:"code"`
}

// Methods implements service.Phones. Whichever way to the phone is chosen, the
// code arrives on the persona's one.
func (b *Bank) Methods(_ context.Context, psu string) ([]service.Method, error) {
	p, err := personaOf(psu)
	if err != nil {
		return nil, fmt.Errorf("methods: %w", err)
	}
	return p.methods(), nil
}

// SendCode implements service.Phones.
func (b *Bank) SendCode(ctx context.Context, m service.CodeMessage) (string, error) {
	p, err := personaOf(m.PSU)
	switch {
	case err != nil:
		return "", fmt.Errorf("phone: %w", err)
	case p.ID == personaReject:
		return "", service.ErrRefused
	case p.ID == personaBlocked:
		return "", service.ErrBlocked
	case m.Method != "" && !p.reachable(m.Method):
		return "", fmt.Errorf("method: %w", pages.ErrUnknown)
	}
	return p.Phone, change(ctx, b.Store, p.ID, keyPhone, func(list []message) ([]message, error) {
		if slices.ContainsFunc(list, func(old message) bool { return old.Key == m.Key }) {
			return list, nil
		}
		list = append(list, message{Key: m.Key, At: b.Now(), Text: m.Text, Code: m.Code})
		return list[max(len(list)-maxMessages, 0):], nil
	})
}

// messages lists what is on a persona's phone, oldest first. Fails with pages.ErrUnknown.
func (b *Bank) messages(ctx context.Context, psu string) ([]message, error) {
	if _, err := personaOf(psu); err != nil {
		return nil, err
	}
	return load[message](ctx, b.Store, psu, keyPhone)
}
