package contract_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/openapi"
)

func load(t *testing.T, name string) *openapi3.T {
	t.Helper()
	data, err := openapi.Read(name)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	return doc
}

// Examples are held against their schemas by Validate, and once more by the
// walk, which also proves that there are some.
func TestDescriptionsAreValid(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"accounts", "aspsp", "bank", "manager", "oauth", "sca-remote", "stet", "xs2a"}, openapi.Names())
	for _, name := range openapi.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := load(t, name)
			require.NoError(t, doc.Validate(t.Context(),
				openapi3.EnableExamplesValidation(),
				openapi3.EnableSchemaFormatValidation(),
				openapi3.EnableSchemaPatternValidation(),
				openapi3.EnableSchemaDefaultsValidation(),
			))
			assert.True(t, doc.IsOpenAPI31OrLater())
			for path, item := range doc.Paths.Map() {
				for method, op := range item.Operations() {
					checkOperation(t, method+" "+path, op)
				}
			}
		})
	}
}

// checkOperation wants what a reader needs: words, and an example for every body.
func checkOperation(t *testing.T, where string, op *openapi3.Operation) {
	t.Helper()
	assert.NotEmpty(t, op.OperationID, where)
	assert.NotEmpty(t, op.Summary, where)
	assert.NotEmpty(t, op.Description, where)
	assert.Len(t, op.Tags, 1, where)
	if op.RequestBody != nil {
		checkContent(t, where, op.RequestBody.Value.Content)
	}
	for status, res := range op.Responses.Map() {
		checkContent(t, where+" "+status, res.Value.Content)
	}
}

func checkContent(t *testing.T, where string, content openapi3.Content) {
	t.Helper()
	for kind, media := range content {
		assert.NotEmpty(t, media.Examples, "%s %s has no example", where, kind)
		for name, example := range media.Examples {
			err := media.Schema.Value.VisitJSON(example.Value.Value, openapi3.EnableJSONSchema2020())
			assert.NoError(t, err, "%s %s, example %s", where, kind, name)
		}
	}
}

func TestReadUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "none", "../go", "xs2a.yaml", "/etc/passwd"} {
		_, err := openapi.Read(name)
		assert.Error(t, err, name)
	}
}

// The statuses that every operation of XS2A declares, in the framework's
// published description 1.3.12.
var sharedStatuses = strings.Fields("400 401 403 404 405 406 408 409 415 429 500 503")

// What the framework says of the surface that we describe: operation and the
// status of its success. The rest of what it says is in the table of facts.
func TestFactsOperations(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"POST /v1/consents":                                             "201",
		"GET /v1/consents/{consentId}":                                  "200",
		"DELETE /v1/consents/{consentId}":                               "204",
		"GET /v1/consents/{consentId}/status":                           "200",
		"POST /v1/consents/{consentId}/authorisations":                  "201",
		"GET /v1/consents/{consentId}/authorisations":                   "200",
		"GET /v1/consents/{consentId}/authorisations/{authorisationId}": "200",
		"PUT /v1/consents/{consentId}/authorisations/{authorisationId}": "200",
		"POST /v1/funds-confirmations":                                  "200",
	}
	for call, status := range maps.Clone(want) {
		if method, path, ok := strings.Cut(call, " /v1/consents"); ok {
			want[method+" /v2/consents/confirmation-of-funds"+path] = status
		}
	}
	got := map[string]string{}
	for path, item := range load(t, "xs2a").Paths.Map() {
		for method, op := range item.Operations() {
			var successes []string
			for status, res := range op.Responses.Map() {
				checkHeaders(t, fmt.Sprint(method, path, status), res.Value)
				if !slices.Contains(sharedStatuses, status) {
					successes = append(successes, status)
				}
			}
			assert.Equal(t, len(sharedStatuses)+1, op.Responses.Len(), "%s %s", method, path)
			got[method+" "+path] = strings.Join(successes, " ")
		}
	}
	assert.Equal(t, want, got)
}

// Every answer carries the request id; 408, 415, 500 and 503 carry no body.
func checkHeaders(t *testing.T, where string, res *openapi3.Response) {
	t.Helper()
	header := res.Headers["X-Request-ID"]
	if assert.NotNil(t, header, where) {
		assert.True(t, header.Value.Required, where)
	}
	switch where[len(where)-3:] {
	case "204", "408", "415", "500", "503":
		assert.Empty(t, res.Content, where)
	case "200", "201":
		assert.Equal(t, []string{"application/json"}, slices.Sorted(maps.Keys(res.Content)), where)
	default:
		assert.Equal(t, []string{"application/json", "application/problem+json"}, slices.Sorted(maps.Keys(res.Content)), where)
	}
}

