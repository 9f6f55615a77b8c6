package manager

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// look writes down what the back office looks at, before it sees it, or is told that
// it cannot have it. more is what neither path nor query say.
func (h *Handler) look(k *call, more ...string) error {
	if !k.staff() {
		return nil
	}
	what := append([]string{h.what(k)}, more...)
	if k.person != "" {
		what = append(what, "by", k.caller.ID)
	}
	return h.Office.Looked(k.ctx(), k.cause(), strings.Join(what, " "))
}

// what names what is looked at: the operation, and the ids and filters that it has.
func (h *Handler) what(k *call) string {
	segments := strings.Split(k.ep.path, "/")
	ids := k.ids[:]
	for i, segment := range segments {
		if strings.HasPrefix(segment, ":") && len(ids) > 0 {
			segments[i], ids = url.PathEscape(h.told(segments[1], ids[0])), ids[1:]
		}
	}
	path := strings.Join(segments, "/")
	query := url.Values{}
	for name, values := range k.query {
		for _, v := range values {
			query.Add(name, h.told(name, v))
		}
	}
	query.Del(queryPSU) // the bank's id of a person: our own is noted
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return k.ep.method + " " + path
}

// ibanForm is how the number of an account looks.
var ibanForm = regexp.MustCompile(`(?i)^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`)

// told is how an id or a filter stands in the audit. Whatever is typed where users and
// accounts are named may be their name or number: of it there is a digest, which is
// always the same, but for our own ids of users.
func (h *Handler) told(kind, value string) string {
	switch kind {
	case "psu", queryUser:
		if id, err := uuid.Parse(value); err == nil {
			return id.String()
		}
	case "accounts", queryAccount:
	default:
		if !ibanForm.MatchString(strings.ReplaceAll(value, " ", "")) {
			return value
		}
	}
	const short = 8
	return "~" + hex.EncodeToString(h.Keys.MAC("looked at", []byte(value))[:short])
}
