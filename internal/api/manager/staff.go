package manager

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/office"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

// verbs are what the back office may do, by the status that a patch sets.
var verbs = map[wire.Status]office.Verb{wire.Suspended: office.Suspend, wire.Authorized: office.Resume, wire.Revoked: office.Revoke}

// reasonRule judges why the bank does something.
func reasonRule(path string, v any) consent.Faults {
	s, _ := v.(string)
	if !slices.Contains(consent.BankReasons(), consent.Reason(s)) {
		return wrong(path, "must be one of the bank's reasons")
	}
	return nil
}

// patchByStaff suspends, resumes or revokes. The channel is the customer's, and is not
// changed by it.
func (h *Handler) patchByStaff(k *call, flat map[string]any) (said, error) {
	faults := judge("", flat, "", map[string]rule{
		keyStatus: byStaff, keyDataStatus: byStaff, keyRevokedBy: oneOf(string(wire.ByLFI)), keyChannel: oneOf("App Web"),
		keyReason: reasonRule, keyNote: text(maxNote),
	})
	status := statusIn(flat)
	if status == "" {
		faults = append(faults, fault(keyStatus, "is required"))
	}
	if err := k.wrong(append(faults, together(flat)...)); err != nil {
		return said{}, err
	}
	r, err := h.one(k, k.ids[0])
	if err != nil {
		return said{}, err
	}
	if statusOf(r.Consent) == status {
		return said{}, nil // the same again
	}
	act := office.Act{Verb: verbs[status], Consents: []uuid.UUID{r.ID}}
	return h.act(k, act, flat, said{})
}

func byStaff(path string, v any) consent.Faults {
	s, _ := v.(string)
	if status, _ := readStatus(s); verbs[status] == "" {
		return wrong(path, "must be Suspended, Authorized or Revoked")
	}
	return nil
}

// act does what the back office does, or proposes it: then it is answered by the id of
// the proposal. done is the answer where it is done; its body is the count if it has
// none and a status.
func (h *Handler) act(k *call, a office.Act, o map[string]any, done said) (said, error) {
	a.Reason, a.Note = consent.Reason(textIn(o, keyReason)), textIn(o, keyNote)
	if k.person != "" { // by which credential they were named
		a.Note = strings.TrimPrefix(a.Note+"; by "+k.caller.ID, "; ")
	}
	outcome, err := h.Office.Do(k.ctx(), k.cause(), a)
	switch {
	case err != nil:
		return said{}, err
	case outcome.Proposal != uuid.Nil:
		return said{http.StatusAccepted, mustJSON(wire.One[wire.Proposed]{Data: wire.Proposed{ApprovalID: outcome.Proposal.String()}})}, nil
	case done.status != 0:
		done.body = mustJSON(wire.One[wire.Count]{Data: wire.Count{Count: outcome.Count}})
	}
	return done, nil
}

// actOnMany serves POST /consents/action/{verb}.
func actOnMany(verb office.Verb) func(*Handler, *call) (said, error) {
	return func(h *Handler, k *call) (said, error) { return h.actOnMany(k, verb) }
}

func (h *Handler) actOnMany(k *call, verb office.Verb) (said, error) {
	o, err := k.object()
	if err != nil {
		return said{}, err
	}
	required := keyReason
	if verb == office.Resume {
		required = ""
	}
	faults := judge("", o, required, map[string]rule{
		keyReason: reasonRule, keyNote: text(maxNote), queryTPP: text(maxBankID), queryAccount: text(maxAccountID),
		"consentIds": list(1, maxSize, text(maxID)),
	})
	named := 0
	for _, name := range []string{"consentIds", queryTPP, queryAccount} {
		if _, there := o[name]; there {
			named++
		}
	}
	if named != 1 {
		faults = append(faults, fault("consentIds", "one of consentIds, tppId and accountId must be there"))
	}
	if err := k.wrong(faults); err != nil {
		return said{}, err
	}
	if err := h.look(k, h.targets(o)); err != nil {
		return said{}, err
	}
	a := office.Act{Verb: verb, TPP: textIn(o, queryTPP), Account: textIn(o, queryAccount)}
	if a.Consents, err = h.resolve(k, textsIn(o, "consentIds")); err != nil {
		return said{}, err
	}
	return h.act(k, a, o, said{status: http.StatusOK})
}

