package manager_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/office"
)

// The back office suspends, resumes and ends, with a reason, and its note goes along.
func TestStaffActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	w.call("hub PATCH /consents/budget-1", authorized(omar, "r1"))
	id := w.staging.all[0].ID
	status := func() any { return w.call("hub GET /consents/budget-1", "").object(t, "data", "status") }
	for _, c := range []struct {
		call, body, status string
		want               office.Act
	}{
		{"PATCH /consents/budget-1", `{"status":"Suspended","reason":"identityExpired","note":"passport"}`, "Suspended", office.Act{Verb: office.Suspend, Reason: consent.ReasonIdentity, Note: "passport"}},
		{"PATCH /consents/budget-1", `{"consentBody":{"Data":{"Status":"authorised"}},"authorizationChannel":"Web"}`, "Authorized", office.Act{Verb: office.Resume}},
		{"POST /consents/budget-1/action/revoke", `{"revokedBy":"LFI","reason":"legal"}`, "Revoked", office.Act{Verb: office.Revoke, Reason: consent.ReasonLegal}},
	} {
		require.Equal(t, 204, w.call("back-office "+c.call, c.body).status)
		c.want.Consents = []uuid.UUID{id}
		require.Equal(t, c.want, w.office.acts[len(w.office.acts)-1])
		require.Equal(t, c.status, status())
		require.Equal(t, 204, w.call("back-office "+c.call, c.body).status, "the same again")
	}
	require.Len(t, w.office.acts, 3, "what is so already is not done again")
	require.Equal(t, "App", w.call("hub GET /consents/budget-1", "").object(t, "data", "authorizationChannel"), "the channel is the customer's")
	for body, says := range map[string]string{
		`{}`: "status is required", `{"status":"Rejected"}`: "Suspended, Authorized or Revoked", `{"status":"Suspended","reason":"mood"}`: "reason",
		`{"status":"Suspended","accountIds":["x"]}`: "accountIds is not known", `{"status":"Revoked","consentBody.Data.RevokedBy":"TPP"}`: "RevokedBy",
	} {
		got := w.call("back-office PATCH /consents/budget-1", body)
		require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"), body)
		require.Contains(t, got.object(t, "errorMessage"), says)
	}
	ended := w.call("back-office PATCH /consents/budget-1", `{"status":"Suspended"}`)
	require.Equal(t, "Consent.BusinessRuleViolation", ended.object(t, "errorCode"))
}

func TestStaffActsOnMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"budget-1", "budget-2"} {
		w.call("hub POST /consents", replaced(dataRequest, "budget-1", id))
	}
	ids := []uuid.UUID{w.staging.all[0].ID, w.staging.all[1].ID}
	for _, c := range []struct {
		verb, body string
		want       office.Act
	}{
		{"suspend", `{"reason":"tppIncident","tppId":"budget","note":"leak"}`, office.Act{Verb: office.Suspend, TPP: "budget", Reason: consent.ReasonTPPTrouble, Note: "leak"}},
		{"resume", `{"accountId":"r1"}`, office.Act{Verb: office.Resume, Account: "r1"}},
		{"revoke", `{"reason":"legal","consentIds":["budget-1","` + ids[1].String() + `","budget-1"]}`, office.Act{Verb: office.Revoke, Consents: ids, Reason: consent.ReasonLegal}},
	} {
		got := w.call("back-office POST /consents/action/"+c.verb, c.body)
		require.Equal(t, 200, got.status, string(got.body))
		require.Equal(t, c.want, w.office.acts[len(w.office.acts)-1])
		require.NotZero(t, got.object(t, "data", "count"))
	}
	for body, says := range map[string]string{
		`{"tppId":"budget"}`: "reason is required", `{"reason":"legal"}`: "one of consentIds", `{"reason":"legal","tppId":"a","accountId":"b"}`: "one of consentIds",
		`{"reason":"legal","consentIds":[]}`: "consentIds",
	} {
		got := w.call("back-office POST /consents/action/revoke", body)
		require.Equal(t, "Body.InvalidFormat", got.object(t, "errorCode"), body)
		require.Contains(t, got.object(t, "errorMessage"), says)
	}
	unknown := w.call("back-office POST /consents/action/revoke", `{"reason":"legal","consentIds":["none"]}`)
	require.Equal(t, "Consent.Invalid", unknown.object(t, "errorCode"))
}

