package aspsp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"consentd/internal/edge"
	"consentd/internal/service/access"
)

// What a gateway hands on to the resource server. All of them are there on every
// 200, so that none that the TPP has sent survives.
const (
	headerConsentID        = "X-Consent-Id"
	headerConsentTPP       = "X-Consent-Tpp"
	headerConsentCustomer  = "X-Consent-Customer"
	headerConsentOperation = "X-Consent-Operation"
	headerConsentAccounts  = "X-Consent-Accounts"
	headerConsentOwnerName = "X-Consent-Owner-Name"
)

// What a gateway restores the answer to a TPP of, which can pass on 403 alone.
const (
	headerDenialStatus      = "X-Denial-Status"
	headerDenialContentType = "X-Denial-Content-Type"
	headerDenialBody        = "X-Denial-Body"
	headerDenialRequestID   = "X-Denial-Request-Id"
	headerDenialRetryAfter  = "X-Denial-Retry-After"
	headerDenialAllow       = "X-Denial-Allow"
)

// headerAccount is an account in X-Consent-Accounts. Its reference is left to the
// resource server, which knows it, and to /access-checks: headers end up in logs.
type headerAccount struct {
	ID     string   `json:"accountId"`
	Rights []string `json:"rights"`
}

// admit says what may be shown. Ids are percent-encoded as in a path.
func admit(header http.Header, d *access.Decision) {
	accounts := make([]headerAccount, len(d.Accounts))
	for i := range d.Accounts {
		accounts[i] = headerAccount{ID: d.Accounts[i].ID, Rights: rightsOf(d.Accounts[i].Rights.Implied())}
	}
	encoded, _ := json.Marshal(accounts) // texts alone: it cannot fail
	header.Set(headerConsentID, d.Question.Consent.String())
	header.Set(headerConsentTPP, url.PathEscape(d.Question.TPP))
	header.Set(headerConsentCustomer, url.PathEscape(d.Customer))
	header.Set(headerConsentOperation, string(d.Question.Operation))
	header.Set(headerConsentAccounts, oneLine(encoded))
	header.Set(headerConsentOwnerName, strconv.FormatBool(d.OwnerName))
	header.Set(echo.HeaderCacheControl, "no-store")
}

// refuse answers a gateway with a refusal: as the TPP is to get it, or in headers
// of a 403.
func (h *Handler) refuse(c echo.Context, r *edge.Refusal, alike bool) error {
	if r == nil || r.Status < http.StatusBadRequest { // neither admitted nor refused is no reason to let anybody in
		r = &edge.Refusal{Status: http.StatusInternalServerError}
	}
	header := c.Response().Header()
	for name, values := range r.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header.Set(echo.HeaderCacheControl, "no-store")
	if !alike {
		c.Response().WriteHeader(r.Status)
		h.write(c, r.Body)
		return nil
	}
	body := r.Body
	header.Set(headerDenialStatus, strconv.Itoa(r.Status))
	header.Set(headerDenialRequestID, edge.RequestID(c))
	for _, x := range []struct{ from, to string }{
		{echo.HeaderContentType, headerDenialContentType}, {echo.HeaderRetryAfter, headerDenialRetryAfter}, {echo.HeaderAllow, headerDenialAllow},
	} {
		if v := header.Get(x.from); v != "" {
			header.Set(x.to, v)
		}
	}
	header.Del(echo.HeaderRetryAfter)
	header.Del(echo.HeaderAllow)
	if len(body) > 0 {
		header.Set(headerDenialBody, oneLine(body))
	} else {
		header.Set(echo.HeaderContentType, mediaJSON)
		body = []byte("{}")
	}
	c.Response().WriteHeader(http.StatusForbidden)
	h.write(c, body) // for who looks with curl; such gateways drop it
	return nil
}

// write sends a body; that a client went away concerns nobody.
func (h *Handler) write(c echo.Context, body []byte) {
	if _, err := c.Response().Write(body); err != nil {
		h.Log.DebugContext(c.Request().Context(), "the client went away", "requestId", edge.RequestID(c), "error", err)
	}
}

// oneLine writes JSON in ASCII without line breaks, so that a header can carry it;
// it means the same. In JSON, what is not ASCII stands in texts alone, and control
// characters are blanks between its parts.
func oneLine(b []byte) string {
	var out bytes.Buffer
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		switch {
		case r < ' ' || r == 0x7F:
			out.WriteByte(' ')
		case r < utf8.RuneSelf:
			out.WriteByte(byte(r))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
