package oauth

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"consentd/internal/service/connections"
	"consentd/pkg/eidas"
)

// metadata is what the server says of itself (RFC 8414 §2, RFC 8705 §3.3 and §5, RFC
// 9207 §3). The library's own would speak of OpenID Connect.
type metadata struct {
	Issuer         string   `json:"issuer"`
	Authorization  string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Revocation     string   `json:"revocation_endpoint"`
	Introspection  string   `json:"introspection_endpoint"`
	Aliases        aliases  `json:"mtls_endpoint_aliases"`
	Scopes         []string `json:"scopes_supported"`
	ResponseTypes  []string `json:"response_types_supported"`
	ResponseModes  []string `json:"response_modes_supported"`
	GrantTypes     []string `json:"grant_types_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
	Authentication []string `json:"token_endpoint_auth_methods_supported"`
	RevocationBy   []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectBy   []string `json:"introspection_endpoint_auth_methods_supported"`
	Bound          bool     `json:"tls_client_certificate_bound_access_tokens"`
	Iss            bool     `json:"authorization_response_iss_parameter_supported"`
}

// aliases are where TPPs find the endpoints with their certificates.
type aliases struct {
	Token         string `json:"token_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	Introspection string `json:"introspection_endpoint"`
}

// metadata answers who asks what the server can do, and where.
func (s *Server) metadata(c echo.Context) error {
	issuer, tpps := s.Options.Issuer(c.Request()), s.Options.TokenURL(c.Request())
	by := []string{"tls_client_auth"}
	m := metadata{
		Issuer: issuer, Authorization: issuer + PathAuthorize,
		Token: tpps + PathToken, Revocation: tpps + PathRevoke, Introspection: tpps + PathIntrospect,
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, GrantTypes: []string{"authorization_code", "refresh_token"},
		Challenges: []string{"S256"}, Authentication: by, RevocationBy: by, IntrospectBy: by, Bound: true, Iss: true,
		Scopes: []string{},
	}
	m.Aliases = aliases{Token: m.Token, Revocation: m.Revocation, Introspection: m.Introspection}
	for _, one := range s.offered(func(eidas.Role) bool { return true }) {
		if one.name != connections.ScopeConsent { // another one for each consent
			m.Scopes = append(m.Scopes, one.name)
		}
	}
	return c.JSON(http.StatusOK, m)
}
