package aspsp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/access"
	"consentd/internal/service/ledger"
)

const (
	checksPath = "/aspsp/v1/access-checks"
	consentID  = "019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e"
)

func TestAccessAllowed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.decider.decide = allowed
	a := w.send(t, http.MethodPost, checksPath, checkOf("requestId", `"0198f2c4-5a3e-7c61-9b0e-3f1d7a52c9e4"`), core())
	require.Equal(t, http.StatusOK, a.status, a.body)
	assert.JSONEq(t, `{"decision":"allow","consentId":"`+consentID+`","tpp":"`+acme+`","operation":"accounts","customer":"firm","ownerName":true,
		"accounts":[
			{"accountId":"r1","reference":{"iban":"`+iban+`","currency":"EUR","cashAccountType":"CACC"},"rights":["accounts","balances"]},
			{"accountId":"kärt/2","reference":{"maskedPan":"1234xx5678","currency":"EUR"},"rights":["accounts","ownerName"]}],
		"counted":false}`, a.body)
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	assert.Equal(t, requestID, a.header.Get("X-Request-ID"), "that of the bank's call")
	assert.Empty(t, w.ledger.refused)

	w.decider.decide = func(q access.Question) (access.Decision, error) {
		return access.Decision{Question: q, Customer: "lea", Counted: true, Left: 0}, nil
	}
	a = w.send(t, http.MethodPost, checksPath, checkOf(), core())
	assert.Contains(t, a.body, `"accounts":[],"counted":true,"remaining":0}`, "none is a number too")
}

// TestAccessQuestions says what the use case is asked for which check.
func TestAccessQuestions(t *testing.T) {
	t.Parallel()
	plain := access.Question{TPP: acme, Consent: uuid.MustParse(consentID), Operation: consent.OpAccounts}
	one := func(op consent.Operation) access.Question {
		q := plain
		q.Operation, q.Account = op, "r 1/ü"
		return q
	}
	attended, following := plain, one(consent.OpTransactions)
	attended.Attended, following.Following = true, true
	named, unfiltered, cards := following, plain, one(consent.OpCardTransactions)
	named.List, unfiltered.List, cards.List = "?bookingStatus=both", "?", "?"+strings.Repeat("ü", 2000)
	for name, c := range map[string]struct {
		body string
		want access.Question
	}{
		"the least":          {checkOf(), plain},
		"no further page":    {checkOf("page", "false"), plain},
		"the PSU is there":   {checkOf("psuIpAddress", `"192.0.2.7"`), attended},
		"with version 6":     {checkOf("psuIpAddress", `"2001:db8::7"`), attended},
		"of one account":     {checkOf("operation", `"balances"`, "account", `"r 1/ü"`), one(consent.OpBalances)},
		"of a card":          {checkOf("operation", `"cardTransactions"`, "account", `"r 1/ü"`), one(consent.OpCardTransactions)},
		"a further page":     {checkOf("operation", `"transactions"`, "account", `"r 1/ü"`, "page", "true"), following},
		"of a list":          {checkOf("operation", `"transactions"`, "account", `"r 1/ü"`, "page", "true", "list", `"bookingStatus=both"`), named},
		"of the whole list":  {checkOf("list", `""`), unfiltered},
		"of a long name":     {checkOf("operation", `"cardTransactions"`, "account", `"r 1/ü"`, "list", strconv.Quote(strings.Repeat("ü", 2000))), cards},
		"of one transaction": {checkOf("operation", `"transaction"`, "account", `"r 1/ü"`), one(consent.OpTransaction)},
		"escapes and blanks": {strings.Replace(" "+checkOf()+"\n", "accounts", `acc\u006funts`, 1), plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.decider.decide = allowed
			a := w.send(t, http.MethodPost, checksPath, c.body, core())
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Contains(t, a.body, `"decision":"allow"`)
			assert.Equal(t, []access.Question{c.want}, w.decider.asked)
		})
	}
}

// denied is an error as the use case makes them.
func denied(code consent.Code, path string) error {
	return &access.Denial{Err: consent.At(code, path, "said to the TPP"), Reason: "known to the bank"}
}

