package xs2a_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/service/funds"
)

// explained is a call that is refused, with the notes that explain it.
type explained struct {
	name string
	// code is what the call is refused for, and answered its status and code.
	code     consent.Code
	answered string
	// given makes the world so, and returns the path of the call.
	given func(t *testing.T, w *world) string
	// method and body of the call; a GET without.
	method, body string
	headers      with
	want         []string
}

// The notes of the steps that were passed.
const (
	noteCaller  = "caller: demo (Demo)"
	noteNone    = "Signature: none, and none is required"
	noteRole    = "role: PSP_AI needed, the certificate has it"
	noteIC      = "role: PSP_IC needed, the certificate has it"
	noteHeaders = "headers and body: as they must be"

	opBalances = "operation: GET /v1/accounts/:accountId/balances"
	opStatus   = "operation: GET /v1/consents/:consentId/status"
	opStart    = "operation: POST /v1/consents/:consentId/authorisations"
	opUpdate   = "operation: PUT /v1/consents/:consentId/authorisations/:authorisationId"
	opFunds    = "operation: POST /v1/funds-confirmations"
)

// passed are the notes of a call of the TPP demo that only the use case refuses.
func passed(operation string, more ...string) []string {
	return append([]string{operation, noteCaller, noteNone, noteRole, noteHeaders}, more...)
}

// at is a world as it is, with a call at a path.
func at(path string) func(*testing.T, *world) string {
	return func(*testing.T, *world) string { return path }
}

// calling is a world whose every caller is the same.
func calling(c caller, path string) func(*testing.T, *world) string {
	return func(_ *testing.T, w *world) string {
		w.handler.Callers = c
		return path
	}
}

// held is a world that holds a consent, as change makes it, with a call below it.
func held(below string, change func(*consent.Consent)) func(*testing.T, *world) string {
	return func(t *testing.T, w *world) string {
		c := consent.Consent{
			ID: uuid.New(), TPP: "demo", Rail: consent.RailXS2A, Kind: consent.AccountAccess, Status: consent.Received,
			CreatedAt: w.clock, AuthoriseBy: w.clock.Add(time.Hour), EndsAt: w.clock.Add(time.Hour), Approach: consent.Redirect,
		}
		change(&c)
		w.store.byID[c.ID] = c
		return "/v1/consents/" + c.ID.String() + below
	}
}

// updating is a world in which an update of an authorisation fails.
func updating(code consent.Code, text string) func(*testing.T, *world) string {
	return func(t *testing.T, w *world) string {
		w.walks.err = consent.E(code, "%s", text)
		return "/v1/consents/" + uuid.New().String() + "/authorisations/" + uuid.New().String()
	}
}

// denying is a world in which reads are denied as package access does it.
func denying(code consent.Code, text, reason string) func(*testing.T, *world) string {
	return func(_ *testing.T, w *world) string {
		w.handler.Reads = noting{&access.Denial{Err: consent.E(code, "%s", text), Reason: reason}}
		return "/v1/accounts/r1/balances"
	}
}

const (
	fundsBody = `{"account":{"iban":"` + ibanLea + `"},"instructedAmount":{"currency":"EUR","amount":"1"}}`
	password  = `{"psuData":{"password":"hunter2"}}`
)

