package oauth

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/service/connections"
	"consentd/pkg/eidas"
)

// scope is what a TPP may ask for.
type scope struct {
	name  string
	role  eidas.Role     // that it takes
	right consent.Rights // of a connection; none for those of a consent
}

// scopes are all that there are (STET part I §3.4.3; NextGenPSD2 1.3.x §13).
func scopes() []scope {
	return []scope{
		{connections.ScopeAISP, eidas.RoleAI, consent.RightAccounts},
		{connections.ScopeLongHistory, eidas.RoleAI, consent.RightLongHistory},
		{connections.ScopeCBPII, eidas.RoleIC, consent.RightFunds},
		{connections.ScopePISP, eidas.RolePI, consent.RightPayments},
		{connections.ScopeConsent, eidas.RoleAI, 0},
	}
}

// fits tells whether a scope of a request is this one.
func (s scope) fits(asked string) bool {
	if s.right == 0 {
		return strings.HasPrefix(asked, s.name)
	}
	return asked == s.name
}

// offered are the scopes that a TPP with these roles may ask for.
func (s *Server) offered(may func(eidas.Role) bool) []scope {
	return slices.DeleteFunc(scopes(), func(x scope) bool {
		return !may(x.role) || s.Options.Scopes != nil && !slices.Contains(s.Options.Scopes, x.name)
	})
}

// consentOf is the consent that a scope names; false for a scope of a connection.
// What is no id names no consent.
func consentOf(scope string) (uuid.UUID, bool) {
	text, ok := strings.CutPrefix(scope, connections.ScopeConsent)
	if !ok {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len(id.String()) { // there are other spellings than ours
		return uuid.Nil, true
	}
	return id, true
}

// wanted reads the scopes that are asked for. Fails with invalid_scope for none, and
// for a consent beside anything else: a token rests on one grant.
func wanted(list string) ([]string, error) {
	asked := plain(list)
	if len(asked) == 0 {
		return nil, goidc.NewError(goidc.ErrorCodeInvalidScope, "scope is required")
	}
	for _, one := range asked {
		if _, ok := consentOf(one); ok && len(asked) > 1 {
			return nil, goidc.NewError(goidc.ErrorCodeInvalidScope, "the scope of a consent stands alone")
		}
	}
	return asked, nil
}

// plain are the scopes of a list, each once.
func plain(list string) []string {
	var each []string
	for one := range strings.FieldsSeq(list) {
		if !slices.Contains(each, one) {
			each = append(each, one)
		}
	}
	return each
}

// rightsOf are the rights of a connection with these scopes.
func rightsOf(asked []string) consent.Rights {
	var rights consent.Rights
	for _, one := range asked {
		for _, s := range scopes() {
			if s.fits(one) {
				rights |= s.right
			}
		}
	}
	return rights
}

// licensed tells whether a TPP with these roles may have all of the scopes.
func (s *Server) licensed(asked []string, may func(eidas.Role) bool) bool {
	known := s.offered(may)
	return !slices.ContainsFunc(asked, func(one string) bool {
		return !slices.ContainsFunc(known, func(x scope) bool { return x.fits(one) })
	})
}