// TestAccessDenied shows each denial as the bank gets it, and which of them are
// written down.
func TestAccessDenied(t *testing.T) {
	t.Parallel()
	const own = "0198F2C45A3E7C619B0E3F1D7A52C9E4"
	for name, c := range map[string]struct {
		err    error
		want   string
		audit  consent.Code // empty: none
		logged string
	}{
		"unknown": {
			denied(consent.CodeReferenceUnknown, "Header.Consent-ID"),
			`"reason":"known to the bank","error":{"status":400,"code":"CONSENT_UNKNOWN","path":"Header.Consent-ID","text":"said to the TPP"}`, consent.CodeReferenceUnknown, "",
		},
		"shut out": {
			denied(consent.CodeCertificateBlocked, ""),
			`"reason":"known to the bank","error":{"status":401,"code":"CERTIFICATE_BLOCKED","text":"said to the TPP"}`, consent.CodeCertificateBlocked, "",
		},
		"revoked": {
			denied(consent.CodeNotUsable, ""),
			`"reason":"known to the bank","error":{"status":401,"code":"CONSENT_INVALID","text":"said to the TPP"}`, consent.CodeNotUsable, "",
		},
		"expired": {
			denied(consent.CodeExpired, ""),
			`"reason":"known to the bank","error":{"status":401,"code":"CONSENT_EXPIRED","text":"said to the TPP"}`, consent.CodeExpired, "",
		},
		"suspended": {
			denied(consent.CodeBlocked, ""),
			`"reason":"known to the bank","error":{"status":403,"code":"SERVICE_BLOCKED","text":"said to the TPP"}`, consent.CodeBlocked, "",
		},
		"no such account": {
			denied(consent.CodeAccountUnknown, ""),
			`"reason":"known to the bank","error":{"status":404,"code":"RESOURCE_UNKNOWN","text":"said to the TPP"}`, consent.CodeAccountUnknown, "",
		},
		"too often": {
			denied(consent.CodeTooOften, ""),
			`"reason":"known to the bank","error":{"status":429,"code":"ACCESS_EXCEEDED","text":"said to the TPP"}`, consent.CodeTooOften, "",
		},
		"too often today": {
			&access.Denial{Err: consent.E(consent.CodeTooOften, "said to the TPP"), Reason: "known to the bank", Until: time.Unix(17, 0)},
			`"reason":"known to the bank","error":{"status":429,"code":"ACCESS_EXCEEDED","text":"said to the TPP","retryAfter":17}`, consent.CodeTooOften, "",
		},
		"not now": {
			fmt.Errorf("accounts: %w", consent.E(consent.CodeUnavailable, "secret")),
			`"reason":"it cannot be told now","error":{"status":503,"retryAfter":1}`, "", "could not be decided",
		},
		"too slow": {
			context.DeadlineExceeded, `"reason":"it cannot be told now","error":{"status":503,"retryAfter":1}`, "", "could not be decided",
		},
		"our own fault": {
			errors.New("secret"), `"reason":"consentd has failed; its log says how","error":{"status":500}`, "", "could not be decided",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.decider.decide = func(access.Question) (access.Decision, error) { return access.Decision{}, c.err }
			for _, id := range []string{own, requestID} {
				check := checkOf("operation", `"balances"`, "account", `"r1"`)
				if id == own {
					check = checkOf("operation", `"balances"`, "account", `"r1"`, "requestId", `"`+own+`"`)
				}
				a := w.send(t, http.MethodPost, checksPath, check, core())
				require.Equal(t, http.StatusOK, a.status, a.body)
				require.JSONEq(t, `{"decision":"deny",`+c.want+`}`, a.body)
				if c.audit == "" {
					require.Empty(t, w.ledger.refused)
					continue
				}
				require.Equal(t, ledger.Refusal{
					Cause: consent.Cause{By: consent.ByTPP, Who: acme, RequestID: id}, Operation: "access-check balances", Code: c.audit,
				}, w.ledger.refused[len(w.ledger.refused)-1], "under the TPP's request id, else under the bank's")
			}
			assert.Contains(t, w.log.String(), c.logged)
			assert.Equal(t, c.logged == "", w.log.Len() == 0)
		})
	}
}

const (
	spelled  = "the consent id is malformed: it is not spelled as any that was given out"
	lettered = "the account id is malformed: it must be 1 to 100 characters, none of them a control character, without the parts . and .."
)

