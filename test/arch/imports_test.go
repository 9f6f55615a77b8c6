package arch

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Third-party modules by the names that the table uses.
const (
	breaker    = "github.com/sony/gobreaker"
	cobra      = "github.com/spf13/cobra"
	echo       = "github.com/labstack/echo"
	goose      = "github.com/pressly/goose"
	gorm       = "gorm.io"
	i18n       = "github.com/nicksnyder/go-i18n"
	jwx        = "github.com/lestrrat-go/jwx"
	lru        = "github.com/hashicorp/golang-lru"
	oauth2     = "golang.org/x/oauth2"
	oidc       = "github.com/coreos/go-oidc"
	openapi3   = "github.com/getkin/kin-openapi"
	otel       = "go.opentelemetry.io"
	otp        = "github.com/pquerna/otp"
	pgx        = "github.com/jackc/pgx"
	prometheus = "github.com/prometheus"
	provider   = "github.com/luikyv/go-oidc"
	qr         = "github.com/boombuler/barcode"
	rapid      = "pgregory.net/rapid"
	sqlite     = "github.com/glebarez"
	sqliteCore = "modernc.org"
	testify    = "github.com/stretchr/testify"
	text       = "golang.org/x/text"
	uuid       = "github.com/google/uuid"
	validator  = "github.com/go-playground/validator"
	webauthn   = "github.com/go-webauthn/webauthn"
	xcrypto    = "golang.org/x/crypto"
	xsync      = "golang.org/x/sync"
	yaml       = "github.com/goccy/go-yaml"
)

// anything allows every import.
const anything = "*"

// table is the architecture: what each package may import besides the standard
// library and packages below itself. An entry holds for the whole tree below it,
// unless a longer one fits; an allowed import covers the tree below it too. Tests
// (_test.go) may import what they like.
var table = map[string][]string{
	"cmd/consentd": {"internal/app", "internal/config", "pkg/client", "pkg/httpsig", cobra},

	// What others may build on. None of it knows the program, but for the façade.
	"pkg/client":  {"pkg"},
	"pkg/dn":      {},
	"pkg/eidas":   {"pkg/dn", lru, xcrypto, xsync},
	"pkg/httpsig": {"pkg/dn", jwx},
	"pkg/manager": {},
	"pkg/sca":     {}, // scatest, its kit, lies below it
	"pkg/server":  {"internal/app", "pkg/sca"},
	"pkg/stet":    {},
	"pkg/xs2a":    {},

	// The core. No framework, no driver, no dialect.
	"internal/consent": {uuid},
	"internal/explain": {},
	"internal/secret":  {}, // sealing and HMAC: the standard library does
	"internal/service": {"internal/consent", "internal/explain", "internal/secret", "pkg/sca", text, uuid},
	// A worker asks after several PSUs at a time.
	"internal/service/sca": {"internal/consent", "internal/explain", "internal/secret", "internal/service", "pkg/sca", text, uuid, xsync},

	// They remember whom they have let in, and refused, within bounds.
	"internal/service/connections": {"internal/consent", "internal/explain", "internal/secret", "internal/service", lru, text, uuid},
	"internal/service/ledger":      {"internal/consent", "internal/explain", "internal/secret", "internal/service", lru, text, uuid},
	"internal/service/register":    {"internal/consent", "internal/explain", "internal/secret", "internal/service", lru, text, uuid},

	// What the core is plugged into.
	"internal/bank":          {"internal/consent", "internal/service"},
	"internal/flows":         {"pkg/sca"}, // a flow that needs a library of its own gets an entry of its own
	"internal/flows/oidc":    {"internal/openid", "pkg/sca", oauth2, oidc},
	"internal/flows/persona": {"pkg/sca", otp, webauthn},
	"internal/flows/remote":  {"pkg/sca", breaker},
	"internal/jobs":          {"internal/consent", "internal/service", xsync},
	"internal/storage":       {"internal/consent", "internal/secret", "internal/service", goose, gorm, lru, pgx, sqlite, sqliteCore, uuid},
	// A conformance suite is a test that other packages' tests call.
	"internal/storage/storagetest": {"internal/storage", "internal/consent", "internal/secret", "internal/service", "pkg/sca", rapid, testify, uuid, xsync},

	// The edge. Each dialect knows its own wire types only.
	"internal/api":         {"internal/consent", "internal/edge", "internal/explain", "internal/service", "internal/tpp", "openapi", echo, uuid, validator},
	"internal/api/aspsp":   {"internal/bankauth", "internal/consent", "internal/edge", "internal/explain", "internal/service", "internal/tpp", "openapi", echo, uuid, validator},
	"internal/api/manager": {"internal/bankauth", "internal/consent", "internal/edge", "internal/explain", "internal/secret", "internal/service", "internal/tpp", "openapi", "pkg/manager", echo, uuid, validator},
	"internal/api/stet":    {"internal/consent", "internal/edge", "internal/explain", "internal/service", "internal/tpp", "openapi", "pkg/eidas", "pkg/stet", echo, text, uuid, validator},
	"internal/api/xs2a":    {"internal/consent", "internal/edge", "internal/explain", "internal/service", "internal/tpp", "openapi", "pkg/eidas", "pkg/sca", "pkg/xs2a", echo, text, uuid, validator},
	"internal/edge":        {"internal/consent", echo, uuid},
	"internal/bankauth":    {"internal/consent", "internal/service", echo, uuid},
	"internal/openid":      {"pkg/sca", oauth2, oidc, xsync},
	"internal/staff":       {"internal/openid", "internal/secret", "pkg/sca", oauth2, oidc},
	"internal/docs":        {"openapi", echo, openapi3, yaml},
	"internal/oauth":       {"internal/consent", "internal/edge", "internal/explain", "internal/secret", "internal/service", "internal/tpp", "pkg/eidas", "pkg/sca", echo, jwx, lru, provider, uuid, xsync},
	"internal/sandbox":     {"internal/bankauth", "internal/consent", "internal/edge", "internal/explain", "internal/secret", "internal/service", "internal/tpp", "pkg", echo, uuid},
	// Made up of dates and words alone.
	"internal/sandbox/books":     {"internal/consent"},
	"internal/sandbox/faults":    {"internal/consent", "internal/edge", "internal/explain", "internal/sandbox/pages", echo},
	"internal/sandbox/inspector": {"internal/consent", "internal/edge", "internal/explain", "internal/sandbox/pages", echo},
	"internal/sandbox/idp":       {"internal/secret", jwx},
	"internal/sandbox/pages":     {"internal/consent", echo},
	"internal/usertoken":         {"internal/consent", jwx},
	"internal/tpp":               {"internal/consent", "internal/edge", "internal/explain", "internal/service", "pkg/eidas", "pkg/httpsig", echo},
	"internal/web":               {"internal/consent", "internal/secret", "internal/service", "pkg/sca", echo, i18n, qr, text, uuid},
	"internal/web/office":        {"internal/consent", "internal/service", "internal/staff", echo, uuid},

	// The program around it all.
	"internal/app":     {anything},
	"internal/config":  {validator, yaml},
	"internal/obs":     {echo, otel, prometheus, uuid},
	"internal/parties": {jwx},
	"internal/points":  {"internal/consent", "internal/service", "pkg/sca", uuid},

	"openapi": {},
	"test":    {anything},
}