// targets says for the audit what an act is about.
func (h *Handler) targets(o map[string]any) string {
	named := url.Values{}
	for _, name := range []string{queryTPP, queryAccount} {
		if s := textIn(o, name); s != "" {
			named.Set(name, h.told(name, s))
		}
	}
	for _, ref := range textsIn(o, "consentIds") {
		named.Add(queryConsent, h.told(queryConsent, ref))
	}
	return named.Encode()
}

// resolve finds the consents that are named by either of their ids.
func (h *Handler) resolve(k *call, refs []string) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	for _, ref := range refs {
		r, err := h.Staging.Get(k.ctx(), k.viewer, ref)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// members are the consents of a group that can still be ended.
func (h *Handler) members(k *call, group string) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	f := staging.Filter{Group: group, Page: 1, Size: maxSize}
	for {
		found, err := h.Staging.List(k.ctx(), k.viewer, f)
		if err != nil {
			return nil, err
		}
		if found.Total == 0 {
			return nil, consent.E(consent.CodeNotFound, "no such group")
		}
		for _, r := range found.List {
			if !r.Status.Final() {
				ids = append(ids, r.ID)
			}
		}
		if found.Next == nil {
			return ids, nil
		}
		f.After = found.Next
	}
}

// listApprovals serves GET /approvals.
func (h *Handler) listApprovals(k *call) (said, error) {
	if err := k.wrong(nil); err != nil {
		return said{}, err
	}
	if err := h.look(k); err != nil {
		return said{}, err
	}
	open, err := h.Office.Open(k.ctx())
	if err != nil {
		return said{}, err
	}
	rows := make([][]byte, len(open))
	for i := range open {
		rows[i] = mustJSON(approvalOf(&open[i]))
	}
	return ok(wire.AppendList(nil, rows, nil))
}

// decide serves POST /approvals/{id}/action/{action}. A program cannot be asked which
// role the person has who decides: that is for the pages. Whoever has proposed an act
// may withdraw it.
func (h *Handler) decide(k *call) (said, error) {
	switch k.ids[1] {
	case "withdraw":
	case "confirm", "refuse":
		return said{}, consent.E(consent.CodeRole, "whether to %s a proposal is decided on the pages of the back office", k.ids[1])
	default:
		return said{}, edge.ErrPath()
	}
	if err := k.wrong(nil); err != nil {
		return said{}, err
	}
	if err := h.look(k); err != nil {
		return said{}, err
	}
	id, err := uuid.Parse(k.ids[0])
	if err != nil {
		return said{}, consent.E(consent.CodeNotFound, "no such approval").Because(err)
	}
	p, err := h.Office.Decide(k.ctx(), k.cause(), id, office.Withdrawn)
	if err != nil && consent.CodeOf(err) == consent.CodeForbidden { // here it is about the person who decides
		return said{}, consent.E(consent.CodeStatusInvalid, "%s", wordsOf(edge.Faults(err))).Because(err)
	}
	if err != nil {
		return said{}, err
	}
	return ok(mustJSON(wire.One[wire.Approval]{Data: approvalOf(p)}), nil)
}

func approvalOf(p *office.Proposal) wire.Approval {
	a := wire.Approval{
		ID: p.ID.String(), Action: string(p.Act.Verb), TPP: p.Act.TPP, Account: p.Act.Account, Reason: string(p.Act.Reason), Note: p.Act.Note,
		ProposedBy: p.ProposedBy, ProposedAt: moments(p.ProposedAt), State: string(p.State),
		DecidedBy: p.DecidedBy, DecidedAt: maybe(p.DecidedAt), Count: p.Done,
	}
	for _, id := range p.Act.Consents {
		a.Consents = append(a.Consents, id.String())
	}
	return a
}

// user serves GET /users: by which id a PSU of the bank's is named here. The bank's id
// of them is in no log.
func (h *Handler) user(k *call) (said, error) {
	psu := k.word(queryPSU)
	if !k.query.Has(queryPSU) {
		k.faults = append(k.faults, fault(queryPath(queryPSU), "is required"))
	}
	if err := k.wrong(nil); err != nil {
		return said{}, err
	}
	id, err := h.Staging.User(k.ctx(), psu)
	if err != nil && consent.CodeOf(err) == consent.CodeNotFound {
		if err := h.look(k, h.told(queryAccount, psu)); err != nil {
			return said{}, err
		}
		return said{}, consent.At(consent.CodeForbidden, queryPath(queryPSU), "is not known to the bank").Because(err)
	}
	if err != nil {
		return said{}, err
	}
	if err := h.look(k, id); err != nil {
		return said{}, err
	}
	return ok(mustJSON(wire.One[wire.PSU]{Data: wire.PSU{UserID: id}}), nil)
}
