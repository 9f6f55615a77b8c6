package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/sandbox/pages"
	"consentd/internal/service"
)

// pathManager stands before the paths of the Consent Manager API.
const pathManager = "/consent-manager"

// Who calls there.
const (
	roleHub   = service.Hub
	roleStaff = service.BackOffice
)

// What the Consent Manager API says of consents and of errors.
const (
	statusAwaiting   = "AwaitingAuthorization"
	statusAuthorized = "Authorized"
	statusRejected   = "Rejected"
	statusSuspended  = "Suspended"
	codeNoConsent    = "Consent.Invalid"
)

// object is a JSON object.
type object = map[string]any

// hub calls the Consent Manager API as the hub of the UAE does.
type hub struct {
	http *http.Client
	base string // without a slash at the end
	log  *slog.Logger
}

// hubError is an answer of the Consent Manager API that is an error, in its own words:
// they are written for callers.
type hubError struct {
	status        int
	Code, Message string
}

// Error implements error.
func (r *hubError) Error() string {
	return fmt.Sprintf("the API answered %d %s: %s", r.status, r.Code, r.Message)
}

// status is that of a consent; empty for one that is not there.
func (h *hub) status(ctx context.Context, id string) (string, error) {
	var found struct {
		Data struct{ Status string }
	}
	err := h.call(ctx, order{roleHub, http.MethodGet, "/consents/" + url.PathEscape(id), nil}, &found)
	if refused, ok := err.(*hubError); ok && refused.Code == codeNoConsent { //nolint:errorlint // call does not wrap it
		return "", nil
	}
	return found.Data.Status, err
}

func (h *hub) stage(ctx context.Context, request object) error {
	return h.call(ctx, order{roleHub, http.MethodPost, "/consents", request}, nil)
}

func (h *hub) patch(ctx context.Context, role service.Role, id string, change object) error {
	return h.call(ctx, order{role, http.MethodPatch, "/consents/" + url.PathEscape(id), change}, nil)
}

// pay records a payment. The answer is its id.
func (h *hub) pay(ctx context.Context, payment object) (string, error) {
	var recorded struct {
		Data struct{ PaymentID string }
	}
	err := h.call(ctx, order{roleHub, http.MethodPost, "/payment-log", payment}, &recorded)
	return recorded.Data.PaymentID, err
}

func (h *hub) follow(ctx context.Context, payment string, change object) error {
	return h.call(ctx, order{roleHub, http.MethodPatch, "/payment-log/" + url.PathEscape(payment), change}, nil)
}

// conclude brings an example from where it was decided on to how it is to stand.
func (h *hub) conclude(ctx context.Context, who *payer, e example) error {
	id := who.consentID(e.Name)
	if e.Used {
		used := object{"lastDataShared": who.now.Format(time.RFC3339)}
		if err := h.patch(ctx, roleHub, id, object{"authorizationChannel": channel, "consentUsage": used}); err != nil {
			return err
		}
	}
	if e.RevokedBy != "" {
		return h.call(ctx, order{roleHub, http.MethodPost, "/consents/" + url.PathEscape(id) + "/action/revoke", object{"revokedBy": e.RevokedBy}}, nil)
	}
	if e.Suspended != "" {
		return h.patch(ctx, roleStaff, id, object{"authorizationChannel": channel, "status": statusSuspended, "reason": e.Suspended})
	}
	return nil
}

// order is a call.
type order struct {
	role         service.Role
	method, path string
	body         object // nil for none
}

// call sends an order, and reads the answer into an object, where one is given. Fails
// with a *hubError, not wrapped, for an answer that is an error.
func (h *hub) call(ctx context.Context, o order, into any) error {
	req, err := h.request(ctx, o)
	if err != nil {
		return err
	}
	res, err := h.http.Do(req)
	if err != nil {
		return consent.E(consent.CodeUnavailable, "the Consent Manager cannot be reached").Because(err)
	}
	defer func() {
		if err := res.Body.Close(); err != nil {
			h.log.DebugContext(ctx, "close an answer", "error", err)
		}
	}()
	body, err := io.ReadAll(io.LimitReader(res.Body, pages.MaxBody))
	if err != nil {
		return fmt.Errorf("%s %s: %w", o.method, o.path, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return hubErrorOf(res.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer to %s %s: %w", o.method, o.path, err)
	}
	return nil
}

func (h *hub) request(ctx context.Context, o order) (*http.Request, error) {
	var body io.Reader
	if o.body != nil {
		raw, err := json.Marshal(o.body)
		if err != nil {
			return nil, fmt.Errorf("write an example: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, o.method, h.base+pathManager+o.path, body)
	if err != nil {
		return nil, fmt.Errorf("request to the Consent Manager: %w", err)
	}
	req.Header.Set(echo.HeaderAuthorization, "Bearer "+TokenOf(o.role))
	if o.body != nil {
		req.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	}
	return req, nil
}

// hubErrorOf reads an error; what is none keeps its status.
func hubErrorOf(status int, body []byte) *hubError {
	var said struct{ ErrorCode, ErrorMessage string }
	if err := json.Unmarshal(body, &said); err != nil || said.ErrorCode == "" {
		return &hubError{status, http.StatusText(status), "which is no error of the Consent Manager"}
	}
	return &hubError{status, said.ErrorCode, said.ErrorMessage}
}
