package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"consentd/internal/service"
	"consentd/pkg/manager"
)

const (
	// managed is the database of the bank whose lists are measured.
	managed = "managed"
	// managedConsents is how many it has, of so many customers.
	managedConsents  = 100_000
	managedCustomers = 40_000
)

// openBank starts a server that serves the Consent Manager API of a bank that has no
// consents yet. What it returns besides ends all.
func (b *bench) openBank(ctx context.Context) (_ *bank, stop func() error, err error) {
	var ends []func() error
	stop = func() error {
		var all error
		for _, end := range slices.Backward(ends) {
			all = errors.Join(all, end())
		}
		return all
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	k := &bank{server: b.managing, tokens: map[service.Role]string{}}
	if _, err := b.db.ExecContext(ctx, "CREATE DATABASE "+managed); err != nil {
		return nil, nil, err
	}
	if err := b.migrate(ctx, b.managing); err != nil {
		return nil, nil, err
	}
	if k.db, err = sql.Open("pgx", b.managedDSN); err != nil {
		return nil, nil, err
	}
	ends = append(ends, k.db.Close)
	for _, role := range []service.Role{service.Hub, service.BackOffice} {
		if k.tokens[role], err = b.newToken(ctx, b.managing, string(role)); err != nil {
			return nil, nil, err
		}
	}
	systems := &http.Server{Addr: b.managing.aspsp, Handler: customersAlone(), ReadHeaderTimeout: startTimeout}
	go systems.ListenAndServe() //nolint:errcheck // the lists of a user say it
	ends = append(ends, systems.Close)
	server, err := b.startServer(ctx, b.managing)
	if err != nil {
		return nil, nil, err
	}
	ends = append(ends, server.stop)
	return k, stop, nil
}

// customersAlone are the systems of a bank each of whose PSUs acts for one customer, of
// the same id, with which those of the accounts begin.
func customersAlone() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /psus/{psu}/customers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"customers": []map[string]string{{"customer": r.PathValue("psu"), "name": "A customer"}}})
	})
	mux.HandleFunc("GET /accounts/{account}/owners", func(w http.ResponseWriter, r *http.Request) {
		owner, _, _ := strings.Cut(r.PathValue("account"), "-")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"owners": []string{owner}})
	})
	return mux
}

// known is what lists are asked by. The instants are in milliseconds.
type known struct {
	user, customer, account, group string
	ofLate, longAgo                int64
	from, to                       string
}

// week is the path of those that were made between two instants.
func (n *known) week() string {
	return "/consents?" + url.Values{"createdFrom": {n.from}, "createdTo": {n.to}}.Encode()
}

// thatWeek is the condition that a consent was made between them.
func (n *known) thatWeek() string {
	return "created_at >= '" + n.from + "' AND created_at < '" + n.to + "'"
}

// fill makes one consent of each kind by the interfaces, and copies of them by SQL.
func (k *bank) fill(ctx context.Context) (*known, error) {
	shared, err := k.stage(ctx, dataSharing)
	if err != nil {
		return nil, err
	}
	paying, err := k.stage(ctx, payments)
	if err != nil {
		return nil, err
	}
	born, err := create(ctx, k.server)
	if err != nil {
		return nil, err
	}
	if err := k.pay(ctx, paying); err != nil {
		return nil, err
	}
	if err := k.copy(ctx, shared, paying, born); err != nil {
		return nil, err
	}
	return k.choose(ctx)
}

