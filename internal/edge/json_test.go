package edge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	o, wrong := edge.ParseObject([]byte(` {"a":[{"b":1.0},null,true,"x"]} `))
	require.Nil(t, wrong)
	require.Equal(t, map[string]any{"a": []any{map[string]any{"b": json.Number("1.0")}, nil, true, "x"}}, o)
	for body, path := range map[string]string{
		"": "body", "[]": "body", "null": "body", "{": "body", "{} {}": "body", "\xff": "body", `{"a":"\xff"}`: "body",
		strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17): "body",
		`{"a":1,"a":1}`:             "a",
		`{"a":[0,{"b":1,"b":2}]}`:   "a[1].b",
		`{"an iban":1,"an iban":2}`: "?",
		`{"\u0061":1,"a":2}`:        "a",
	} {
		_, wrong := edge.ParseObject([]byte(body))
		require.NotNil(t, wrong, body)
		require.Equal(t, consent.CodeFormat, wrong.Code, body)
		require.Equal(t, path, wrong.Path, body)
	}
}
