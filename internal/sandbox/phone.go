package sandbox

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// Methods implements service.Phones. Whichever is chosen, the code arrives on
// the persona's one phone.
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
	case m.Method != "" && !slices.ContainsFunc(p.methods(), func(x service.Method) bool { return x.ID == m.Method }):
		return "", fmt.Errorf("method: %w", errUnknown)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list, err := load[message](ctx, b.Store, p.ID, keyPhone)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(list, func(old message) bool { return old.Key == m.Key }) {
		return p.Phone, nil
	}
	list = append(list, message{Key: m.Key, At: b.Now(), Text: m.Text, Code: m.Code})
	if len(list) > maxMessages {
		list = list[len(list)-maxMessages:]
	}
	return p.Phone, save(ctx, b.Store, p.ID, keyPhone, list)
}

// messages lists what is on a persona's phone, oldest first. Fails with errUnknown.
func (b *Bank) messages(ctx context.Context, psu string) ([]message, error) {
	if _, err := personaOf(psu); err != nil {
		return nil, err
	}
	return load[message](ctx, b.Store, psu, keyPhone)
}
