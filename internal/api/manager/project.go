package manager

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

// extra is what the bank has added to a staged consent.
type extra struct {
	Supplementary  json.RawMessage `json:"supplementary,omitempty"`
	LargeCorporate *bool           `json:"largeCorporate,omitempty"`
	Charges        json.RawMessage `json:"charges,omitempty"`
	ExchangeRate   json.RawMessage `json:"exchangeRate,omitempty"`
}

// errNoConsent is about a stored request that we have not written.
var errNoConsent = errors.New("it asks for nothing")

// statusOf says the state in the standard's words. Data sharing is never consumed.
func statusOf(c *consent.Consent) wire.Status {
	if c.Status == consent.Consumed && c.Kind != consent.Payments {
		return wire.Expired
	}
	return statuses[c.Status]
}

var statuses = map[consent.Status]wire.Status{
	consent.Received: wire.AwaitingAuthorization, consent.PartiallyAuthorised: wire.AwaitingAuthorization,
	consent.Valid: wire.Authorized, consent.Suspended: wire.Suspended, consent.Rejected: wire.Rejected,
	consent.Revoked: wire.Revoked, consent.Expired: wire.Expired, consent.Consumed: wire.Consumed,
}

// whole writes a consent as it is shown to a caller.
func (h *Handler) whole(r *staging.Record, k *call) ([]byte, error) {
	if k.user != "" {
		copied := *r
		copied.User, r = k.user, &copied
	}
	c, err := h.project(r)
	if err != nil {
		return nil, err
	}
	return c.AppendJSON(nil) //nolint:wrapcheck // it names the member
}

// project shows a consent of any rail as one of this API.
func (h *Handler) project(r *staging.Record) (wire.Consent, error) {
	w := wire.Consent{
		ID: r.ID.String(), GroupID: cmp.Or(r.GroupRef, r.GroupID.String()), Type: typeOf(r.Kind), Status: statusOf(r.Consent),
		UpdatedAt: r.UpdatedAt().UnixMilli(), Accounts: r.Accounts, RequestHeaders: json.RawMessage("{}"), Usage: usageOf(r),
	}
	if r.User != "" {
		w.PSU = &wire.PSU{UserID: r.User}
	}
	if r.Staged == nil {
		return h.projectBorn(w, r)
	}
	return h.projectStaged(w, r)
}

// projectStaged completes what a hub has staged.
func (h *Handler) projectStaged(w wire.Consent, r *staging.Record) (wire.Consent, error) {
	from, added, err := kept(r.Staged)
	if err != nil {
		return w, err
	}
	w.RARType, w.StandardVersion, w.ParID = from.Type, from.Version, from.ParID
	w.RequestURL, w.InteractionID, w.Request = from.URL, from.Interaction, r.Staged.Request
	w.TPP, w.Channel, w.Supplementary = complete(from.TPP, r.Consent), r.Staged.Channel, added.Supplementary
	if len(from.Headers) > 0 {
		w.RequestHeaders = mustJSON(from.Headers)
	}
	var request struct {
		Consent      map[string]json.RawMessage `json:"consent"`
		Subscription json.RawMessage            `json:"subscription"`
	}
	if err := json.Unmarshal(r.Staged.Request, &request); err != nil {
		return w, fmt.Errorf("request of consent %s: %w", r.ID, err)
	}
	if request.Consent == nil {
		return w, fmt.Errorf("request of consent %s: %w", r.ID, errNoConsent)
	}
	data := request.Consent
	delete(data, "PersonalIdentifiableInformation")
	if len(r.Staged.Permissions) == 0 {
		delete(data, "Permissions") // the standard takes an empty list in the request alone
	}
	h.state(data, r)
	if err := addTo(data, added, r.Kind); err != nil {
		return w, fmt.Errorf("what was added to consent %s: %w", r.ID, err)
	}
	w.Body = wire.Body{Data: mustJSON(data), Meta: metaOf(r), Subscription: request.Subscription}
	return w, nil
}