// With four eyes an act names a person, and waits for another one, who decides on the
// pages.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.office.four = true
	w.call("hub POST /consents", dataRequest)
	mia, sam := []string{"X-Staff", "mia"}, []string{"X-Staff", "sam"}
	for call, body := range map[string]string{
		"POST /consents/action/revoke":                         `{"reason":"legal","tppId":"budget"}`,
		"POST /consents/budget-1/action/revoke":                `{}`,
		"PATCH /consents/budget-1":                             `{"status":"Revoked"}`,
		"POST /consent-groups/budget-1/consents/action/revoke": `{"revokedBy":"LFI"}`,
	} {
		nobody := w.call("back-office "+call, body)
		require.Equal(t, "Resource.InvalidFormat", nobody.object(t, "errorCode"), call)
		require.Contains(t, nobody.object(t, "errorMessage"), "Header.X-Staff is required", call)
		got := w.call("back-office "+call, body, mia...)
		require.Equal(t, 202, got.status, call)
		require.NotEmpty(t, got.object(t, "data", "approvalId"))
	}
	open := w.call("back-office GET /approvals", "")
	ids := open.rows(t, "approvalId")
	require.Len(t, ids, 4)
	require.Equal(t, []string{"staff/mia", "staff/mia", "staff/mia", "staff/mia"}, open.rows(t, "proposedBy"))
	require.Equal(t, "by token/back-office", open.rows(t, "note")[0])
	for _, action := range []string{"confirm", "refuse"} {
		for _, who := range [][]string{nil, mia, sam} {
			pages := w.call("back-office POST /approvals/"+ids[0]+"/action/"+action, "", who...)
			require.Equal(t, 403, pages.status, action)
			require.Equal(t, "AccessToken.InvalidScope", pages.object(t, "errorCode"))
			require.Contains(t, pages.object(t, "errorMessage"), "on the pages")
		}
	}
	for _, who := range [][]string{nil, sam} {
		other := w.call("back-office POST /approvals/"+ids[0]+"/action/withdraw", "", who...)
		require.Equal(t, "Consent.BusinessRuleViolation", other.object(t, "errorCode"))
		require.Contains(t, other.object(t, "errorMessage"), "only who has proposed it")
	}
	done := w.call("back-office POST /approvals/"+ids[0]+"/action/withdraw", "", mia...)
	require.Equal(t, "withdrawn", done.object(t, "data", "state"))
	require.Equal(t, "POST /approvals/"+ids[0]+"/action/withdraw by token/back-office", w.office.looked[len(w.office.looked)-1])
	require.Equal(t, 404, w.call("back-office POST /approvals/"+ids[0]+"/action/eat", "").status)
	for _, id := range []string{"x", uuid.NewString()} {
		require.Equal(t, "Consent.Invalid", w.call("back-office POST /approvals/"+id+"/action/withdraw", "").object(t, "errorCode"))
	}
}

// The back office says for whom it calls: then that is who has looked and acted, and by
// which credential. Of others the header is not read.
func TestStaffIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	w.call("hub PATCH /consents/budget-1", authorized(omar, "r1"), "X-Staff", "mia")
	require.Equal(t, "token/hub", w.staging.causes[len(w.staging.causes)-1].Who)
	require.Equal(t, 200, w.call("back-office GET /consents/budget-1", "", "X-Staff", "mia").status)
	require.Equal(t, "staff/mia", w.office.causes[0].Who)
	require.Equal(t, "GET /consents/budget-1 by token/back-office", w.office.looked[0])
	require.Equal(t, 204, w.call("back-office PATCH /consents/budget-1", `{"status":"Suspended","note":"call 4711"}`, "X-Staff", "mia").status)
	require.Equal(t, "call 4711; by token/back-office", w.office.acts[0].Note)
	require.Equal(t, "staff/mia", w.office.causes[1].Who)
	for _, name := range []string{"", " ", "a b", "é", strings.Repeat("x", 256)} {
		got := w.call("back-office GET /consents/budget-1", "", "X-Staff", name)
		require.Equal(t, "Resource.InvalidFormat", got.object(t, "errorCode"), name)
		require.Contains(t, got.object(t, "errorMessage"), "Header.X-Staff", name)
	}
	require.Equal(t, 200, w.call("back-office GET /consents/budget-1", "", "X-Staff", strings.Repeat("x", 255)).status)
	long := strings.Repeat("n", 401)
	require.Contains(t, w.call("back-office PATCH /consents/budget-1", `{"status":"Revoked","note":"`+long+`"}`).object(t, "errorMessage"), "400 characters")
}

// A group is ended as a whole, by whoever may.
func TestGroup(t *testing.T) {
	t.Parallel()
	for role, body := range map[string]string{"hub": `{"revokedBy":"TPP"}`, "back-office": `{"revokedBy":"LFI","reason":"legal"}`} {
		w := newWorld(t)
		w.call("hub POST /consents", dataRequest)
		w.call("hub POST /consents", replaced(dataRequest, `"ConsentId":"budget-1"`, `"ConsentId":"budget-2","BaseConsentId":"budget-1"`))
		renewed := w.call("hub GET /consents/budget-2", "")
		require.Equal(t, "budget-1", renewed.object(t, "data", "consentGroupId"))
		require.Equal(t, "budget-1", renewed.object(t, "data", "consentBody", "Data", "BaseConsentId"))
		require.Equal(t, 204, w.call(role+" POST /consent-groups/budget-1/consents/action/revoke", body).status)
		for _, r := range w.staging.all {
			require.Equal(t, consent.Revoked, r.Status, role)
		}
		require.Equal(t, 204, w.call(role+" POST /consent-groups/budget-1/consents/action/revoke", body).status, "once more")
		unknown := w.call(role+" POST /consent-groups/none/consents/action/revoke", body)
		require.Equal(t, "Consent.Invalid", unknown.object(t, "errorCode"), role)
	}
}