// readings are refused by the decision.
func readings() []explained {
	return []explained{
		{
			name: "read, not in force", code: consent.CodeNotUsable, answered: "401 CONSENT_INVALID",
			given: denying(consent.CodeNotUsable, "the consent is revoked", "consent <id>: revoked by the PSU"),
			want:  passed(opBalances, "consent <id>: revoked by the PSU → CONSENT_INVALID"),
		},
		{
			name: "read, expired", code: consent.CodeExpired, answered: "401 CONSENT_EXPIRED",
			given: denying(consent.CodeExpired, "the consent has expired", "consent <id>: expired"),
			want:  passed(opBalances, "consent <id>: expired → CONSENT_EXPIRED"),
		},
		{
			name: "read, suspended", code: consent.CodeBlocked, answered: "403 SERVICE_BLOCKED",
			given: denying(consent.CodeBlocked, "the bank has suspended the consent", "consent <id>: suspended"),
			want:  passed(opBalances, "consent <id>: suspended → SERVICE_BLOCKED"),
		},
		{
			name: "read, blocked meanwhile", code: consent.CodeCertificateBlocked, answered: "401 CERTIFICATE_BLOCKED",
			given: denying(consent.CodeCertificateBlocked, "the bank has blocked this TPP", "the bank has blocked the TPP"),
			want:  passed(opBalances, "the bank has blocked the TPP → CERTIFICATE_BLOCKED"),
		},
		{
			name: "read, too often", code: consent.CodeTooOften, answered: "429 ACCESS_EXCEEDED",
			given: denying(consent.CodeTooOften, "no more today", "quota: balances, 4 of 4 used today"),
			want:  passed(opBalances, "quota: balances, 4 of 4 used today → ACCESS_EXCEEDED"),
		},
		{
			name: "read, denied without a word", code: consent.CodeTooOften, answered: "429 ACCESS_EXCEEDED",
			given: func(_ *testing.T, w *world) string {
				w.reads.err = consent.E(consent.CodeTooOften, "no more today")
				return "/v1/accounts/r1/balances"
			},
			want: passed(opBalances, "refused: no more today → ACCESS_EXCEEDED"),
		},
	}
}

// consentsAsked are refused for the consent that they name.
func consentsAsked() []explained {
	unknown := "refused: the consent is not known to this TPP → CONSENT_UNKNOWN"
	return []explained{
		{
			name: "unknown consent", code: consent.CodeNotFound, answered: "403 CONSENT_UNKNOWN",
			given: at("/v1/consents/" + readConsent + "/status"), want: passed(opStatus, unknown),
		},
		{
			name: "malformed id", code: consent.CodeNotFound, answered: "403 CONSENT_UNKNOWN",
			given: at("/v1/consents/x/status"), want: passed(opStatus, "the consent id in the path is none of ours", unknown),
		},
		{
			name: "foreign consent", code: consent.CodeNotFound, answered: "403 CONSENT_UNKNOWN",
			given: held("/status", func(c *consent.Consent) { c.TPP = "acme" }),
			want:  passed(opStatus, "consent <id>: belongs to another TPP, or is of another kind, answered as if unknown", unknown),
		},
		{
			name: "unknown authorisation", code: consent.CodeResourceUnknown, answered: "403 RESOURCE_UNKNOWN",
			given: held("/authorisations/"+readConsent, func(*consent.Consent) {}),
			want: passed("operation: GET /v1/consents/:consentId/authorisations/:authorisationId",
				"refused: no such authorisation of this consent → RESOURCE_UNKNOWN"),
		},
		{
			name: "funds, not in force", code: consent.CodeNotUsable, answered: "401 CONSENT_INVALID", method: http.MethodPost, body: fundsBody,
			given:   fundsConsent(consent.Received),
			headers: with{"Consent-ID": readConsent},
			want:    []string{opFunds, noteCaller, noteNone, noteIC, noteHeaders, "refused: the consent is received → CONSENT_INVALID"},
		},
		{
			name: "funds, suspended", code: consent.CodeBlocked, answered: "403 SERVICE_BLOCKED", method: http.MethodPost, body: fundsBody,
			given:   fundsConsent(consent.Suspended),
			headers: with{"Consent-ID": readConsent},
			want:    []string{opFunds, noteCaller, noteNone, noteIC, noteHeaders, "refused: the consent is suspended → SERVICE_BLOCKED"},
		},
	}
}

