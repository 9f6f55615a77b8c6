package manager

import (
	"encoding/json"
	"errors"
)

// errNoObject is about a type that was not written as an object with members.
var errNoObject = errors.New("no JSON object with members")

// AppendJSON appends the consent as JSON, Request byte by byte as it is.
func (c Consent) AppendJSON(b []byte) ([]byte, error) {
	request := c.Request
	c.Request = nil
	return appendWith(b, c, "request", request)
}

// AppendJSON appends the row as JSON, RequestBody byte by byte as it is.
func (p Payment) AppendJSON(b []byte) ([]byte, error) {
	request := p.RequestBody
	p.RequestBody = nil
	return appendWith(b, p, "requestBody", request)
}

// appendWith writes an object with one more member at its end.
func appendWith(b []byte, object any, name string, raw json.RawMessage) ([]byte, error) {
	head, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	if len(head) <= len("{}") || head[len(head)-1] != '}' {
		return nil, errNoObject
	}
	b = append(b, head[:len(head)-1]...)
	if len(raw) > 0 {
		b = append(b, `,"`+name+`":`...)
		b = append(b, raw...)
	}
	return append(b, '}'), nil
}

// AppendOne appends the answer about one thing that was written before.
func AppendOne(b, data []byte) []byte {
	return append(append(append(b, `{"data":`...), data...), `,"meta":{}}`...)
}

// AppendList appends the answer that lists what was written before. Meta is {} for nil.
func AppendList(b []byte, rows [][]byte, meta *Meta) ([]byte, error) {
	b = append(b, `{"data":[`...)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	b = append(b, `],"meta":`...)
	if meta == nil {
		return append(b, "{}}"...), nil
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	return append(append(b, text...), '}'), nil
}