// What the back office looks at is written down before it sees it, and else it sees
// nothing.
func TestLooksAreWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	calls := map[string]string{
		"/consents?status=Revoked": "GET /consents?status=Revoked", "/consents/budget-1": "GET /consents/budget-1",
		"/consents/budget-1/audit": "GET /consents/budget-1/audit", "/consent-groups/budget-1/consents": "GET /consent-groups/budget-1/consents",
		"/psu/" + omar + "/consents": "GET /psu/" + omar + "/consents", "/consents?userId=" + omar + "&tppId=a%20b": "GET /consents?tppId=a+b&userId=" + omar,
		"/payment-log?consentId=budget-1": "GET /payment-log?consentId=budget-1", "/approvals": "GET /approvals", "/users?psu=omar": "GET /users " + omar,
	}
	for path, want := range calls {
		require.Equal(t, 200, w.call("back-office GET "+path, "").status, path)
		require.Equal(t, want, w.office.looked[len(w.office.looked)-1])
	}
	require.Len(t, w.office.looked, len(calls))
	w.call("hub GET /consents", "")
	require.Len(t, w.office.looked, len(calls), "the hub is no person")
	w.office.failed = errors.New("the disk is full")
	for path := range calls {
		got := w.call("back-office GET "+path, "")
		require.Equal(t, 500, got.status, path)
		require.NotContains(t, string(got.body), "disk")
	}
}

// So are acts, before they are tried: whoever is refused has learned something, too.
func TestActsAreLooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call("hub POST /consents", dataRequest)
	id := w.staging.all[0].ID.String()
	calls := []struct{ call, body, want string }{
		{"PATCH /consents/budget-1", `{"status":"Suspended"}`, "PATCH /consents/budget-1"},
		{"PATCH /consents/none", `{"status":"Suspended"}`, "PATCH /consents/none"},
		{"POST /consents/none/action/revoke", `{}`, "POST /consents/none/action/revoke"},
		{"POST /consent-groups/none/consents/action/revoke", `{}`, "POST /consent-groups/none/consents/action/revoke"},
		{"POST /consents/action/revoke", `{"reason":"legal","consentIds":["` + id + `","a b"]}`, "POST /consents/action/revoke consentId=" + id + "&consentId=a+b"},
		{"POST /consents/action/suspend", `{"reason":"legal","tppId":"budget"}`, "POST /consents/action/suspend tppId=budget"},
		{"POST /approvals/" + id + "/action/withdraw", "", "POST /approvals/" + id + "/action/withdraw"},
		{"GET /users?psu=nobody", "", ""},
	}
	for i, c := range calls {
		w.call("back-office "+c.call, c.body)
		require.Len(t, w.office.looked, i+1, c.call)
		if c.want != "" {
			require.Equal(t, c.want, w.office.looked[i])
		}
	}
	require.Regexp(t, `^GET /users ~[0-9a-f]{16}$`, w.office.looked[len(calls)-1])
	acts := len(w.office.acts)
	w.office.failed = errors.New("the disk is full")
	for _, c := range calls {
		require.Equal(t, 500, w.call("back-office "+c.call, c.body).status, c.call)
	}
	require.Len(t, w.office.acts, acts, "nothing is done that is not written down")
}

// What is typed to name users and accounts, or looks like an account, is written down
// as a digest, which tells whether it was the same.
func TestLooksKeepNoNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	look := func(call, body string) string {
		w.call("back-office "+call, body)
		said := w.office.looked[len(w.office.looked)-1]
		require.NotContains(t, said, iban)
		require.NotContains(t, said, "mario")
		require.Regexp(t, `~[0-9a-f]{16}`, said, call)
		return said[strings.Index(said, "~")+1:][:16]
	}
	one := look("GET /consents?accountId="+iban, "")
	for _, call := range []string{"GET /accounts/" + iban + "/consents", "GET /consents/" + iban, "GET /payment-log?consentId=" + iban, "GET /consents?tppId=" + iban, "GET /psu/" + iban + "/consents"} {
		require.Equal(t, one, look(call, ""), call)
	}
	require.Equal(t, one, look("POST /consents/action/suspend", `{"reason":"legal","accountId":"`+iban+`"}`))
	require.Equal(t, one, look("POST /consents/action/suspend", `{"reason":"legal","consentIds":["`+iban+`"]}`))
	require.NotEqual(t, one, look("GET /consents?userId=mario.rossi", ""))
	require.NotEqual(t, one, look("GET /accounts/r1/consents", ""), "an account of the bank's may be called anything")
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, omar, w.call("hub GET /users?psu=omar", "").object(t, "data", "userId"))
	unknown := w.call("hub GET /users?psu=nobody", "")
	require.Equal(t, "Consent.InvalidUserIdentifier", unknown.object(t, "errorCode"))
	require.Equal(t, "Resource.InvalidFormat", w.call("hub GET /users", "").object(t, "errorCode"))
}
