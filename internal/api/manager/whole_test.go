package manager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
	"consentd/internal/service/staging"
	"consentd/test/dbtest"
	"consentd/test/pgtest"
)

// toyBank is one in which everybody has an account of their own.
type toyBank struct{ service.Accounts }

func (toyBank) Customers(_ context.Context, psu string) ([]service.Customer, error) {
	if psu == "omar" || psu == "anna" {
		return []service.Customer{{ID: psu}}, nil
	}
	return nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU)
}

func (toyBank) Signers(_ context.Context, customer string) ([]string, error) {
	return []string{customer}, nil
}

func (toyBank) List(_ context.Context, customer string) ([]service.Account, error) {
	return []service.Account{{ID: customer + "-1", Reference: consent.Reference{IBAN: iban}, Owner: customer}}, nil
}

func (toyBank) Owners(_ context.Context, account string) ([]string, error) {
	owner, _ := strings.CutSuffix(account, "-1")
	return []string{owner}, nil
}

// whole is the interface over the use cases themselves, on SQLite.
func whole(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	db, _ := dbtest.Open(t, pgtest.SQLite, w.handler.Now)
	expires := consents.Consents{Store: db, Now: w.handler.Now}
	w.handler.Staging = &staging.Staging{
		Expire: expires.Expire,
		Store:  db, Lists: db, Uses: db, Identities: db, Sights: db, Accounts: toyBank{}, Owners: toyBank{}, Signers: toyBank{}, Policy: consent.DefaultPolicy(), Now: w.handler.Now,
	}
	w.handler.Payments = &payments.Payments{Store: db, Zone: time.UTC, Now: w.handler.Now}
	w.handler.Office = &office.Office{Store: db, Signers: toyBank{}, Owners: toyBank{}, Now: w.handler.Now, Log: slog.New(slog.DiscardHandler)}
	return w
}

// The life of a consent with all that is behind the interface: nothing is lost on the
// way through the store, and whoever is not its user sees nothing of it.
func TestWholeLife(t *testing.T) {
	t.Parallel()
	w := whole(t)
	users := map[string]string{}
	for _, psu := range []string{"omar", "anna"} {
		users[psu], _ = w.call("hub GET /users?psu="+psu, "").object(t, "data", "userId").(string)
	}
	require.Equal(t, "Consent.InvalidUserIdentifier", w.call("hub GET /users?psu=nobody", "").object(t, "errorCode"))
	made := w.call("hub POST /consents", paymentRequest(multi))
	require.Equal(t, 201, made.status, string(made.body))
	require.Empty(t, w.call("hub GET /psu/"+users["omar"]+"/consents", "").rows(t, "id"), "it is nobody's yet")
	tick := func() { w.now = w.now.Add(time.Minute) }

	tick()
	foreign := w.call("hub PATCH /consents/rent", authorized(users["omar"], "anna-1"))
	require.Equal(t, "Consent.InvalidUserIdentifier", foreign.object(t, "errorCode"), string(foreign.body))
	require.Equal(t, 204, w.call("hub PATCH /consents/rent", replaced(authorized(users["omar"], "omar-1"), "{", `{"ConnectToken":"s3cret","consentBody.Data.Charges":[],`)).status)
	first := w.call("hub POST /payment-log", payment("rent", "k1", "120.05"))
	require.Equal(t, 201, first.status, string(first.body))
	require.Equal(t, 200, w.call("hub POST /payment-log", payment("rent", "k1", "120.05")).status)
	tick()
	id, _ := first.object(t, "data", "paymentId").(string)
	through := `{"paymentResponse.status":"AcceptedWithoutPosting","paymentResponse.paymentTransactionId":"T1"}`
	require.Equal(t, 204, w.call("hub PATCH /payment-log/"+id, through).status)
	require.Equal(t, 204, w.call("hub PATCH /payment-log/"+id, through).status)

	mine := w.call("dashboard GET /psu/"+users["omar"]+"/consents", "", "X-User-Id", users["omar"])
	require.Len(t, mine.rows(t, "id"), 1)
	one := w.call("dashboard GET /consents/rent", "", "X-User-Id", users["omar"])
	require.Equal(t, "Authorized", one.object(t, "data", "status"))
	require.Equal(t, []any{"omar-1"}, one.object(t, "data", "accountIds"))
	require.Equal(t, users["omar"], one.object(t, "data", "psuIdentifiers", "userId"))
	require.Equal(t, "120.05", one.object(t, "data", "consentBody", "Data", "PaymentConsumption", "CumulativeValueOfPayments", "Amount"))
	require.NotNil(t, one.object(t, "data", "consentUsage", "lastServiceInitiationAttempt"))
	require.NotContains(t, string(one.body), iban)
	require.NotContains(t, string(one.body), "s3cret")
	require.Empty(t, w.call("dashboard GET /consents", "", "X-User-Id", users["anna"]).rows(t, "id"))
	require.Equal(t, 400, w.call("dashboard GET /consents/rent", "", "X-User-Id", users["anna"]).status)
	require.Len(t, w.call("hub GET /accounts/omar-1/consents?status=Authorised", "").rows(t, "id"), 1)
	updated, _ := one.object(t, "data", "updatedAt").(float64)
	require.Empty(t, w.call(fmt.Sprintf("hub GET /consents?updatedAt=%.0f", updated), "").rows(t, "id"))
	require.Len(t, w.call(fmt.Sprintf("hub GET /consents?updatedAt=%.0f", updated-1), "").rows(t, "id"), 1)

	tick()
	require.Equal(t, 204, w.call("back-office PATCH /consents/rent", `{"status":"Suspended","reason":"identityExpired","note":"passport"}`).status)
	require.Equal(t, "Consent.FailsControlParameters", w.call("hub POST /payment-log", payment("rent", "k2", "1.00")).object(t, "errorCode"))
	tick()
	require.Equal(t, 204, w.call("dashboard POST /consents/rent/action/revoke", `{"revokedBy":"LFI.InitiatedByUser"}`, "X-User-Id", users["omar"]).status)
	w.now = w.now.AddDate(2, 0, 0)
	ended := w.call("back-office GET /consents/rent", "")
	require.Equal(t, "LFI.InitiatedByUser", ended.object(t, "data", "consentBody", "Data", "RevokedBy"))
	request := func(a answer) string {
		var whole struct {
			Data map[string]json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal(a.body, &whole))
		return string(whole.Data["request"])
	}
	require.Equal(t, request(made), request(ended))
	audit := w.call("back-office GET /consents/rent/audit", "")
	require.Equal(t, []string{"AwaitingAuthorization", "Authorized", "Suspended", "Revoked"}, moves(t, audit))
	require.Contains(t, string(audit.body), "passport")
	require.NotContains(t, string(w.call("dashboard GET /consents/rent/audit", "", "X-User-Id", users["omar"]).body), "passport")
}

// moves are the states that the rows of an audit lead to.
func moves(t *testing.T, audit answer) (all []string) {
	t.Helper()
	for _, row := range audit.rows(t, "patch") {
		var c struct{ From, Status string }
		require.NoError(t, json.Unmarshal([]byte(row), &c))
		if c.From != c.Status {
			all = append(all, c.Status)
		}
	}
	return all
}
