package stet

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	wire "consentd/pkg/stet"
)

// maxRequestID is the length of X-Request-ID in characters (STET part II, parameters).
const maxRequestID = 70

const (
	keyIPAddress    = "Psu-Ip-Address"
	headerIPAddress = "PSU-IP-Address"
)

// stampID puts X-Request-ID on the answer, before anything can go wrong: as it was
// sent, or a fresh one where that is missing or malformed.
func stampID(c echo.Context) {
	id := sentRequestID(c.Request().Header)
	if id == "" {
		id = uuid.NewString()
	}
	c.Response().Header()[edge.KeyRequestID] = []string{id}
}

// sentRequestID is the id that a request names itself by; empty where that is missing
// or malformed.
func sentRequestID(header http.Header) string {
	if sent := header[edge.KeyRequestID]; len(sent) == 1 && isRequestID(sent[0]) {
		return sent[0]
	}
	return ""
}

// isRequestID tells 1 to 70 visible characters: another UUID than that of XS2A, or
// none at all.
func isRequestID(s string) bool {
	return s != "" && len(s) <= maxRequestID && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkRequestID judges X-Request-ID.
func (h *Handler) checkRequestID(header http.Header) error {
	const path = "Header." + edge.HeaderRequestID
	switch sent := header[edge.KeyRequestID]; {
	case sentRequestID(header) != "":
		return nil
	case len(sent) > 1:
		return consent.At(consent.CodeFormat, path, "must be sent once")
	case len(sent) == 1 && sent[0] != "":
		return consent.At(consent.CodeFormat, path, "must be 1 to %d visible characters", maxRequestID)
	case h.Options.RequireRequestID:
		return consent.At(consent.CodeFormat, path, "is required")
	}
	return nil
}

// checkIPAddress reads whether the PSU is there: that is what PSU-IP-Address says by
// being sent. A malformed one says neither.
func (k *call) checkIPAddress() (faults consent.Faults) {
	sent := k.req.Header[keyIPAddress]
	if len(sent) == 0 {
		return nil
	}
	addr, err := netip.ParseAddr(sent[0])
	if len(sent) > 1 || err != nil || addr.Zone() != "" { // a zone means something on one machine only
		return consent.Faults{consent.At(consent.CodeFormat, "Header."+headerIPAddress, "must be an IP address, version 4 or 6, and be sent once")}
	}
	k.attended = true
	return nil
}

// acceptable reports whether an Accept header takes JSON, of either media type: an
// error in one of them is told to who can read the other.
func acceptable(accept []string) bool {
	return edge.Prefers(accept, wire.MediaTypeHAL).Q > 0 || edge.Prefers(accept, wire.MediaTypeJSON).Q > 0
}
