package xs2a

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service/ledger"
	wire "consentd/pkg/xs2a"
)

// patience bounds how long a call that changes something may take. It is carried
// to its end even when the client does not wait: hanging up must neither undo
// half of it nor keep a refusal from being written down.
const patience = 35 * time.Second

// lookups is how often a call that finds its own receipt in the way looks for it:
// one that has expired is taken away, and the twins of a call race to write it.
const lookups = 3

// carryOut does what a call asks for. One that was carried out before is
// answered as it was then: it finds its own receipt in the way, or fails
// otherwise, and only then is the receipt looked up.
func (h *Handler) carryOut(k *call) (*answer, error) {
	if !k.ep.once {
		a, err := k.ep.serve(h, k)
		if err != nil {
			_ = h.noteRefusal(k, err, nil) // it is logged
		}
		return a, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
	defer cancel()
	k.req = k.req.WithContext(ctx)
	a, err := k.ep.serve(h, k)
	if err == nil {
		return a, nil
	}
	for range lookups {
		found, lookErr := h.recall(k)
		if lookErr != nil || found != nil {
			return found, lookErr
		}
		if consent.CodeOf(err) == consent.CodeRepeated {
			if a, err = k.ep.serve(h, k); err == nil {
				return a, nil
			}
			if consent.CodeOf(err) == consent.CodeRepeated {
				continue
			}
		}
		if noted := h.noteRefusal(k, err, h.refusalReceipt(k, err)); consent.CodeOf(noted) != consent.CodeRepeated {
			return nil, err
		}
		err = consent.E(consent.CodeRepeated, "the same call is being answered")
	}
	return nil, err
}

// recall finds what the call was answered before; nil when it was not. An error
// comes in the form that the client prefers now.
func (h *Handler) recall(k *call) (*answer, error) {
	stored, err := h.find(k, h.ledgerCall(k))
	if err != nil || stored == nil {
		return nil, err
	}
	a, err := recalled(stored)
	if err != nil {
		return nil, err
	}
	a.note(k.ctx())
	if a.Problem != nil && prefersProblem(k.req.Header["Accept"]) {
		a = a.Problem
	}
	return a, nil
}

// note explains that the answer is one that was given before.
func (a *answer) note(ctx context.Context) {
	const again = "repeated: this call was answered before, the same answer again"
	var e wire.Error
	if a.Status >= http.StatusBadRequest && json.Unmarshal(a.Body, &e) == nil && len(e.TPPMessages) > 0 {
		explain.Conclude(ctx, string(e.TPPMessages[0].Code), again)
		return
	}
	explain.Note(ctx, again)
}

func (h *Handler) find(k *call, c ledger.Call) ([]byte, error) {
	stored, err := h.Ledger.Find(k.ctx(), c)
	if errors.Is(err, ledger.ErrOther) {
		return nil, consent.At(consent.CodeFormat, "Header."+edge.HeaderRequestID, "was used before, for another request")
	}
	return stored, err
}

// noteRefusal writes a refusal down, where it matters, with the receipt of the
// call, nil for none. Fails with CodeRepeated when the call has been answered
// meanwhile; other failures are logged.
func (h *Handler) noteRefusal(k *call, err error, receipt *consent.Receipt) error {
	err = named(k.ctx(), err)
	if k.caller.ID == "" || !ledger.Matters(consent.CodeOf(err)) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
	defer cancel()
	refusal := ledger.Refusal{Cause: k.by().Cause(), Operation: k.ep.method + " " + k.ep.path, Code: consent.CodeOf(err)}
	failed := h.Ledger.Refused(ctx, refusal, receipt)
	if failed != nil && consent.CodeOf(failed) != consent.CodeRepeated {
		h.Log.ErrorContext(k.ctx(), "a refusal could not be written down", "requestId", k.id, "error", failed)
	}
	return failed
}

// refusalReceipt keeps the answer to a refused call, unless it may turn out
// otherwise the next time.
func (h *Handler) refusalReceipt(k *call, err error) *consent.Receipt {
	err = named(k.ctx(), err)
	a := h.answerTo(err, nil)
	a.Problem = h.answerTo(err, []string{wire.MediaTypeProblem})
	if a.Status == http.StatusUnauthorized || a.Status == http.StatusTooManyRequests || a.Status >= http.StatusInternalServerError {
		return nil
	}
	return h.receipt(k, a)
}

// receipt keeps an answer to the call.
func (h *Handler) receipt(k *call, a *answer) *consent.Receipt {
	return h.Ledger.Receipt(h.ledgerCall(k), a.kept())
}

// ledgerCall is the call as the ledger knows it again: a request id is the same
// in both of its spellings.
func (h *Handler) ledgerCall(k *call) ledger.Call {
	asks := [][]byte{k.body}
	for _, line := range meaningful(k.req.Header, k.ep.place) {
		asks = append(asks, []byte(line))
	}
	if k.principal != nil { // another token of the same PSU asks the same
		asks = append(asks, []byte("in the name of "+k.principal.PSU.String()))
	}
	id := strings.ToLower(strings.ReplaceAll(k.id, "-", ""))
	return ledger.Call{TPP: k.caller.ID, RequestID: id, Method: k.req.Method, Path: k.req.URL.EscapedPath(), Asks: asks}
}