// Enumerations of the framework 1.3.12. terminatedByAspsp is ours, as the
// framework allows: it must be documented, and is.
func TestFactsEnumerations(t *testing.T) {
	t.Parallel()
	schemas := load(t, "xs2a").Components.Schemas
	for name, want := range map[string]string{
		"ConsentStatus": "received rejected partiallyAuthorised valid revokedByPsu expired terminatedByTpp terminatedByAspsp",
		"ScaStatus":     "received psuIdentified psuAuthenticated scaMethodSelected started unconfirmed finalised failed exempted",
		"AllAccounts":   "allAccounts allAccountsWithOwnerName",
		"ScaApproach":   "EMBEDDED DECOUPLED REDIRECT",
		"Code403":       "CONSENT_UNKNOWN SERVICE_BLOCKED RESOURCE_UNKNOWN RESOURCE_EXPIRED",
		"Code404":       "RESOURCE_UNKNOWN",
		"Code405":       "SERVICE_INVALID",
		"Code406":       "REQUESTED_FORMATS_INVALID",
		"Code409":       "STATUS_INVALID",
		"Code429":       "ACCESS_EXCEEDED",
		"Code400": "FORMAT_ERROR PARAMETER_NOT_CONSISTENT PARAMETER_NOT_SUPPORTED SERVICE_INVALID RESOURCE_UNKNOWN RESOURCE_EXPIRED " +
			"RESOURCE_BLOCKED TIMESTAMP_INVALID PERIOD_INVALID SCA_METHOD_UNKNOWN SCA_INVALID CONSENT_UNKNOWN SESSIONS_NOT_SUPPORTED",
		// CERTIFICATE_REVOKED is the spelling that a bank can choose (design, rule 12).
		"Code401": "CERTIFICATE_INVALID ROLE_INVALID CERTIFICATE_EXPIRED CERTIFICATE_BLOCKED CERTIFICATE_REVOKE CERTIFICATE_REVOKED " +
			"CERTIFICATE_MISSING SIGNATURE_INVALID SIGNATURE_MISSING CORPORATE_ID_INVALID PSU_CREDENTIALS_INVALID CONSENT_INVALID " +
			"CONSENT_EXPIRED TOKEN_UNKNOWN TOKEN_INVALID TOKEN_EXPIRED",
	} {
		schema := schemas[name]
		require.NotNil(t, schema, name)
		var got []string
		for _, value := range schema.Value.Enum {
			got = append(got, fmt.Sprint(value))
		}
		assert.ElementsMatch(t, strings.Fields(want), got, name)
		if meanings, ok := schema.Value.Extensions["x-enumDescriptions"].(map[string]any); ok {
			assert.ElementsMatch(t, got, slices.Collect(maps.Keys(meanings)), "%s: every value has its meaning", name)
		}
	}
}

// The headers of the framework that POST /v1/consents declares, and the longest
// value that we take (0: no limit of ours); required ones end in an asterisk.
func TestFactsHeaders(t *testing.T) {
	t.Parallel()
	want := map[string]uint64{
		"X-Request-ID*": 0, "Digest": 0, "Signature": 0, "TPP-Signature-Certificate": 0,
		"PSU-IP-Address*": 140, "TPP-Redirect-URI*": 500, "TPP-Nok-Redirect-URI": 500,
		"PSU-ID": 50, "PSU-ID-Type": 50, "PSU-Corporate-ID": 50, "PSU-Corporate-ID-Type": 50,
		"TPP-Redirect-Preferred": 0, "TPP-Decoupled-Preferred": 0, "TPP-Explicit-Authorisation-Preferred": 0,
		"TPP-Brand-Logging-Information": 255, "TPP-Notification-URI": 0, "TPP-Notification-Content-Preferred": 0,
		"PSU-IP-Port": 0, "PSU-Accept": 0, "PSU-Accept-Charset": 0, "PSU-Accept-Encoding": 0, "PSU-Accept-Language": 0,
		"PSU-User-Agent": 0, "PSU-Http-Method": 0, "PSU-Device-ID": 0, "PSU-Geo-Location": 0,
	}
	item := load(t, "xs2a").Paths.Value("/v1/consents")
	got := map[string]uint64{}
	for _, p := range slices.Concat(item.Parameters, item.Post.Parameters) {
		name := p.Value.Name
		if p.Value.Required {
			name += "*"
		}
		got[name] = 0
		if limit := p.Value.Schema.Value.MaxLength; limit != nil {
			got[name] = *limit
		}
	}
	assert.Equal(t, want, got)
}
