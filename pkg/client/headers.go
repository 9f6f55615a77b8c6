package client

import (
	"maps"
	"net/http"
	"strconv"
)

// headers are those of one call.
type headers http.Header

// set sends a header, unless its value is empty.
func (h headers) set(name, value string) {
	if value != "" {
		http.Header(h).Set(name, value)
	}
}

func (h headers) choose(name string, value *bool) {
	if value != nil {
		h.set(name, strconv.FormatBool(*value))
	}
}

// psu says who the customer is and how they are there.
func (h headers) psu(o UpdateOptions) {
	h.set("PSU-ID", o.PSUID)
	h.set("PSU-Corporate-ID", o.PSUCorporateID)
	h.set("PSU-Accept-Language", o.PSULanguage)
	h.call(CallOptions{o.RequestID, o.PSUIPAddress, o.Header})
}

// call comes last: what the caller's own header says wins.
func (h headers) call(o CallOptions) {
	h.set(headerRequestID, o.RequestID)
	h.set("PSU-IP-Address", o.PSUIPAddress)
	maps.Copy(h, headers(o.Header))
}