// What the TPP sent and the bank hands on is the TPP's fault: a denial in its
// words. It is never asked of the use case.
func TestWhatTheTPPHasSent(t *testing.T) {
	t.Parallel()
	const unknown = `{"status":400,"code":"CONSENT_UNKNOWN","path":"Header.Consent-ID","text":"is not known to this TPP"}`
	const address = `{"status":400,"code":"FORMAT_ERROR","path":"Header.PSU-IP-Address","text":"must be an IP address, version 4 or 6"}`
	const named = `{"status":404,"code":"RESOURCE_UNKNOWN","text":"there is no such account"}`
	for name, c := range map[string]struct {
		members []string
		want    string
		reason  string
		audit   bool
	}{
		"no consent id":                 {[]string{"consentId", `""`}, unknown, spelled, true},
		"no UUID":                       {[]string{"consentId", `"x"`}, unknown, spelled, true},
		"in capitals":                   {[]string{"consentId", `"` + strings.ToUpper(consentID) + `"`}, unknown, spelled, true},
		"as a URN":                      {[]string{"consentId", `"urn:uuid:` + consentID + `"`}, unknown, spelled, true},
		"in its digits":                 {[]string{"consentId", `"` + strings.ReplaceAll(consentID, "-", "") + `"`}, unknown, spelled, true},
		"an address that is a name":     {[]string{"psuIpAddress", `"localhost"`}, address, "PSU-IP-Address: must be an IP address, version 4 or 6", false},
		"an empty address":              {[]string{"psuIpAddress", `""`}, address, "PSU-IP-Address: must be an IP address, version 4 or 6", false},
		"an address of one machine":     {[]string{"psuIpAddress", `"fe80::1%eth0"`}, address, "PSU-IP-Address: must be an IP address, version 4 or 6", false},
		"a request id of another kind":  {[]string{"requestId", `"17"`}, `{"status":400,"code":"FORMAT_ERROR","path":"Header.X-Request-ID","text":"must be a UUID"}`, "X-Request-ID: must be a UUID", false},
		"an account without a name":     {[]string{"operation", `"balances"`, "account", `""`}, named, lettered, true},
		"an account with control signs": {[]string{"operation", `"balances"`, "account", `"r1\u0000"`}, named, lettered, true},
		"an account of endless length":  {[]string{"operation", `"balances"`, "account", strconv.Quote(strings.Repeat("a", 101))}, named, lettered, true},
		"an account that leads away":    {[]string{"operation", `"balances"`, "account", `"../r2"`}, named, lettered, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			a := w.send(t, http.MethodPost, checksPath, checkOf(c.members...), core())
			require.Equal(t, http.StatusOK, a.status, a.body)
			var got struct {
				Decision, Reason string
				Error            json.RawMessage
			}
			require.NoError(t, json.Unmarshal([]byte(a.body), &got))
			assert.Equal(t, "deny", got.Decision)
			assert.JSONEq(t, c.want, string(got.Error))
			assert.Equal(t, c.reason, got.Reason)
			assert.Equal(t, c.audit, len(w.ledger.refused) == 1)
			assert.Empty(t, w.decider.asked)
		})
	}
}

const noOperation = "operation: must be one of accounts, account, balances, transactions, transaction, cardAccounts, cardAccount, cardBalances, cardTransactions, trustedBeneficiaries"

