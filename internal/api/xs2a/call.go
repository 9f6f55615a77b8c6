package xs2a

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/connections"
	"consentd/internal/tpp"
	wire "consentd/pkg/xs2a"
)

// call is one request on its way through the checks.
type call struct {
	echo   echo.Context // nil where somebody else answers
	req    *http.Request
	id     string // X-Request-ID of the answer
	ep     *endpoint
	caller tpp.TPP
	// principal is in whose name the TPP calls, where it had to say so.
	principal *connections.Principal
	body      []byte
	draft     *consent.Draft // of the creation of a consent
	update    update
	question  *question // of POST /v1/funds-confirmations
	// following says of a read that it asks for a further page of a list, and
	// anyFormat that the format of its answer is for others to judge.
	following, anyFormat bool
	// hints go with the answer: what the bank let pass and would rather not.
	hints []wire.TPPMessage
}

func (k *call) ctx() context.Context { return k.req.Context() }

// by is who calls, for the use cases.
func (k *call) by() service.Call {
	return service.Call{
		TPP: k.caller.ID, Name: k.caller.Name, Certificate: k.caller.Fingerprint(),
		RequestID: k.id, Rail: consent.RailXS2A, Kind: k.ep.kind,
	}
}

// serve makes Echo's handler of an endpoint: the checks in their order, then
// the use case, and one place where what fails is answered.
func (h *Handler) serve(ep endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		edge.StampID(c)
		defer edge.Recover(c, h.Log, func() { c.Response().WriteHeader(http.StatusInternalServerError) })
		if !h.offers(ep) {
			return h.refuse(c)
		}
		k := &call{echo: c, req: c.Request(), id: edge.RequestID(c), ep: &ep}
		if !h.matches(&ep, k.req) { // Echo's parameters match nothing, and slashes
			h.fail(c, edge.ErrPath())
			return nil
		}
		if err := h.check(k); err != nil {
			_ = h.noteRefusal(k, err, nil) // it is logged
			h.fail(c, err)
			return nil
		}
		a, err := h.carryOut(k)
		if err != nil {
			h.fail(c, err)
			return nil
		}
		h.send(c, a)
		return nil
	}
}

// check judges a request in the order of the package's documentation: who is
// calling comes before anything that only a known caller may learn.
func (h *Handler) check(k *call) error {
	explain.Note(k.ctx(), "operation: %s %s", k.ep.method, k.ep.path)
	if !k.anyFormat && !acceptable(k.req.Header["Accept"]) {
		return consent.At(consent.CodeNotAcceptable, "Header.Accept", "only application/json is offered")
	}
	caller, err := h.Callers.Identify(k.req)
	k.caller = caller // who is refused is written down too
	if err != nil {
		return err
	}
	explain.Note(k.ctx(), "caller: %s (%s)", caller.ID, caller.Name)
	if err := h.receive(k); err != nil {
		return err
	}
	faults := checkHeaders(h.Options, k.req.Header, k.ep.place)
	faults = append(faults, h.checkDomains(k, faults)...)
	if k.ep.parse != nil {
		faults = append(faults, k.ep.parse(h, k)...)
	}
	h.noteFaults(k.ctx(), faults)
	return faults.Err()
}

// receive reads the body and judges signature, role, access token, media type and
// size, in this order. A body over the limit is not read to its end, so its digest cannot be
// judged; which headers are there can.
func (h *Handler) receive(k *call) error {
	body, err := edge.ReadBody(k.req)
	if err != nil {
		return err
	}
	if len(body) > edge.MaxBody {
		err = h.Signatures.Present(k.req)
	} else {
		err = h.Signatures.Check(k.req, body, k.caller)
	}
	if err != nil {
		return err
	}
	role := k.ep.role()
	if !k.caller.May(role) {
		explain.Refuse(k.ctx(), "role: %s needed, the certificate has %s", role, k.caller.Licences())
		return consent.E(consent.CodeRole, "the certificate has not the role %s", role)
	}
	explain.Note(k.ctx(), "role: %s needed, the certificate has it", role)
	if err := h.authorise(k); err != nil {
		return err
	}
	takes := k.ep.body == bodyRequired || k.ep.body == bodyOptional && len(body) > 0
	if takes && !edge.IsJSON(k.req.Header["Content-Type"]) {
		explain.Refuse(k.ctx(), "Content-Type: is not application/json")
		return consent.At(consent.CodeMediaType, "Header.Content-Type", "must be application/json")
	}
	if len(body) > edge.MaxBody {
		return consent.At(consent.CodeTooLarge, edge.PathBody, "must not be larger than %d bytes", edge.MaxBody)
	}
	k.body = body
	return nil
}

// noteFaults explains what is wrong with headers and body: where the faults lie,
// not what was sent.
func (h *Handler) noteFaults(ctx context.Context, faults consent.Faults) {
	if len(faults) == 0 {
		explain.Note(ctx, "headers and body: as they must be")
		return
	}
	for _, f := range edge.Faults(faults) {
		explain.Note(ctx, "wrong: %s: %s → %s", f.Path, strings.TrimPrefix(f.Text, f.Path+" "), h.Options.codeOf(f))
	}
}

// consentID is the id in the path. One that is malformed names nothing, like
// one that is unknown. Ids are opaque to the TPP: only what it was given counts,
// no other spelling of the same UUID.
func (k *call) consentID() (uuid.UUID, error) {
	id, ok := parseID(k.echo.Param("consentId"))
	if !ok {
		explain.Note(k.ctx(), "the consent id in the path is none of ours")
		return id, service.ErrUnknown()
	}
	return id, nil
}

// authorisationID is the id in the path; nil, which no authorisation has, where
// it is malformed. Whose consent it is comes first, so this is no error here.
func (k *call) authorisationID() uuid.UUID {
	id, ok := parseID(k.echo.Param("authorisationId"))
	if !ok {
		explain.Note(k.ctx(), "the authorisation id in the path is none of ours")
		return uuid.Nil
	}
	return id
}

func parseID(s string) (uuid.UUID, bool) {
	if len(s) != 36 || strings.ToLower(s) != s {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}
