package aspsp

import (
	"time"

	"consentd/internal/consent"
	"consentd/internal/service/register"
)

const (
	queryBlocked = "blocked"
	queryText    = "text"
	queryLimit   = "limit"
	queryAfter   = "after"

	defaultLimit, maxLimit = 50, 200
	// maxText is the length, in characters, of what is looked for; maxID that of
	// the longest id of a TPP, and more.
	maxText, maxID = 100, 300

	memberReason = "reason"
	memberUntil  = "until"
	memberEnds   = "endConsents"
)

// listTPPs serves GET /aspsp/v1/tpps.
func (h *Handler) listTPPs(k *call) (any, error) {
	filter, faults := k.filter()
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there are more
	found, err := h.Register.List(k.ctx(), filter)
	if err != nil {
		return nil, err
	}
	page := tppList{TPPs: []tpp{}}
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].ID
	}
	for i := range found {
		page.TPPs = append(page.TPPs, tppOf(&found[i]))
	}
	return page, nil
}

// filter reads the query.
func (k *call) filter() (f register.Filter, faults consent.Faults) {
	if k.query.Has(queryBlocked) {
		blocked := k.query.Get(queryBlocked)
		if blocked != "true" && blocked != "false" {
			faults = append(faults, fault(queryPath(queryBlocked), "must be true or false"))
		}
		only := blocked == "true"
		f.Blocked = &only
	}
	limit, wrong := k.limit()
	f.Limit, faults = limit, append(faults, wrong...)
	if f.Text = k.query.Get(queryText); f.Text != "" {
		faults = append(faults, checkText(queryPath(queryText), f.Text, maxText)...)
	}
	if f.After = k.query.Get(queryAfter); f.After != "" {
		faults = append(faults, checkText(queryPath(queryAfter), f.After, maxID)...)
	}
	return f, faults
}

// getTPP serves GET /aspsp/v1/tpps/{tppId}.
func (h *Handler) getTPP(k *call) (any, error) {
	if err := k.wrong(nil); err != nil {
		return nil, err
	}
	if err := k.checkTPP(); err != nil {
		return nil, err
	}
	t, err := h.Register.Get(k.ctx(), k.id)
	if err != nil {
		return nil, err
	}
	return tppOf(t), nil
}

// blockTPP serves PUT /aspsp/v1/tpps/{tppId}/block.
func (h *Handler) blockTPP(k *call) (any, error) {
	block, faults := readBlock(k.body, h.Now())
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	if err := k.checkTPP(); err != nil {
		return nil, err
	}
	if block.EndsConsents && h.FourEyes {
		return nil, consent.At(consent.CodeServiceInvalid, memberEnds,
			"cannot be true: another person has to confirm the end of consents; block alone, then propose to end them")
	}
	t, ended, err := h.Register.Block(k.ctx(), k.cause(), k.id, block)
	if err != nil {
		return nil, err
	}
	return blocked{tpp: tppOf(t), EndedConsents: ended}, nil
}

// unblockTPP serves DELETE /aspsp/v1/tpps/{tppId}/block.
func (h *Handler) unblockTPP(k *call) (any, error) {
	if err := k.wrong(nil); err != nil {
		return nil, err
	}
	if err := k.checkTPP(); err != nil {
		return nil, err
	}
	t, err := h.Register.Unblock(k.ctx(), k.cause(), k.id)
	if err != nil {
		return nil, err
	}
	return tppOf(t), nil
}

// checkTPP keeps an id out that no TPP can have.
func (k *call) checkTPP() error {
	if checkText("", k.id, maxID) != nil {
		return consent.E(consent.CodeNotFound, "no such TPP")
	}
	return nil
}

// readBlock reads what a block shall be.
func readBlock(body []byte, now time.Time) (b register.Block, faults consent.Faults) {
	members, faults := object(body, memberReason, memberUntil, memberEnds)
	if members == nil {
		return b, faults
	}
	var wrong consent.Faults
	if raw, ok := members[memberReason]; ok {
		b.Reason, wrong = text(memberReason, raw, register.MaxReason)
		faults = append(faults, wrong...)
	} else {
		faults = append(faults, fault(memberReason, "is required"))
	}
	if raw, ok := members[memberUntil]; ok {
		b.Until, wrong = instant(memberUntil, raw)
		if wrong == nil && !b.Until.After(now) {
			wrong = consent.Faults{fault(memberUntil, "must be in the future")}
		}
		faults = append(faults, wrong...)
	}
	if raw, ok := members[memberEnds]; ok {
		b.EndsConsents, wrong = boolean(memberEnds, raw)
		faults = append(faults, wrong...)
	}
	return b, faults
}