// kept reads what this dialect has kept with a consent.
func kept(s *consent.Staged) (from origin, added extra, err error) {
	if err = json.Unmarshal(s.Origin, &from); err != nil {
		return from, added, fmt.Errorf("origin of a consent: %w", err)
	}
	if len(s.Extra) > 0 {
		if err = json.Unmarshal(s.Extra, &added); err != nil {
			return from, added, fmt.Errorf("what was added to a consent: %w", err)
		}
	}
	return from, added, nil
}

// state sets what has become of a consent.
func (h *Handler) state(data map[string]json.RawMessage, r *staging.Record) {
	data["Status"] = mustJSON(statusOf(r.Consent))
	data["CreationDateTime"] = mustJSON(moments(r.CreatedAt))
	if r.Status == consent.Revoked {
		data["RevokedBy"] = mustJSON(staging.RevokedByOf(r.Ending))
	}
	if r.Kind != consent.Payments || r.Staged == nil || r.Staged.Payment == nil {
		return
	}
	data["StatusUpdateDateTime"] = mustJSON(moments(r.StatusChangedAt))
	t := r.Staged.Payment
	sum := t.Consumed(r.Payments, h.Now(), h.Zone)
	c := wire.Consumption{Count: sum.Count, Value: amountOf(sum.Value)}
	if t.Period != "" {
		value := amountOf(sum.ValueInPeriod)
		c.CountInPeriod, c.ValueInPeriod = &sum.CountInPeriod, &value
	}
	data["PaymentConsumption"] = mustJSON(c)
}

// addTo sets what the bank has added.
func addTo(data map[string]json.RawMessage, added extra, kind consent.Kind) error {
	if added.LargeCorporate != nil {
		billing := map[string]json.RawMessage{}
		if raw := data["OpenFinanceBilling"]; len(raw) > 0 {
			if err := json.Unmarshal(raw, &billing); err != nil {
				return err //nolint:wrapcheck // by the caller
			}
		}
		billing["IsLargeCorporate"] = mustJSON(*added.LargeCorporate)
		data["OpenFinanceBilling"] = mustJSON(billing)
	}
	if kind == consent.Payments && len(added.Charges) > 0 {
		data["Charges"] = added.Charges
	}
	if kind == consent.Payments && len(added.ExchangeRate) > 0 {
		data["ExchangeRate"] = added.ExchangeRate
	}
	return nil
}

// rarType is that of consents that no hub has staged.
const (
	rarType    = "urn:openfinanceuae:account-access-consent:v2.1"
	rarVersion = "v2.1"
)

// projectBorn shows a consent that a TPP has asked of the bank itself. Its request is
// made up of what never changes of it.
func (h *Handler) projectBorn(w wire.Consent, r *staging.Record) (wire.Consent, error) {
	expires := h.endOf(r.Consent)
	billing := mustJSON(map[string]string{"UserType": "Retail", "Purpose": "AccountAggregation"})
	request := map[string]json.RawMessage{
		"ConsentId": mustJSON(w.ID), "Permissions": mustJSON(askedFor(r.Consent)),
		"OpenFinanceBilling": billing, "ExpirationDateTime": mustJSON(expires),
	}
	w.RARType, w.StandardVersion = rarType, rarVersion
	w.Request = mustJSON(map[string]any{"type": rarType, "consent": request})
	w.TPP, w.Channel = complete(wire.TPP{ID: r.TPP, Name: r.TPPName}, r.Consent), wire.Web
	w.Supplementary = supplementOf(r.Consent)
	data := map[string]json.RawMessage{
		"ConsentId": mustJSON(w.ID), "Permissions": mustJSON(granted(r)), "OpenFinanceBilling": billing, "ExpirationDateTime": mustJSON(expires),
	}
	if r.GroupID != r.ID {
		data["BaseConsentId"] = mustJSON(w.GroupID)
	}
	h.state(data, r)
	w.Body = wire.Body{Data: mustJSON(data), Meta: metaOf(r)}
	return w, nil
}

// endOf is the last second of a consent that ends with a day, and the end of others.
func (h *Handler) endOf(c *consent.Consent) time.Time {
	end := c.EndsAt
	if c.Rail == consent.RailXS2A {
		end = end.Add(-time.Second)
	}
	return moments(end)
}

