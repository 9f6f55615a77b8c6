package aspsp

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/service/ledger"
)

// Access decides on reads of account data; see service/access for how it fails.
type Access interface {
	Decide(ctx context.Context, q access.Question) (access.Decision, error)
}

// Dialect is what TPPs speak: it reads their requests and words their refusals.
type Dialect interface {
	// Admit judges a request for account data as the TPP sent it, and decides. It
	// writes down who was refused itself. sound is nil: what the query should be is
	// for the resource server to say.
	Admit(r *http.Request, sound func(consent.Operation) error) (*access.Decision, *edge.Refusal)
	// RefusalOf words an error for a TPP that accepts these formats.
	RefusalOf(err error, accept []string) *edge.Refusal
}

// Ledger writes down who was refused, within bounds.
type Ledger interface {
	Refused(ctx context.Context, r ledger.Refusal, receipt *consent.Receipt) error
}

const (
	pathAccessChecks = prefix + "/access-checks"
	pathAccessBatch  = pathAccessChecks + "/batch"

	// checkPatience bounds how long a check may take, or all those of a batch
	// together: what is counted does not end with its client.
	checkPatience = 10 * time.Second
	// notePatience bounds how long a denial may take to be written down.
	notePatience = 5 * time.Second
)

// checkAccess serves POST /aspsp/v1/access-checks.
func (h *Handler) checkAccess(k *call) (any, error) {
	q, faults := readCheck(k.body)
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), checkPatience)
	defer cancel()
	return h.decide(ctx, k, &q), nil
}

// checkAccesses serves POST /aspsp/v1/access-checks/batch. Each check is decided by
// itself, in their order.
func (h *Handler) checkAccesses(k *call) (any, error) {
	checks, faults := readChecks(k.body)
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), checkPatience)
	defer cancel()
	all := decisions{Decisions: make([]any, 0, len(checks))}
	for i := range checks {
		if err := k.ctx().Err(); err != nil { // nobody waits for the others: they are not counted
			return nil, fmt.Errorf("check %d of %d: %w", i, len(checks), err)
		}
		all.Decisions = append(all.Decisions, h.decide(ctx, k, &checks[i]))
	}
	return all, nil
}

// decide answers one check. Every doubt is a denial, trouble of our own too.
func (h *Handler) decide(ctx context.Context, k *call, q *check) any {
	err := q.fault
	if err == nil {
		var d access.Decision
		q.question.Token = h.issuedFor(ctx, q, cmp.Or(q.requestID, edge.RequestID(k.echo)))
		if d, err = h.Access.Decide(ctx, q.question); err == nil {
			explain.Note(ctx, "access check %s: allowed, %d accounts", q.question.Operation, len(d.Accounts))
			return allowanceOf(&d)
		}
	}
	return h.deny(ctx, k, q, err)
}

// deny words a denial, for the TPP and for the bank.
func (h *Handler) deny(ctx context.Context, k *call, q *check, err error) denial {
	err = edge.Named(ctx, err)
	refusal := h.Dialect.RefusalOf(err, nil)
	w := denialOf(err, refusal)
	id := cmp.Or(q.requestID, edge.RequestID(k.echo))
	if refusal.Status >= http.StatusInternalServerError {
		h.Log.ErrorContext(ctx, "an access check could not be decided", "requestId", id, "status", refusal.Status, "error", err)
	}
	explain.Conclude(ctx, cmp.Or(w.Error.Code, strconv.Itoa(w.Error.Status)), "denied: "+w.Reason)
	if ledger.Matters(consent.CodeOf(err)) {
		h.note(ctx, ledger.Refusal{
			Cause:     consent.Cause{By: consent.ByTPP, Who: q.question.TPP, RequestID: id},
			Operation: "access-check " + string(q.question.Operation), Code: consent.CodeOf(err),
		})
	}
	return w
}

// note writes a denial down, whatever time is left.
func (h *Handler) note(ctx context.Context, r ledger.Refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notePatience)
	defer cancel()
	if err := h.Ledger.Refused(ctx, r, nil); err != nil {
		h.Log.ErrorContext(ctx, "a refusal could not be written down", "requestId", r.Cause.RequestID, "error", err)
	}
}

// denialOf is a denial as the bank reads it.
func denialOf(err error, r *edge.Refusal) denial {
	reason := access.ReasonOf(err)
	if reason == "" && r.Text != "" {
		reason = strings.TrimPrefix(strings.TrimPrefix(r.Path, pathHeader)+": "+r.Text, ": ")
	}
	if reason == "" {
		reason = "it cannot be told now"
		if consent.CodeOf(err) != consent.CodeUnavailable {
			reason = "consentd has failed; its log says how"
		}
	}
	w := denial{Decision: deny, Reason: reason, Error: denialError{Status: r.Status}}
	if len(r.Body) > 0 {
		w.Error.Code, w.Error.Path, w.Error.Text = r.Code, r.Path, r.Text
	}
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil {
		w.Error.RetryAfter = seconds
	}
	return w
}