// fundsConsent is a world with a consent to the confirmation of funds.
func fundsConsent(status consent.Status) func(*testing.T, *world) string {
	return func(t *testing.T, w *world) string {
		held("", func(c *consent.Consent) {
			c.ID, c.Kind, c.Status = uuid.MustParse(readConsent), consent.FundsConfirmation, status
		})(t, w)
		w.handler.Funds = &funds.Funds{Store: w.store, Bank: w.store, Now: w.handler.Now}
		return "/v1/funds-confirmations"
	}
}

// authorising are refused on the way to an authorisation.
func authorising() []explained {
	kept := "approach: redirect, as when the consent was made"
	start := func(name string, code consent.Code, answered, line string, headers with, change func(*consent.Consent)) explained {
		return explained{
			name: name, code: code, answered: answered, method: http.MethodPost, headers: headers,
			given: held("/authorisations", change), want: passed(opStart, kept, "refused: "+line),
		}
	}
	update := func(name string, code consent.Code, answered, text string) explained {
		_, word, _ := strings.Cut(answered, " ")
		return explained{
			name: name, code: code, answered: answered, method: http.MethodPut, body: password,
			given: updating(code, text), want: passed(opUpdate, "refused: "+text+" → "+word),
		}
	}
	return []explained{
		start("start, another PSU", consent.CodeCredentials, "401 PSU_CREDENTIALS_INVALID",
			"Header.PSU-ID is not the one that the consent was made for → PSU_CREDENTIALS_INVALID",
			with{"PSU-ID": "anna"}, func(c *consent.Consent) { c.PSU = consent.Digest{1} }),
		start("start, another company", consent.CodeCorporate, "401 CORPORATE_ID_INVALID",
			"Header.PSU-Corporate-ID is not the one that the consent was made for → CORPORATE_ID_INVALID",
			with{"PSU-Corporate-ID": "sarl"}, func(c *consent.Consent) { c.Corporate = consent.Digest{1} }),
		start("start, too often", consent.CodeTooOften, "429 ACCESS_EXCEEDED",
			"the consent has had 20 authorisations and takes no further one → ACCESS_EXCEEDED",
			nil, func(c *consent.Consent) { c.Authorisations = make([]consent.Authorisation, 20) }),
		{
			name: "start, expired", code: consent.CodeExpired, answered: "401 CONSENT_EXPIRED", method: http.MethodPost,
			given: held("/authorisations", func(c *consent.Consent) { c.Status = consent.Expired }),
			want:  passed(opStart, kept, "refused: the consent has expired → CONSENT_EXPIRED"),
		},
		update("wrong password", consent.CodeCredentials, "401 PSU_CREDENTIALS_INVALID", "wrong answer"),
		update("last wrong password", consent.CodeLocked, "401 PSU_CREDENTIALS_INVALID", "too many wrong answers"),
		update("locked PSU", consent.CodePSULocked, "401 PSU_CREDENTIALS_INVALID", "too many wrong answers: for a time, none is judged"),
		update("no signer", consent.CodeForbidden, "401 CONSENT_INVALID", "the PSU may not sign for this customer"),
		update("blocked PSU", consent.CodeBlocked, "403 SERVICE_BLOCKED", "the PSU is blocked"),
		update("time over", consent.CodeTimeOver, "403 RESOURCE_EXPIRED", "the time of the authorisation is over"),
		update("foreign accounts", consent.CodeResourceUnknown, "403 RESOURCE_UNKNOWN", "there are no such accounts to share"),
	}
}

// unreachable are the codes that no call of a TPP is refused for.
func unreachable() map[consent.Code]string {
	return map[consent.Code]string{
		consent.CodeUnauthenticated: "of the bank's own callers: a TPP is told by its certificate",
	}
}