// supplementOf is what the standard has no members for.
func supplementOf(c *consent.Consent) json.RawMessage {
	s := map[string]any{"recurringIndicator": c.Recurring, "perAccountScope": perAccount(c)}
	if c.FrequencyPerDay > 0 {
		s["frequencyPerDay"] = c.FrequencyPerDay
	}
	return mustJSON(s)
}

// metaOf tells of those who must agree, where they are several. For payments it is all
// that Meta is.
func metaOf(r *staging.Record) json.RawMessage {
	m := authorizersOf(r.Consent)
	switch {
	case m == nil:
		return nil
	case r.Kind == consent.Payments:
		return mustJSON(m)
	default:
		return mustJSON(map[string]any{"MultipleAuthorizers": m})
	}
}

var approvals = map[consent.ApprovalState]string{
	consent.ApprovalPending: "Pending", consent.ApprovalGiven: "Approved", consent.ApprovalRejected: "Rejected",
}

func authorizersOf(c *consent.Consent) *wire.MultipleAuthorizers {
	if c.Staged == nil {
		return signersOf(c)
	}
	if len(c.Staged.Approvals) == 0 && c.Staged.Required == 0 {
		return nil
	}
	m := &wire.MultipleAuthorizers{TotalRequired: c.Staged.Required}
	for _, a := range c.Staged.Approvals {
		m.Authorizations = append(m.Authorizations, wire.Authorizer{ID: a.ID, Type: a.Type, At: maybe(a.At), Status: approvals[a.State]})
	}
	return m
}

// signersOf tells of those who have begun to authorise a consent of the bank's own
// rails, each by the last of their authorisations; none where one alone has.
func signersOf(c *consent.Consent) *wire.MultipleAuthorizers {
	var order []uuid.UUID
	last := map[uuid.UUID]wire.Authorizer{}
	for _, a := range c.Authorisations {
		if a.PSU == uuid.Nil {
			continue
		}
		if _, met := last[a.PSU]; !met {
			order = append(order, a.PSU)
		}
		state := "Pending"
		switch {
		case a.Status.Granted():
			state = "Approved"
		case a.Status.Final():
			state = "Rejected"
		}
		last[a.PSU] = wire.Authorizer{ID: a.PSU.String(), At: maybe(a.ChangedAt), Status: state}
	}
	if len(order) < 2 && c.Status != consent.PartiallyAuthorised {
		return nil
	}
	m := &wire.MultipleAuthorizers{}
	for _, id := range order {
		m.Authorizations = append(m.Authorizations, last[id])
	}
	return m
}

func usageOf(r *staging.Record) *wire.Usage {
	if r.LastShared.IsZero() && r.LastTried.IsZero() {
		return nil
	}
	return &wire.Usage{DataShared: maybe(r.LastShared), Attempt: maybe(r.LastTried)}
}

// moments is a time as it is written: in UTC and milliseconds.
func moments(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// maybe is nil for no time.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = moments(t)
	return &t
}

// complete fills in what the standard requires of a TPP and nobody has said: ids that
// are always the same for the same TPP.
func complete(t wire.TPP, c *consent.Consent) wire.TPP {
	t.ID, t.Name = c.TPP, cmp.Or(t.Name, c.TPPName, c.TPP)
	if !clientForm.MatchString(t.ClientID) {
		t.ClientID = derived("client", t.ID)
	}
	if !uuidForm.MatchString(t.OrgID) {
		t.OrgID = derived("organisation", t.ID)
	}
	t.SoftwareStatementID = cmp.Or(t.SoftwareStatementID, derived("software", t.ID))
	t.Software.ClientName = cmp.Or(t.Software.ClientName, t.Name)
	t.Software.ClientID = cmp.Or(t.Software.ClientID, t.ClientID)
	t.Software.OrganisationID = cmp.Or(t.Software.OrganisationID, t.OrgID)
	return t
}

// derived is an id for a purpose, in the form of a UUID of version 4, which is what the
// standard takes.
func derived(purpose, of string) string {
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte("consent manager"), []byte(purpose), []byte(of)}, []byte{0}))
	id := uuid.UUID(sum[:16])
	const version, variant = 0x40, 0x80
	id[6], id[8] = id[6]&0x0f|version, id[8]&0x3f|variant
	return id.String()
}
