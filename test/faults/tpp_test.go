package faults

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/pkg/xs2a"
)

// tpp is a TPP with one consent, who repeats what got no answer.
type tpp struct {
	*world
	psu           string // who is to authorise
	redirect      string // TPP-Redirect-Preferred
	decoupled     string // TPP-Decoupled-Preferred
	id            string // of the consent
	authorisation string
	link          string // scaRedirect
	last          links
	method        string // that the PSU chooses
}

// links are those of the last answer, by name.
type links map[string]struct{ Href string }

// header is that of a new call.
func (c *tpp) header(more ...string) http.Header {
	h := http.Header{}
	h.Set("X-Request-ID", uuid.NewString())
	h.Set("X-Sandbox-TPP", "demo")
	h.Set("Content-Type", "application/json")
	h.Set("PSU-IP-Address", "192.0.2.7")
	h.Set("TPP-Redirect-URI", "https://tpp.example/ok")
	for i := 0; i < len(more); i += 2 {
		if more[i+1] != "" {
			h.Set(more[i], more[i+1])
		}
	}
	return h
}

// wish is the header of a call that starts an authorisation.
func (c *tpp) wish(more ...string) http.Header {
	psu := c.psu
	if c.redirect == "" {
		psu = "" // the page asks
	}
	return c.header(append(more, "PSU-ID", psu, "TPP-Redirect-Preferred", c.redirect, "TPP-Decoupled-Preferred", c.decoupled)...)
}

// makes sends a call that must succeed, and follows what the answer says.
func (c *tpp) makes(method, path, body string, header http.Header) {
	c.t.Helper()
	c.follow(c.call(method, path, body, header))
}

func (c *tpp) follow(got answer) {
	c.t.Helper()
	require.Less(c.t, got.status, 300, got.body)
	var said struct {
		ConsentID string
		Links     links `json:"_links"`
	}
	got.into(c.t, &said)
	if said.ConsentID != "" {
		c.id = said.ConsentID
	}
	c.last = said.Links
	if status, ok := said.Links[xs2a.LinkScaStatus]; ok {
		c.authorisation = path.Base(status.Href)
	}
	c.link = said.Links[xs2a.LinkScaRedirect].Href
}

// offered and dedicated are what is asked for: accounts that the PSU chooses,
// and one that the TPP names.
func offered() string { return request(`{"balances":[],"transactions":[]}`) }

func dedicated(iban string) string { return request(`{"balances":[{"iban":"` + iban + `"}]}`) }

func request(access string) string {
	return `{"access":` + access + `,"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4}`
}

// create makes a consent.
func (c *tpp) create(body string, more ...string) {
	c.t.Helper()
	c.makes(http.MethodPost, "/v1/consents", body, c.wish(more...))
}

// start starts a further authorisation.
func (c *tpp) start() {
	c.t.Helper()
	c.makes(http.MethodPost, "/v1/consents/"+c.id+"/authorisations", "", c.wish())
}

// update sends a part of what the PSU has said.
func (c *tpp) update(body any) answer {
	c.t.Helper()
	b, err := json.Marshal(body)
	require.NoError(c.t, err)
	return c.call(http.MethodPut, "/v1/consents/"+c.id+"/authorisations/"+c.authorisation, string(b), c.header("PSU-ID", c.psu))
}

// end ends the consent.
func (c *tpp) end() {
	c.t.Helper()
	got := c.call(http.MethodDelete, "/v1/consents/"+c.id, "", c.header())
	require.Equal(c.t, http.StatusNoContent, got.status, got.body)
}

// status is the consentStatus.
func (c *tpp) status() string {
	c.t.Helper()
	var said struct{ ConsentStatus string }
	c.call(http.MethodGet, "/v1/consents/"+c.id+"/status", "", c.header()).into(c.t, &said)
	return said.ConsentStatus
}

// becomes waits until a worker has brought the consent to a status. The clock is
// turned with every look, so that what is to come sometime comes.
func (c *tpp) becomes(status string, by time.Duration) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		c.turn(by)
		return c.status() == status
	}, patience, 20*tick, "not %s", status)
}

// withdrawn waits until the flow has been told that its run has ended: then
// nothing is left of what the run remembers.
func (c *tpp) withdrawn() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		c.status() // which brings the program back where it has died
		for _, a := range c.stored(c.id).Authorisations {
			r, err := c.db.RunByID(c.t.Context(), a.RunID)
			if err != nil || r.Memo != nil {
				return false
			}
		}
		return true
	}, patience, 20*tick, "the flow was not told")
}

// sentOnce asserts that no authorisation had more than one code sent, and how
// many were sent at least.
func (c *tpp) sentOnce(atLeast int) {
	c.t.Helper()
	total := 0
	for _, a := range c.stored(c.id).Authorisations {
		n := 0
		for _, m := range kept[struct{ Key string }](c.world, c.psu, "phone") {
			if strings.HasPrefix(m.Key, a.RunID.String()) {
				n++
			}
		}
		require.LessOrEqual(c.t, n, 1, "codes for one authorisation")
		total += n
	}
	require.GreaterOrEqual(c.t, total, atLeast)
}