// Every 401, 403 and 429 is explained step by step, and the line that decides ends
// with the code of the answer.
func TestNotesOfRefusals(t *testing.T) {
	t.Parallel()
	all := slices.Concat(badCallers(), signatures(), readings(), consentsAsked(), authorising(), tokensAsked())
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			answered, notes := w.explain(t, c.given(t, w), c)
			require.Equal(t, c.answered, answered)
			require.Equal(t, c.want, notes)
			_, code, _ := strings.Cut(answered, " ")
			require.True(t, strings.HasSuffix(notes[len(notes)-1], " → "+code))
			for _, secret := range []string{"hunter2", ibanLea, "anna", "sarl"} {
				require.NotContains(t, strings.Join(notes, "\n"), secret)
			}
		})
	}
	for _, code := range xs2a.CodesOf(http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests) {
		there := slices.ContainsFunc(all, func(c explained) bool { return c.code == code })
		_, never := unreachable()[code]
		require.NotEqual(t, there, never, "%s: a case, or a reason why there is none", code)
	}
}

// noting notes its denials as package access does.
type noting struct{ denial *access.Denial }

func (n noting) Decide(ctx context.Context, _ access.Question) (access.Decision, error) {
	explain.Refuse(ctx, "%s", n.denial.Reason)
	return access.Decision{}, n.denial
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// explain makes a call: a read is for Admit, everything else is served. It returns
// the status and code of the answer, and the notes without their ids.
func (w *world) explain(t *testing.T, path string, c explained) (answered string, notes []string) {
	t.Helper()
	ctx, listened := explain.Listen(t.Context())
	req := httptest.NewRequestWithContext(ctx, cmp.Or(c.method, http.MethodGet), path, strings.NewReader(c.body))
	headers := with{"X-Request-ID": requestID, "Content-Type": "application/json"}
	if strings.HasPrefix(path, "/v1/accounts") {
		headers["Consent-ID"] = readConsent
	}
	maps.Copy(headers, c.headers)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	if strings.HasPrefix(path, "/v1/accounts") {
		_, refusal := w.handler.Admit(req, nil)
		require.NotNil(t, refusal)
		require.NoError(t, refusal.Send(rec))
	} else {
		e := echo.New()
		w.handler.Mount(e)
		e.ServeHTTP(rec, req)
	}
	code := answer{body: rec.Body.String()}.messages(t)[0]
	code, _, _ = strings.Cut(code, " ")
	notes = listened.Lines()
	for i := range notes {
		notes[i] = uuids.ReplaceAllString(notes[i], "<id>")
	}
	return fmt.Sprintf("%d %s", rec.Code, code), notes
}

// A call that is repeated says so, and is explained by the code that it had.
func TestNotesOfRepeatedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.store.receipts = map[consent.Digest]consent.Receipt{}
	c := explained{method: http.MethodDelete}
	unknown := "refused: the consent is not known to this TPP → CONSENT_UNKNOWN"
	_, notes := w.explain(t, "/v1/consents/"+readConsent, c)
	require.Equal(t, passed("operation: DELETE /v1/consents/:consentId", unknown), notes)
	answered, notes := w.explain(t, "/v1/consents/"+readConsent, c)
	require.Equal(t, "403 CONSENT_UNKNOWN", answered)
	require.Equal(t, passed("operation: DELETE /v1/consents/:consentId",
		"repeated: this call was answered before, the same answer again → CONSENT_UNKNOWN"), notes)
}

// What is malformed is explained fault by fault, each with its code.
func TestNotesOfFaults(t *testing.T) {
	t.Parallel()
	answered, notes := newWorld().explain(t, "/v1/accounts/r1/balances", explained{
		headers: with{"Consent-ID": "", "PSU-IP-Address": "my.address", "PSU-IP-Port": "0"},
	})
	require.Equal(t, "400 FORMAT_ERROR", answered)
	require.Equal(t, []string{
		opBalances, noteCaller, noteNone, noteRole,
		"wrong: Header.Consent-ID: must not be blank → FORMAT_ERROR",
		"wrong: Header.PSU-IP-Address: must be an IP address, version 4 or 6 → FORMAT_ERROR",
		"wrong: Header.PSU-IP-Port: must be a port number from 1 to 65535 → FORMAT_ERROR",
	}, notes)
}
