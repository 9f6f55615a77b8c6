package manager_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/manager"
)

// What was asked for comes out to the byte, with its spaces, and reads the same.
func TestRequestStaysAsItIs(t *testing.T) {
	t.Parallel()
	const request = "{\"type\": \"x\" ,\n \"consent\":{\"a\":\"<&>\\u00e4\", \"n\":1.0}}"
	for name, got := range map[string]func([]byte) ([]byte, error){
		"request":     manager.Consent{ID: "1", RequestHeaders: []byte("{}"), Body: manager.Body{Data: []byte("{}")}, Request: []byte(request)}.AppendJSON,
		"requestBody": manager.Payment{ID: "1", RequestHeaders: []byte("{}"), RequestBody: []byte(request)}.AppendJSON,
	} {
		b, err := got([]byte("before"))
		require.NoError(t, err)
		require.Contains(t, string(b), `,"`+name+`":`+request+"}")
		require.Equal(t, "before{", string(b[:7]))
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(b[6:], &members))
		require.Len(t, members[name], len(request))
	}
	_, err := manager.Consent{RequestHeaders: []byte("{")}.AppendJSON(nil)
	require.Error(t, err)
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"data":{"a":1},"meta":{}}`, string(manager.AppendOne(nil, []byte(`{"a":1}`))))
	for want, c := range map[string]struct {
		rows []string
		meta *manager.Meta
	}{
		`{"data":[],"meta":{}}`:                                {},
		`{"data":[],"meta":{"totalPages":0,"totalRecords":0}}`: {meta: &manager.Meta{}},
		`{"data":[{},{}],"meta":{"pageNumber":1,"pageSize":2,"totalPages":2,"totalRecords":3,"next":"n"}}`: {
			rows: []string{"{}", "{}"}, meta: &manager.Meta{PageNumber: 1, PageSize: 2, TotalPages: 2, TotalRecords: 3, Next: "n"},
		},
	} {
		var rows [][]byte
		for _, row := range c.rows {
			rows = append(rows, []byte(row))
		}
		got, err := manager.AppendList(nil, rows, c.meta)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}
