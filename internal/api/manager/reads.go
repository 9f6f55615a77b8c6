package manager

import (
	"cmp"
	"fmt"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

// getConsent serves GET /consents/{id}.
func (h *Handler) getConsent(k *call) (said, error) {
	r, err := h.one(k, k.ids[0])
	if err != nil {
		return said{}, err
	}
	body, err := h.whole(r, k)
	return ok(wire.AppendOne(nil, body), err)
}

// one reads the consent that a call is about, and writes down who looks at it.
func (h *Handler) one(k *call, ref string) (*staging.Record, error) {
	if err := k.wrong(nil); err != nil {
		return nil, err
	}
	if err := h.look(k); err != nil {
		return nil, err
	}
	return h.Staging.Get(k.ctx(), k.viewer, ref)
}

// audit serves GET /consents/{id}/audit.
func (h *Handler) audit(k *call) (said, error) {
	if err := k.wrong(nil); err != nil {
		return said{}, err
	}
	if err := h.look(k); err != nil {
		return said{}, err
	}
	r, entries, err := h.Staging.Audit(k.ctx(), k.viewer, k.ids[0])
	if err != nil {
		return said{}, err
	}
	rows := make([][]byte, len(entries))
	for i := range entries {
		rows[i] = mustJSON(h.rowOf(r, &entries[i], k))
	}
	return ok(wire.AppendList(nil, rows, nil))
}

// change is what an entry says, as the patch of its row.
type change struct {
	From          wire.Status `json:"from,omitempty"`
	Status        wire.Status `json:"status,omitempty"`
	Authorisation string      `json:"authorization,omitempty"` // whose state it was
	State         string      `json:"state,omitempty"`
	By            string      `json:"by,omitempty"`
	Reason        string      `json:"reason,omitempty"`
	Note          string      `json:"note,omitempty"`
}

// rowOf shows an entry. A user learns nothing of the bank's own systems and notes.
func (h *Handler) rowOf(r *staging.Record, e *consent.Entry, k *call) wire.AuditRow {
	row := wire.AuditRow{
		ID: fmt.Sprintf("%s-%d", r.ID, e.Seq), ProviderID: cmp.Or(h.Provider, "consentd"), Operation: "patch",
		Timestamp: e.At.UnixMilli(), MongoID: r.ID.String(), ConsentID: r.ID.String(), InteractionID: e.RequestID,
	}
	if e.From == "" && e.Seq == 1 {
		row.Operation = "create"
	}
	c := change{By: string(e.By), Reason: e.Reason}
	if e.Authorisation.String() == noID || isStatus(e.To) {
		c.From, c.Status = statuses[consent.Status(e.From)], statuses[consent.Status(e.To)]
	} else {
		c.Authorisation, c.State = e.Authorisation.String(), e.To
	}
	if k.user == "" {
		row.Caller.ClientID = e.Who
	}
	if k.user == "" && e.By == consent.ByASPSP { // of others it is no note
		c.Note = e.Operation
	}
	row.Patch = string(mustJSON(c))
	return row
}

const noID = "00000000-0000-0000-0000-000000000000"

func isStatus(s string) bool {
	_, known := statuses[consent.Status(s)]
	return known
}