// The requests of a hub, each with the end of the consent as its parameter.
const (
	dataSharing = `{"type": "urn:openfinanceuae:account-access-consent:v2.1", "tpp": {"tppId": "T0", "tppName": "Budget App"},
 "consent": {"ConsentId": "shared", "Permissions": ["ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic", "ReadTransactionsDetail"],
  "OpenFinanceBilling": {"UserType": "Retail", "Purpose": "BudgetingAnalysis"}, "OnBehalfOf": {"TradingName": "Budget App"},
  "ExpirationDateTime": "%[1]s"},
 "subscription": {"Webhook": {"Url": "https://tpp.example/hook", "IsActive": true}}}`
	payments = `{"type": "urn:openfinanceuae:service-initiation-consent:v2.1", "tpp": {"tppId": "T0", "tppName": "Budget App"},
 "consent": {"ConsentId": "paying", "IsSingleAuthorization": true, "ExpirationDateTime": "%[1]s", "AuthorizationExpirationDateTime": "%[1]s",
  "Permissions": ["ReadAccountsBasic", "ReadRefundAccount"], "PersonalIdentifiableInformation": "eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d",
  "PaymentPurposeCode": "ACM", "DebtorReference": "Wallet", "CreditorReference": "Rent",
  "ControlParameters": {"IsDelegatedAuthentication": false, "ConsentSchedule": {"MultiPayment": {
   "MaximumCumulativeValueOfPayments": {"Amount": "1000.00", "Currency": "AED"}, "MaximumCumulativeNumberOfPayments": 50,
   "PeriodicSchedule": {"Type": "VariableOnDemand", "PeriodType": "Month", "PeriodStartDate": "%[2]s",
    "Controls": {"MaximumIndividualAmount": {"Amount": "200.00", "Currency": "AED"}}}}}}}}`
	payment = `{"consentId": "%[1]s", "idempotencyKey": "first", "requestBody": {"Data": {"ConsentId": "paying",
 "Instruction": {"Amount": {"Amount": "10.00", "Currency": "AED"}}, "PersonalIdentifiableInformation": "eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d",
 "PaymentPurposeCode": "ACM", "CreditorReference": "Rent"}}}`
)

// stage has the hub stage a consent, and returns its id.
func (k *bank) stage(ctx context.Context, request string) (string, error) {
	now := time.Now().UTC()
	body := fmt.Sprintf(request, now.AddDate(0, 10, 0).Format(time.RFC3339), now.AddDate(0, 0, -now.Day()+1).Format(time.DateOnly))
	var staged manager.One[struct {
		ID string `json:"id"`
	}]
	err := k.call(ctx, call{service.Hub, http.MethodPost, "/consents", strings.NewReader(body), http.StatusCreated}, &staged)
	return staged.Data.ID, err
}

// pay puts a consent in force and has the hub record a payment by it.
func (k *bank) pay(ctx context.Context, id string) error {
	const inForce = `WITH c AS (INSERT INTO customers (id, bank_id, created_at) VALUES (gen_random_uuid(), 'C0', now()) RETURNING id),
 p AS (INSERT INTO psus (id, bank_id, created_at) VALUES (gen_random_uuid(), 'C0', now()) RETURNING id)
 UPDATE consents SET status = 'valid', due_at = ends_at, customer_id = (SELECT id FROM c), given_by = (SELECT id FROM p) WHERE id = $1::text::uuid`
	if _, err := k.db.ExecContext(ctx, inForce, id); err != nil {
		return err
	}
	body := strings.NewReader(fmt.Sprintf(payment, id))
	return k.call(ctx, call{service.Hub, http.MethodPost, "/payment-log", body, http.StatusCreated}, nil)
}

// choose picks what lists are asked by: a user with a group of three consents.
func (k *bank) choose(ctx context.Context) (*known, error) {
	var n known
	var psu string
	err := k.db.QueryRowContext(ctx, `SELECT root::text, min(customer::text), min(psu_name), min(psu_name) || '-1' FROM bench_rows
 GROUP BY root HAVING count(customer) = 3 ORDER BY root LIMIT 1`).Scan(&n.group, &n.customer, &psu, &n.account)
	if err != nil {
		return nil, fmt.Errorf("a user with a group: %w", err)
	}
	for into, after := range map[*int64]int{&n.ofLate: 300, &n.longAgo: managedConsents - 1000} {
		err := k.db.QueryRowContext(ctx, `SELECT floor(extract(epoch FROM greatest(status_changed_at, updated_at)) * 1000)::bigint
 FROM consents ORDER BY greatest(status_changed_at, updated_at) DESC OFFSET $1 LIMIT 1`, after).Scan(into)
		if err != nil {
			return nil, fmt.Errorf("an instant of a change: %w", err)
		}
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	n.from, n.to = day.AddDate(0, 0, -17).Format(time.RFC3339), day.AddDate(0, 0, -10).Format(time.RFC3339)
	var user manager.One[manager.PSU]
	err = k.get(ctx, service.Hub, "/users?psu="+psu, &user)
	n.user = user.Data.UserID
	return &n, err
}
