package contract

import (
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// formats are the string formats that our descriptions use. kin-openapi lets a
// format pass that it has no check for, these among them.
func formats() []openapi3.SchemaValidationOption {
	check := openapi3.NewCallbackValidator[string]
	return []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
		"ipv4":          check(isIPv4),
		"ipv6":          check(isIPv6),
		"date":          check(isDate),
		"uri-reference": check(isReference),
	})}
}

func isIPv4(s string) error {
	addr, err := netip.ParseAddr(s)
	if err == nil && !addr.Is4() {
		err = errors.New("not an ipv4 address")
	}
	return err
}

func isIPv6(s string) error {
	addr, err := netip.ParseAddr(s)
	if err == nil && !addr.Is6() {
		err = errors.New("not an ipv6 address")
	}
	return err
}

func isDate(s string) error {
	_, err := time.Parse(time.DateOnly, s)
	return err
}

func isReference(s string) error {
	_, err := url.Parse(s)
	return err
}
