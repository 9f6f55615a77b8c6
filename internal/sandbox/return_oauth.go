package sandbox

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
)

// pathExchange is where a TPP brings a code.
const pathExchange = "/oauth2/token"

// grantPage is what a TPP learns when the browser comes back from OAuth2 (RFC 6749
// §4.1.2).
type grantPage struct {
	TPP     string // its name
	Error   string // empty for none
	Meaning string // of the error
	Said    []saidByBank
	Curl    string // that exchanges the code; empty for a code that no server has given
}

// saidByBank is a parameter of the address by which a browser came back.
type saidByBank struct{ Name, Value string }

// plainCode are codes that a shell takes as they are.
var plainCode = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,512}$`)

// answersGrant reports whether an address answers an authorization request of OAuth2.
func answersGrant(c echo.Context) bool {
	return c.QueryParam("code") != "" || c.QueryParam("error") != ""
}

// backGranted shows what the bank says of an authorization request. The code is shown
// whole: it is worth nothing without the verifier, which the TPP has kept.
func (s *Sandbox) backGranted(c echo.Context, list []*consent.Consent) error {
	name := s.connecting(list)
	who, _ := s.TPPs.find(name)
	page := grantPage{TPP: who.Name, Error: c.QueryParam("error")}
	for _, param := range []string{"code", "state", "iss", "error", "error_description", "error_uri"} {
		if value := c.QueryParam(param); value != "" {
			page.Said = append(page.Said, saidByBank{param, value})
		}
	}
	if page.Error != "" {
		page.Meaning = grantErrors[page.Error]
	} else if code := c.QueryParam("code"); plainCode.MatchString(code) {
		base := s.base(c.Request())
		page.Curl = command(fmt.Sprintf("curl -X POST %s%s", base, pathExchange), []header{{HeaderTPP, name}},
			"-d grant_type=authorization_code", "-d client_id="+organisationOf(name), "-d code="+code,
			"--data-urlencode redirect_uri="+base+c.Request().URL.Path, "-d code_verifier=VERIFIER")
	}
	return s.render(c, http.StatusOK, "granted", page)
}

// connecting is the name of the TPP that has asked for a token last. The address
// does not tell whose answer it holds; the TPP knows by its state.
func (s *Sandbox) connecting(list []*consent.Consent) string {
	for _, x := range list {
		if x.Kind != consent.Connection && !x.ByToken {
			continue
		}
		if name := s.TPPs.nameOf(x.TPP); name != "" {
			return name
		}
	}
	return defaultTPP
}

// grantErrors say what an error means to a TPP (RFC 6749 §4.1.2.1).
var grantErrors = map[string]string{
	"access_denied":             "The PSU has refused, or the bank could not authenticate them. Nothing is connected.",
	"invalid_scope":             "The scope is not known, or not one that this TPP may ask for.",
	"invalid_request":           "The request lacks something, such as the code_challenge, or says it twice.",
	"unauthorized_client":       "This TPP may not ask so.",
	"unsupported_response_type": "Only response_type=code is supported.",
	"server_error":              "The bank has failed. Try again later.",
	"temporarily_unavailable":   "The bank does not answer now. Try again later.",
}
