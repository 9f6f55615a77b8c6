package flows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/flows"
)

// settings are one of each kind.
type settings struct {
	text, inner string
	list        []string
	number      int
	yes         bool
}

func (s *settings) keys() flows.Keys {
	return flows.Keys{"text": &s.text, "list": &s.list, "number": &s.number, "yes": &s.yes, "within": flows.Keys{"text": &s.inner}}
}

func TestRead(t *testing.T) {
	t.Parallel()
	before := settings{text: "a", list: []string{"b"}, number: 1, yes: true}
	for section, want := range map[string]settings{
		`{}`:   before,
		`null`: before,
		`{"text": "", "list": [], "number": 0, "yes": false, "within": {"text": "c"}}`: {inner: "c", list: []string{}},
		`{"list": ["x", "y"]}`: {text: "a", list: []string{"x", "y"}, number: 1, yes: true},
	} {
		got := before
		require.NoError(t, flows.Read(json.RawMessage(section), got.keys()), section)
		assert.Equal(t, want, got, section)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]string{
		`[]`:                "must be a section: keys with values",
		`3`:                 "must be a section: keys with values",
		`{"Text": "x"}`:     "Text: no such key",
		`{"text": null}`:    "text: must be a text",
		`{"number": 1.5}`:   "number: must be a whole number",
		`{"list": ["a",1]}`: "list: must be a list of texts",
		`{"within": 3}`:     "within: must be a section: keys with values",
		`{"yes": "no", "text": 3, "number": "4", "list": "x", "within": {"text": 3, "more": 1}}`: `list: must be a list of texts
number: must be a whole number
text: must be a text
within.more: no such key
within.text: must be a text
yes: must be true or false`,
	} {
		got := settings{text: "a", list: []string{"b"}, number: 1, yes: true}
		before := got
		require.EqualError(t, flows.Read(json.RawMessage(section), got.keys()), want)
		assert.Equal(t, before, got, "what is wrong sets nothing")
	}
	require.EqualError(t, flows.Read(json.RawMessage(`{"odd": 1}`), flows.Keys{"odd": new(float64)}), "odd: no value goes into a *float64")
}

func TestUnder(t *testing.T) {
	t.Parallel()
	cause := errors.New("clientId: must be set")
	both := errors.Join(cause, errors.Join(errors.New("must know who calls: by a secret"), errors.New("breaker.openFor: must be positive")))
	err := flows.Under("sca.flows.x", both)
	require.EqualError(t, err, `sca.flows.x.clientId: must be set
sca.flows.x: must know who calls: by a secret
sca.flows.x.breaker.openFor: must be positive`)
	require.ErrorIs(t, err, cause)
	require.NoError(t, flows.Under("sca.flows.x", nil))
	sentence := fmt.Errorf("%w: %w", errors.New("file"), errors.New("none"))
	require.EqualError(t, flows.Under("x", sentence), "x.file: none", "one sentence is one fault")
}

func TestBesides(t *testing.T) {
	t.Parallel()
	first := errors.Join(errors.New("url: must be a text"), errors.New("x: no such key"))
	err := flows.Besides(first, errors.Join(errors.New("url: must be https"), errors.New("no clock"), errors.New("tls: a"), errors.New("tls: b")))
	require.EqualError(t, err, "url: must be a text\nx: no such key\nno clock\ntls: a\ntls: b")
	require.NoError(t, flows.Besides(nil, nil))
	require.True(t, flows.Faulty(err, "y", "tls"))
	require.False(t, flows.Faulty(err, "no clock", ""))
	require.False(t, flows.Faulty(nil, ""))
}
