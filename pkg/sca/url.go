package sca

import (
	"net/netip"
	"net/url"
)

// Protected reports whether nobody on the way can read or change what is sent to u:
// it is https, or http within the machine, and does not say who logs in. What a
// flow sends a browser to with [Redirect] must be so.
func Protected(u *url.URL) bool {
	if u.Hostname() == "" || u.User != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	within := u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && within
}