// checkFaults is what is wrong with a check, by the check.
var checkFaults = map[string][]string{
	`{}`: {"consentId: is required", "tpp: is required", "operation: is required"},
	checkOf("consentId", "1", "tpp", "null", "operation", "[]"): {"consentId: must be a string", "tpp: must be a string", "operation: must be a string"},
	checkOf("tpp", "", "page", `"true"`, "requestId", "7"):      {"requestId: must be a string", "page: must be true or false", "tpp: is required"},
	checkOf("tpp", `" "`):                                                          {"tpp: must not be empty"},
	checkOf("tpp", `"a\u0000"`):                                                    {"tpp: must not hold control characters"},
	checkOf("operation", `"payments"`):                                             {noOperation},
	checkOf("operation", `"Accounts"`):                                             {noOperation},
	checkOf("operation", `"balances"`):                                             {"account: is required for this operation"},
	checkOf("operation", `"transaction"`):                                          {"account: is required for this operation"},
	checkOf("operation", `"account"`, "account", "null"):                           {"account: must be a string"},
	checkOf("account", `"r1"`):                                                     {"account: must not be there: the operation is of all accounts"},
	checkOf("operation", `"transaction"`, "account", `"r1"`, "resource", `"t"`):    {"resource: is not known here"},
	checkOf("psuIPAddress", `"192.0.2.7"`):                                         {"psuIPAddress: is not known here"},
	checkOf("list", "null"):                                                        {"list: must be a string"},
	checkOf("list", strconv.Quote(strings.Repeat("ü", 2001))):                      {"list: must not be longer than 2000 characters"},
	checkOf("operation", `"balances"`, "account", `"r1"`, "list", `""`):            {"list: must not be there: the operation has no pages"},
	checkOf("operation", `"transaction"`, "account", `"r1"`, "list", `"a"`):        {"list: must not be there: the operation has no pages"},
	checkOf("page", "null"):                                                        {"page: must be true or false"},
	`{"tpp":"a","tpp":"b","consentId":"x","operation":"accounts"}`:                 {"tpp: must not be there twice"},
	checkOf("accessToken", "17", "certificateThumbprint", "null"):                  {"accessToken: must be a string", "certificateThumbprint: must be a string"},
	checkOf("certificateThumbprint", `""`):                                         {noThumbprint},
	checkOf("certificateThumbprint", `"`+thumbprint+`="`):                          {noThumbprint},
	checkOf("certificateThumbprint", `"`+thumbprint[:42]+`"`):                      {noThumbprint},
	checkOf("certificateThumbprint", `"`+thumbprint[:42]+`v"`):                     {noThumbprint}, // the same octets, otherwise spelled
	checkOf("certificateThumbprint", `"`+thumbprint[:42]+`\n`+thumbprint[42:]+`"`): {noThumbprint},
	checkOf("certificateThumbprint", `"`+fingerprint+`"`):                          {noThumbprint},
	`["accounts"]`: {"body: must be a JSON object"},
}

func TestChecksThatAreWrong(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for body, want := range checkFaults {
		a := w.send(t, http.MethodPost, checksPath, body, core())
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, want, a.places(t), body)
		a = w.send(t, http.MethodPost, checksPath+"/batch", `{"checks":[`+checkOf()+`,`+body+`]}`, core())
		require.Equal(t, http.StatusBadRequest, a.status, body)
		var inBatch []string
		for _, place := range want {
			inBatch = append(inBatch, strings.Replace("checks[1]."+place, ".body:", ":", 1))
		}
		require.Equal(t, inBatch, a.places(t), "one that is wrong keeps the others from being decided: %s", body)
	}
	for body, want := range map[string]string{
		`{}`:                    "checks: is required",
		`{"checks":[]}`:         "checks: must be an array of 1 to 100 checks",
		`{"checks":null}`:       "checks: must be an array of 1 to 100 checks",
		`{"checks":{}}`:         "checks: must be an array of 1 to 100 checks",
		`{"checks":[null]}`:     "checks[0]: must be a JSON object",
		`{"check":[]}`:          "check: is not known here",
		`{"checks":[{}],"a":1}`: "a: is not known here",
		"{\"checks\":[\xff]}":   "body: must be UTF-8",
		`{"checks":[{}]`:        "body: must be one JSON object; it breaks at byte 14",
		`{"checks":[` + strings.Repeat(checkOf()+",", 100) + checkOf() + `]}`: "checks: must be an array of 1 to 100 checks",
	} {
		a := w.send(t, http.MethodPost, checksPath+"/batch", body, core())
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, want, a.places(t)[0], body)
	}
	a := w.send(t, http.MethodPost, checksPath+"?page=2", checkOf(), core())
	require.Equal(t, []string{"Query.page: is not known here"}, a.places(t))
	require.Empty(t, w.decider.asked)
	require.Empty(t, w.ledger.refused)
}

func TestAccessBatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.ledger.fails = errors.New("no paper")
	w.decider.decide = func(q access.Question) (access.Decision, error) {
		switch q.Account {
		case "r2":
			return access.Decision{}, denied(consent.CodeTooOften, "")
		case "r3":
			return access.Decision{}, errors.New("secret")
		default:
			return access.Decision{Question: q, Customer: "lea", Counted: true, Left: 3}, nil
		}
	}
	var checks []string
	for _, account := range []string{"r1", "r2", "r3", "r4"} {
		checks = append(checks, checkOf("operation", `"balances"`, "account", `"`+account+`"`))
	}
	checks = append(checks, checkOf("consentId", `"?"`))
	a := w.send(t, http.MethodPost, checksPath+"/batch", `{"checks":[`+strings.Join(checks, ",")+`]}`, core())
	require.Equal(t, http.StatusOK, a.status, a.body)
	allow := `{"decision":"allow","consentId":"` + consentID + `","tpp":"` + acme + `","operation":"balances","customer":"lea","ownerName":false,"accounts":[],"counted":true,"remaining":3}`
	require.JSONEq(t, `{"decisions":[`+allow+`,
		{"decision":"deny","reason":"known to the bank","error":{"status":429,"code":"ACCESS_EXCEEDED","text":"said to the TPP"}},
		{"decision":"deny","reason":"consentd has failed; its log says how","error":{"status":500}},`+allow+`,
		{"decision":"deny","reason":"`+spelled+`","error":{"status":400,"code":"CONSENT_UNKNOWN","path":"Header.Consent-ID","text":"is not known to this TPP"}}
	]}`, a.body)
	require.Len(t, w.decider.asked, 4)
	require.Len(t, w.ledger.refused, 2)
	require.Contains(t, w.log.String(), "a refusal could not be written down")

	full := `{"checks":[` + strings.Repeat(checkOf()+",", 99) + checkOf() + `]}`
	a = w.send(t, http.MethodPost, checksPath+"/batch", full, core())
	require.Equal(t, http.StatusOK, a.status)
	require.Len(t, w.decider.asked, 104)
}

// TestAccessOutlivesItsClient counts to the end what was begun, within bounds; of
// a batch, what was not begun is left.
func TestAccessOutlivesItsClient(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.decider.entered, w.decider.let, w.decider.decide = make(chan struct{}), make(chan struct{}), allowed
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	body := `{"checks":[` + checkOf() + `,` + checkOf() + `]}`
	go func() {
		defer close(done)
		w.serve(ctx, http.MethodPost, checksPath+"/batch", body)
	}()
	<-w.decider.entered
	hangUp()
	w.decider.let <- struct{}{}
	<-done
	require.Len(t, w.decider.asked, 1, "nobody waits for the second")
	deadline, bounded := w.decider.ctx.Deadline()
	require.True(t, bounded)
	require.Less(t, time.Until(deadline), time.Minute)
	require.NotContains(t, w.log.String(), "could not be decided", "the first was counted to its end")
}

func TestAccessRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for token, want := range map[string]int{"desk": 403, "page": 403, "board": 403, "nobody": 401} {
		for _, path := range []string{checksPath, checksPath + "/batch"} {
			a := w.send(t, http.MethodPost, path, checkOf(), with{"Authorization": "Bearer " + token})
			require.Equal(t, want, a.status, token)
		}
	}
	require.Equal(t, 415, w.send(t, http.MethodPost, checksPath, checkOf(), with{"Authorization": "Bearer core", "Content-Type": "text/plain"}).status)
	require.Equal(t, 413, w.send(t, http.MethodPost, checksPath, strings.Repeat(" ", 64<<10)+checkOf(), core()).status)
	a := w.send(t, http.MethodGet, checksPath, "", core())
	require.Equal(t, 405, a.status)
	require.Equal(t, "POST", a.header.Get("Allow"))
	require.Empty(t, w.decider.asked)
}

// TestAccessNotes tells an integrator why.
func TestAccessNotes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, notes := explain.Listen(t.Context())
	w.decider.decide = func(access.Question) (access.Decision, error) {
		return access.Decision{}, denied(consent.CodeTooOften, "")
	}
	w.serve(ctx, http.MethodPost, checksPath, checkOf())
	require.Contains(t, notes.Lines(), "denied: known to the bank → ACCESS_EXCEEDED")
	w.decider.decide = allowed
	w.serve(ctx, http.MethodPost, checksPath, checkOf())
	require.Contains(t, notes.Lines(), "access check accounts: allowed, 2 accounts")
}