// apart are groups whose members may not import one another: use cases share only the
// domain and the ports (which lie in the group's own package), a dialect knows no
// other dialect, a flow no other flow.
var apart = []string{"internal/api", "internal/flows", "internal/service"}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		rule, ok := ruleOf(f.Package())
		if !ok {
			t.Errorf("%s: no rule for package %q: add it to the table", f.Path, f.Package())
			continue
		}
		for _, imported := range f.Imports() {
			if !allowed(f.Package(), rule, imported) {
				t.Errorf("%s must not import %s (rule %q)", f.Path, imported, rule)
			}
		}
	}
}

// ruleOf finds the table's entry for a package: the longest that fits.
func ruleOf(pkg string) (string, bool) {
	best, found := "", false
	for rule := range table {
		if within(pkg, rule) && len(rule) > len(best) {
			best, found = rule, true
		}
	}
	return best, found
}

// allowed tells whether a package, for which the given rule holds, may import another.
func allowed(pkg, rule, imported string) bool {
	for _, group := range apart {
		from, to := member(pkg, group), member(imported, group)
		if from != "" && to != "" && from != to {
			return false
		}
		if from != "" && imported == group {
			return true
		}
	}
	if standard(imported) || within(imported, rule) {
		return true
	}
	return slices.ContainsFunc(table[rule], func(entry string) bool {
		return entry == anything || within(imported, entry)
	})
}

// member names the direct child of a group that a package belongs to; none is "".
func member(pkg, group string) string {
	rest, ok := strings.CutPrefix(pkg, group+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// within tells whether a path is another one or lies below it. A tree of the module
// is a folder; a third-party one may also be a later major version.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// standard tells the standard library: its first path element has no dot, and it is
// none of our own folders.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && !slices.Contains(folders, first)
}

// TestTableIsEnforced shows on made-up imports that the rules bite, whatever the tree holds today.
func TestTableIsEnforced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pkg, imported string
		want          bool
	}{
		{"internal/consent", "time", true},
		{"internal/consent", "github.com/google/uuid", true},
		{"internal/consent", "internal/service", false},
		{"internal/consent", "github.com/labstack/echo/v4", false},
		{"internal/service/sca", "internal/service", true},
		{"internal/service/sca", "internal/service/consents", false},
		{"internal/service/sca", "gorm.io/gorm", false},
		{"internal/storage", "gorm.io/driver/postgres", true},
		{"internal/storage/migrations", "github.com/pressly/goose/v3", true},
		{"internal/storage/storagetest", "gorm.io/gorm", false},
		{"internal/api/xs2a", "pkg/xs2a", true},
		{"internal/api/xs2a", "pkg/stet", false},
		{"internal/api/xs2a", "internal/api/stet", false},
		{"internal/api/xs2a", "internal/storage", false},
		{"internal/flows/persona", "internal/service", false},
		{"internal/flows/persona", "internal/flows/remote", false},
		{"internal/flows/push", "internal/flows/persona", false},
		{"pkg/sca/scatest", "pkg/sca", true},
		{"pkg/sca", "pkg/scalar", false},
		{"pkg/client", "internal/consent", false},
		{"pkg/client", "openapi", false},
		{"internal/app", "internal/storage", true},
	} {
		rule, ok := ruleOf(c.pkg)
		if assert.True(t, ok, c.pkg) {
			assert.Equal(t, c.want, allowed(c.pkg, rule, c.imported), "%s → %s", c.pkg, c.imported)
		}
	}
	_, ok := ruleOf("internal/util")
	assert.False(t, ok, "a package that the table doesn't name has no rule")
}
