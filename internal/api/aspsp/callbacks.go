package aspsp

import (
	"context"
	"encoding/json"

	"consentd/internal/consent"
)

// Callbacks hands what the bank's backend says on to the flows that wait for it.
type Callbacks interface {
	// Callback wakes the run whose callback address holds token, with the fields
	// that came. Fails with CodeNotFound for a token that is not ours; a run that
	// waits no more is no error.
	Callback(ctx context.Context, token string, fields map[string]string) error
}

// callBack serves POST /aspsp/v1/sca-callbacks/{token}.
func (h *Handler) callBack(k *call) (any, error) {
	fields, faults := readFields(k.body)
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	return nil, h.Callbacks.Callback(k.ctx(), k.id, fields)
}

// readFields reads the members of a body that are text; the bank's backend may
// send others, which are its own affair. A body may be left out.
func readFields(body []byte) (map[string]string, consent.Faults) {
	if len(body) == 0 {
		return nil, nil
	}
	members, faults := anyObject(body)
	fields := map[string]string{}
	for name, raw := range members {
		var s *string
		if json.Unmarshal(raw, &s) == nil && s != nil {
			fields[name] = *s
		}
	}
	return fields, faults
}
