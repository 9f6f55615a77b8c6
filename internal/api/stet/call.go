package stet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/ledger"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	wire "consentd/pkg/stet"
)

// role is what a TPP must be licensed for.
const role = eidas.RoleAI

// patience bounds how long a call that changes something may take. It is carried to
// its end even when the client does not wait.
const patience = 35 * time.Second

// call is one request on its way through the checks.
type call struct {
	req    *http.Request
	id     string // X-Request-ID of the answer
	ep     *endpoint
	ids    edge.PathIDs
	caller tpp.TPP
	// principal is in whose name the TPP calls.
	principal connections.Principal
	body      []byte
	tooLarge  bool
	attended  bool // the PSU is there
	document  consents.Document
	period    period
}

func (k *call) ctx() context.Context { return k.req.Context() }

// by is who calls, for the use cases.
func (k *call) by() service.Call {
	return service.Call{
		TPP: k.caller.ID, Name: k.caller.Name, Certificate: k.caller.Fingerprint(),
		RequestID: k.id, Rail: consent.RailSTET, Kind: consent.AccountAccess,
	}
}

// serve makes Echo's handler of an endpoint: the checks in their order, then the use
// case, and one place where what fails is answered.
func (h *Handler) serve(ep endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		stampID(c)
		defer edge.Recover(c, h.Log, func() { h.send(c, h.answerTo(errPanic, c.Request())) })
		k := &call{req: c.Request(), id: edge.RequestID(c), ep: &ep}
		var ok bool
		if k.ids, ok = h.match(&ep, k.req); !ok { // Echo's parameters match nothing, and slashes
			h.fail(c, edge.ErrPath())
			return nil
		}
		a, err := h.carryOut(k)
		if err != nil {
			h.noteRefusal(k, err)
			h.fail(c, err)
			return nil
		}
		h.send(c, a)
		return nil
	}
}

func (h *Handler) carryOut(k *call) (*answer, error) {
	if err := h.check(k); err != nil {
		return nil, err
	}
	if k.ep.whole {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
		defer cancel()
		k.req = k.req.WithContext(ctx)
	}
	return k.ep.serve(h, k)
}

// check judges a request in the order of the package's documentation.
func (h *Handler) check(k *call) error {
	explain.Note(k.ctx(), "operation: %s %s", k.ep.method, k.ep.path)
	if err := h.checkRequestID(k.req.Header); err != nil {
		return err
	}
	if err := h.Signatures.Present(k.req); err != nil {
		return err
	}
	if err := h.identify(k); err != nil {
		return err
	}
	if err := h.receive(k); err != nil {
		return err
	}
	if err := h.authorise(k); err != nil {
		return err
	}
	if !acceptable(k.req.Header["Accept"]) {
		return consent.At(consent.CodeNotAcceptable, "Header.Accept", "only JSON is offered")
	}
	return h.read(k)
}

// identify tells who calls, and whether it may read accounts at all.
func (h *Handler) identify(k *call) error {
	caller, err := h.Callers.Identify(k.req)
	k.caller = caller // who is refused is written down too
	if err != nil {
		return err
	}
	explain.Note(k.ctx(), "caller: %s (%s)", caller.ID, caller.Name)
	if !caller.May(role) {
		explain.Refuse(k.ctx(), "role: %s needed, the certificate has %s", role, caller.Licences())
		return consent.E(consent.CodeRole, "the certificate has not the role %s", role)
	}
	explain.Note(k.ctx(), "role: %s needed, the certificate has it", role)
	return nil
}

// receive reads the body and judges the signature. A body over the limit is not read
// to its end, so its digest cannot be judged; that comes in its turn.
func (h *Handler) receive(k *call) error {
	body, err := edge.ReadBody(k.req)
	switch {
	case consent.CodeOf(err) == consent.CodeTooLarge || len(body) > edge.MaxBody:
		k.tooLarge = true
		return nil
	case err != nil:
		return err
	}
	k.body = body
	if !signed(k.req) { // Present has said all
		return nil
	}
	return h.Signatures.Check(k.req, body, k.caller)
}

// signed tells whether a request says something of its integrity.
func signed(r *http.Request) bool {
	return len(r.Header["Signature"])+len(r.Header["Digest"])+len(r.Header["X-Jws-Signature"]) > 0
}

// authorise tells in whose name the TPP calls, and whether for this.
func (h *Handler) authorise(k *call) error {
	var err error
	if k.principal, err = h.Bearers.Bearer(k.req, k.caller); err != nil {
		return err
	}
	if !k.principal.May(wire.ScopeAISP) {
		explain.Refuse(k.ctx(), "scope: %s needed, the token has %s", wire.ScopeAISP, strings.Join(k.principal.Scopes, " "))
		return consent.E(consent.CodeScope, "the token has not the scope %s", wire.ScopeAISP)
	}
	explain.Note(k.ctx(), "scope: %s needed, the token has it", wire.ScopeAISP)
	return nil
}

// read judges the rest of the request: media type, size, headers, query and body. What
// is sent with GET is nothing to anybody, but for its size.
func (h *Handler) read(k *call) error {
	if k.tooLarge {
		return edge.ErrTooLarge()
	}
	faults := append(k.checkIPAddress(), k.ep.parse(h, k)...)
	if len(faults) == 0 {
		explain.Note(k.ctx(), "headers, query and body: as they must be")
		return nil
	}
	for _, f := range edge.Faults(faults) {
		explain.Note(k.ctx(), "wrong: %s: %s → %d", f.Path, f.Text, messages[f.Code].status)
	}
	return faults
}

// noteRefusal writes a refusal down, where it matters. Its own failure is logged.
func (h *Handler) noteRefusal(k *call, err error) {
	code := consent.CodeOf(edge.Named(k.ctx(), err))
	if k.caller.ID == "" || !ledger.Matters(code) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx()), patience)
	defer cancel()
	refusal := ledger.Refusal{Cause: k.by().Cause(), Operation: k.ep.method + " " + k.ep.path, Code: code}
	if failed := h.Ledger.Refused(ctx, refusal, nil); failed != nil {
		h.Log.ErrorContext(ctx, "a refusal could not be written down", "requestId", k.id, "error", failed)
	}
}

// errPanic stands for what was thrown, which is nobody's business.
var errPanic = errors.New("panic")
