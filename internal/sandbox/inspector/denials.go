package inspector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Where the bank's systems ask for decisions, and in which header a gateway is told
// the status of a denial that comes as a 403.
const (
	pathAccessCheck  = "/aspsp/v1/access-checks"
	pathAccessBatch  = pathAccessCheck + "/batch"
	pathForwardAuth  = "/aspsp/v1/forward-auth"
	headerDenial     = "X-Denial-Status"
	headerDenialBody = "X-Denial-Body"
)

// inspectedDeny is a decision that was denied, in an answer that says so.
type inspectedDeny struct {
	Number int    `json:"number"` // of the check, from 1
	Status int    `json:"status"` // with which the TPP is to be refused
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"` // for the bank
}

// denialsIn finds the denials in an answer, and how many decisions there are in it.
// Of an answer that is not kept whole, it finds those of the beginning.
func denialsIn(path string, h http.Header, body []byte) (checks int, denials []inspectedDeny) {
	switch {
	case path == pathAccessCheck:
		return verdictsIn(json.NewDecoder(bytes.NewReader(body)), 1)
	case path == pathAccessBatch:
		d := json.NewDecoder(bytes.NewReader(body))
		for range 3 { // {"decisions":[
			if _, err := d.Token(); err != nil {
				return 0, nil
			}
		}
		return verdictsIn(d, maxInspectedBody)
	case (path == pathForwardAuth || strings.HasPrefix(path, pathForwardAuth+"/")) && h.Get(headerDenial) != "":
		return 1, []inspectedDeny{handedOn(h)}
	default:
		return 0, nil
	}
}

// verdictsIn reads decisions, one after the other.
func verdictsIn(d *json.Decoder, most int) (checks int, denials []inspectedDeny) {
	for checks < most && d.More() {
		var v struct {
			Decision, Reason string
			Error            struct {
				Status int
				Code   string
			}
		}
		if err := d.Decode(&v); err != nil || v.Decision == "" {
			break
		}
		checks++
		if v.Decision == "deny" {
			denials = append(denials, inspectedDeny{checks, v.Error.Status, v.Error.Code, maskText(v.Reason)})
		}
	}
	return checks, denials
}

// handedOn is the denial that a gateway is to restore.
func handedOn(h http.Header) inspectedDeny {
	var body struct {
		Messages []struct{ Code, Path, Text string } `json:"tppMessages"`
		Code     string                              // of problem+json
		Detail   string
	}
	denied := inspectedDeny{Number: 1}
	denied.Status, _ = strconv.Atoi(h.Get(headerDenial)) // it is ours
	if json.Unmarshal([]byte(h.Get(headerDenialBody)), &body) != nil {
		return denied
	}
	denied.Code, denied.Reason = body.Code, body.Detail
	if len(body.Messages) > 0 {
		first := body.Messages[0]
		denied.Code, denied.Reason = first.Code, strings.TrimSpace(first.Path+" "+strings.TrimPrefix(first.Text, first.Path+" "))
	}
	denied.Reason = maskText(denied.Reason)
	return denied
}

// verdict says in short what the bank's system was told; empty where nothing was
// denied.
func (c *inspected) verdict() string {
	switch {
	case len(c.Denials) == 0:
		return ""
	case c.Checks > 1:
		return fmt.Sprintf("%d of %d denied", len(c.Denials), c.Checks)
	default:
		return strings.TrimSpace(fmt.Sprintf("deny %d %s", c.Denials[0].Status, c.Denials[0].Code))
	}
}
