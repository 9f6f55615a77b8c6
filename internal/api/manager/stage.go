package manager

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"consentd/internal/consent"
	wire "consentd/pkg/manager"
)

// origin is how a staged consent came: what stays as it is, and nobody reads but who
// shows it. Domain code keeps it as it is.
type origin struct {
	Type          string            `json:"type"`    // of the RAR
	Version       string            `json:"version"` // of the standard
	TPP           wire.TPP          `json:"tpp,omitzero"`
	URL           string            `json:"url,omitempty"`
	Interaction   string            `json:"interaction,omitempty"`
	ParID         string            `json:"parId,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
	Billing       json.RawMessage   `json:"billing,omitempty"` // what a payment is billed as
	PaymentType   string            `json:"paymentType,omitempty"`
	Client        string            `json:"client,omitempty"` // the TPP's id of the interaction
	Authorization *wire.Code        `json:"authorization,omitempty"`
}

// stage serves POST /consents.
func (h *Handler) stage(k *call) (said, error) {
	o, err := k.object()
	if err != nil {
		return said{}, err
	}
	kind, version, faults := kindOf(o["type"])
	if kind != "" {
		faults = append(faults, judge("", o, "type consent", map[string]rule{
			"type": anything, "consent": consentRule(kind), "subscription": subscriptionRule(), memberTPP: tppRule,
		})...)
	}
	if err := k.wrong(faults); err != nil {
		return said{}, err
	}
	s, base, err := h.staging(k, o, kind)
	if err != nil {
		return said{}, err
	}
	from, err := h.originOf(k, o, version)
	if err != nil {
		return said{}, err
	}
	s.TPP, s.TPPName, s.Staged.Origin = from.TPP.ID, cmp.Or(from.TPP.Name, from.TPP.ID), mustJSON(from)
	cause := k.cause()
	cause.By, cause.Who, cause.Certificate = consent.ByTPP, s.TPP, "" // the hub brings what the TPP has asked it
	r, _, err := h.Staging.Stage(k.ctx(), cause, s, base)
	if err != nil {
		return said{}, err
	}
	body, err := h.whole(r, k)
	return said{http.StatusCreated, wire.AppendOne(nil, body)}, err
}

func consentRule(kind consent.Kind) rule {
	if kind == consent.Payments {
		return paymentRule()
	}
	return dataSharingRule()
}

// staging reads what is staged, and the name of the consent that it goes on with. The
// request is kept member by member as it came.
func (h *Handler) staging(k *call, o map[string]any, kind consent.Kind) (consent.Staging, string, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(k.body, &whole); err != nil {
		return consent.Staging{}, "", err //nolint:wrapcheck // it has been read before
	}
	a := objectIn(o, "consent")
	base, permissions := textIn(a, "BaseConsentId"), textsIn(a, "Permissions")
	s := consent.Staging{Kind: kind, Staged: consent.Staged{
		Reference: textIn(a, "ConsentId"), Request: requestOf(whole), Permissions: permissions, OnBehalfOf: textIn(objectIn(a, "OnBehalfOf"), "TradingName"),
	}}
	s.EndsAt, s.AuthoriseBy = timeIn(a, "ExpirationDateTime"), timeIn(a, "AuthorizationExpirationDateTime")
	if kind == consent.AccountAccess {
		s.Rights = rightsOf(permissions)
		return s, base, nil
	}
	t, faults := terms(objectIn(a, "ControlParameters"))
	if len(faults) > 0 {
		return s, "", faults
	}
	t.DebtorReference, t.CreditorReference, t.Purpose = textIn(a, "DebtorReference"), textIn(a, "CreditorReference"), textIn(a, "PaymentPurposeCode")
	t.Parties = textIn(a, memberParties)
	s.Staged.Payment = t
	return s, base, nil
}

// requestOf is what was asked for, to the byte of its members: without the tpp, which
// is the hub's to say.
func requestOf(whole map[string]json.RawMessage) []byte {
	b := append([]byte(`{"type":`), whole["type"]...)
	b = append(append(b, `,"consent":`...), whole["consent"]...)
	if raw, there := whole["subscription"]; there {
		b = append(append(b, `,"subscription":`...), raw...)
	}
	return append(b, '}')
}

// Headers of the hub.
const (
	headerClient      = "O3-Caller-Client-Id"
	headerOrg         = "O3-Caller-Org-Id"
	headerSoftware    = "O3-Caller-Software-Statement-Id"
	headerInteraction = "O3-Ozone-Interaction-Id"
	headerURI         = "O3-Api-Uri"
	headerPAR         = "O3-Par-Id"
)

// originOf says how a consent came.
func (h *Handler) originOf(k *call, o map[string]any, version string) (origin, error) {
	from := origin{Version: version, Headers: headersOf(k.req.Header)}
	from.Type, _ = o["type"].(string)
	from.Interaction, from.ParID = from.Headers[lower(headerInteraction)], from.Headers[lower(headerPAR)]
	if u, err := url.Parse(from.Headers[lower(headerURI)]); err == nil && u.IsAbs() {
		from.URL = u.String()
	}
	var err error
	from.TPP, err = h.tppOf(k, o)
	return from, err
}

func lower(name string) string { return strings.ToLower(name) }

// maxHeader is how long a header may be that is kept.
const maxHeader = 500

// headersOf are the headers of a request that are kept: those that name calls. What
// could be a credential, or name a person, is none of them.
func headersOf(all http.Header) map[string]string {
	kept := map[string]string{}
	for name, values := range all {
		name = lower(name)
		if len(values) != 1 || !mayKeep(name) || text(maxHeader)("", values[0]) != nil {
			continue
		}
		value := values[0]
		if name == lower(headerURI) {
			value = bare(value)
		}
		if value != "" {
			kept[name] = value
		}
	}
	return kept
}

// bare is an address without what may be a credential, or name a person: user, query
// and fragment. It is empty for what is no address.
func bare(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func mayKeep(name string) bool {
	if slices.Contains([]string{"x-fapi-interaction-id", "x-request-id", "user-agent"}, name) {
		return true
	}
	return strings.HasPrefix(name, "o3-") && !slices.ContainsFunc(
		[]string{"psu", "auth", "token", "assertion", "cookie", "secret", "key", "dpop", "cert"},
		func(part string) bool { return strings.Contains(name, part) },
	)
}
