package manager

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
	"consentd/test/contract"
)

var made = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func projector() *Handler {
	return &Handler{Zone: time.UTC, Now: func() time.Time { return made.Add(time.Hour) }}
}

// born is a consent that a TPP has asked of the bank itself.
func born(rail consent.Rail, access consent.Access) *staging.Record {
	id := uuid.MustParse("019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e")
	return &staging.Record{Consent: &consent.Consent{
		ID: id, GroupID: id, Kind: consent.AccountAccess, Rail: rail, TPP: "DE-BAFIN:PSDDE-1", TPPName: "Acme", Status: consent.Received,
		StatusChangedAt: made, CreatedAt: made, Access: access, Recurring: true, FrequencyPerDay: 4,
		ValidUntil: consent.Date{Year: 2026, Month: time.December, Day: 31}, EndsAt: time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC), AuthoriseBy: made.Add(time.Hour),
	}, GroupRef: id.String()}
}

// valid writes a consent and holds it against the official description.
func valid(t require.TestingT, r *staging.Record) (wire.Consent, []byte) {
	w, err := projector().project(r)
	require.NoError(t, err)
	document, err := w.AppendJSON(nil)
	require.NoError(t, err)
	require.NoError(t, contract.Document("consent", document), string(document))
	var data wire.Data
	require.NoError(t, json.Unmarshal(w.Body.Data, &data))
	require.Equal(t, w.Status, data.Status)
	return w, document
}

// A Berlin Group consent, to the member.
func TestBornConsent(t *testing.T) {
	t.Parallel()
	r := born(consent.RailXS2A, consent.Access{Scope: consent.ScopeDedicated, Asked: []consent.Asked{
		{Reference: consent.Reference{IBAN: "DE40100100103307118608"}, Rights: consent.RightAccounts},
		{Reference: consent.Reference{IBAN: "DE02100100109307118603"}, Rights: consent.RightBalances},
	}})
	r.User, r.Accounts = "019a9c34-0000-7b52-8f3c-2d5b6a7c8d01", []string{"r1", "r2"}
	_, document := valid(t, r)
	const asked = `"ConsentId":"019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e","ExpirationDateTime":"2026-12-31T23:59:59Z",` +
		`"OpenFinanceBilling":{"Purpose":"AccountAggregation","UserType":"Retail"},"Permissions":["ReadAccountsBasic","ReadAccountsDetail","ReadBalances"]`
	require.JSONEq(t, `{"id":"019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e","rarType":"urn:openfinanceuae:account-access-consent:v2.1","standardVersion":"v2.1",
 "consentGroupId":"019a9c34-7d1e-7b52-8f3c-2d5b6a7c8d9e","consentType":"cbuae-account-access-consents","status":"AwaitingAuthorization","requestHeaders":{},
 "consentBody":{"Data":{`+asked+`,"CreationDateTime":"2026-03-01T12:00:00Z","Status":"AwaitingAuthorization"}},
 "tpp":{"clientId":"`+derived("client", r.TPP)+`","orgId":"`+derived("organisation", r.TPP)+`","softwareStatementId":"`+derived("software", r.TPP)+`",
  "tppId":"DE-BAFIN:PSDDE-1","tppName":"Acme","decodedSsa":{"client_name":"Acme","client_id":"`+derived("client", r.TPP)+`","organisation_id":"`+derived("organisation", r.TPP)+`"}},
 "updatedAt":1772366400000,"psuIdentifiers":{"userId":"019a9c34-0000-7b52-8f3c-2d5b6a7c8d01"},"accountIds":["r1","r2"],
 "supplementaryInformation":{"frequencyPerDay":4,"perAccountScope":true,"recurringIndicator":true},"authorizationChannel":"Web",
 "request":{"consent":{`+asked+`},"type":"urn:openfinanceuae:account-access-consent:v2.1"}}`, string(document))
	require.NotContains(t, string(document), "DE40100100103307118608")
}

// The ids that are made up of a TPP's have the form of the standard, and are its own.
func TestDerivedIDs(t *testing.T) {
	t.Parallel()
	require.Regexp(t, uuidForm, derived("client", "a"))
	require.Equal(t, "43987216-31ea-45e2-a3d3-e9d4682adcb9", derived("client", "a"))
	require.NotEqual(t, derived("client", "a"), derived("client", "b"))
	require.NotEqual(t, derived("client", "a"), derived("organisation", "a"))
}

// What other dialects call their access, in permissions.
func TestPermissions(t *testing.T) {
	t.Parallel()
	const accounts, balances, transactions = "ReadAccountsBasic ReadAccountsDetail", "ReadBalances", "ReadTransactionsBasic ReadTransactionsDetail"
	for want, access := range map[string]consent.Access{
		"[" + accounts + "]":                                            {Rights: consent.RightAccounts},
		"[" + accounts + " " + balances + "]":                           {Rights: consent.RightBalances},
		"[" + accounts + " " + transactions + " ReadParty]":             {Rights: consent.RightTransactions | consent.RightOwnerName},
		"[ReadBeneficiariesDetail ReadPartyUser]":                       {Rights: consent.RightTrustedBeneficiaries | consent.RightIdentity},
		"[ReadAccountsBasic]":                                           {Scope: consent.ScopeAvailable, Rights: consent.RightAccounts},
		"[ReadAccountsBasic ReadBalances ReadParty]":                    {Scope: consent.ScopeAvailableBalances, OwnerName: true},
		"[" + accounts + " " + balances + " " + transactions + "]":      {Scope: consent.ScopeAllPSD2},
		"[ReadAccountsBasic ReadAccountsDetail ReadBalances ReadParty]": {Rights: consent.RightBalances, OwnerName: true},
	} {
		require.Equal(t, want, fmt.Sprint(askedFor(born(consent.RailXS2A, access).Consent)))
	}
	require.Equal(t, []string{"ReadAccountsBasic"}, permissionsOf(consent.RightLongHistory))
	r := born(consent.RailSTET, consent.Access{Scope: consent.ScopeDedicated, Grants: []consent.Grant{
		{Rights: consent.RightAccounts | consent.RightBalances}, {Rights: consent.RightAccounts},
	}})
	require.Equal(t, []string{"ReadAccountsBasic", "ReadAccountsDetail", "ReadBalances"}, granted(r), "the union")
	require.True(t, perAccount(r.Consent))
	w, _ := valid(t, r)
	require.Contains(t, string(w.Request), "2027-01-01T00:00:00Z", "a STET consent ends with no day")
}

// Several who must agree are shown, by what they have said last.
func TestSigners(t *testing.T) {
	t.Parallel()
	r := born(consent.RailXS2A, consent.Access{Scope: consent.ScopeAllPSD2})
	one, two := uuid.New(), uuid.New()
	r.Status = consent.PartiallyAuthorised
	r.Authorisations = []consent.Authorisation{
		{PSU: one, Status: consent.ScaFailed, ChangedAt: made}, {PSU: one, Status: consent.ScaFinalised, ChangedAt: made}, {PSU: two, Status: consent.ScaReceived, ChangedAt: made}, {},
	}
	w, _ := valid(t, r)
	require.JSONEq(t, `{"MultipleAuthorizers":{"Authorizations":[{"AuthorizerId":"`+one.String()+`","AuthorizationDate":"2026-03-01T12:00:00Z","AuthorizationStatus":"Approved"},
 {"AuthorizerId":"`+two.String()+`","AuthorizationDate":"2026-03-01T12:00:00Z","AuthorizationStatus":"Pending"}]}}`, string(w.Body.Meta))
}

// bgStatus is the table of the two faces: how Berlin Group calls what is shown here.
func bgStatus(c *consent.Consent) string {
	switch {
	case c.Status == consent.Suspended:
		return "valid"
	case c.Status == consent.Revoked && c.Ending.By == consent.ByPSU:
		return "revokedByPsu"
	case c.Status == consent.Revoked && c.Ending.By == consent.ByTPP:
		return "terminatedByTpp"
	case c.Status == consent.Revoked:
		return "terminatedByAspsp"
	case c.Status == consent.Consumed:
		return "expired"
	default:
		return string(c.Status)
	}
}

// Random commands on consents of every rail: both faces agree, every document is valid,
// nothing leaves an end, and the request stays as it is.
func TestFacesAgree(t *testing.T) {
	t.Parallel()
	faces := map[wire.Status][]string{
		wire.AwaitingAuthorization: {"received", "partiallyAuthorised"}, wire.Authorized: {"valid"}, wire.Suspended: {"valid"},
		wire.Rejected: {"rejected"}, wire.Revoked: {"revokedByPsu", "terminatedByTpp", "terminatedByAspsp"}, wire.Expired: {"expired"}, wire.Consumed: {"expired"},
	}
	by := map[string]wire.RevokedBy{"revokedByPsu": wire.ByLFIUser, "terminatedByAspsp": wire.ByLFI}
	rapid.Check(t, func(t *rapid.T) {
		r := draw(t)
		now, last := made, int64(0)
		first, _ := valid(t, r)
		for range rapid.IntRange(0, 6).Draw(t, "commands") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(t, "later")))
			before := r.Status
			r.Settle(now)
			command(t, r, now)
			if before.Final() {
				require.Equal(t, before, r.Status)
			}
			w, _ := valid(t, r)
			require.Equal(t, first.Request, w.Request)
			require.GreaterOrEqual(t, w.UpdatedAt, last)
			if before.Final() {
				require.Equal(t, last, w.UpdatedAt, "an end is frozen")
			}
			last = w.UpdatedAt
			other := bgStatus(r.Consent)
			require.Contains(t, faces[w.Status], other)
			var data wire.Data
			require.NoError(t, json.Unmarshal(w.Body.Data, &data))
			require.Equal(t, w.Status == wire.Revoked, data.RevokedBy != "")
			if want, sure := by[other]; sure {
				require.Equal(t, want, data.RevokedBy)
			}
			if other == "terminatedByTpp" {
				require.Contains(t, []wire.RevokedBy{wire.ByTPP, wire.ByTPPUser}, data.RevokedBy)
			}
			require.False(t, r.Kind == consent.AccountAccess && w.Status == wire.Consumed)
		}
	})
}

// command moves a consent as somebody might; it may be refused.
func command(t *rapid.T, r *staging.Record, now time.Time) {
	psu := uuid.UUID{1}
	_ = rapid.SampledFrom([]func() error{
		func() error { return r.Consent.Revoke(consent.ReasonFraud, now) }, func() error { return r.Withdraw(now) },
		func() error { return r.Terminate(now) }, func() error { return r.WithdrawAtTPP(now) },
		func() error { return r.Suspend(consent.ReasonIdentity, now) }, func() error { return r.Resume(now) },
		func() error { return r.Reject(consent.ByPSU, now) },
		func() error {
			if r.Staged == nil && r.Status.Pending() {
				r.Status, r.StatusChangedAt = consent.Valid, now
			}
			if r.Staged == nil {
				return nil
			}
			r.User, r.Accounts = psu.String(), []string{"r1"}
			return r.AttachPSU(&consent.Holder{}, psu, psu, now)
		},
		func() error {
			if r.Staged == nil || r.GivenBy == uuid.Nil {
				return nil
			}
			if err := r.AttachAccounts([]consent.Grant{{AccountID: uuid.UUID{2}, Rights: r.Access.Rights}}, now); err != nil {
				return err
			}
			return r.Approve(now)
		},
		func() error {
			p := consent.Payment{ID: uuid.New(), Key: now.String(), Amount: consent.Money{Minor: rapid.Int64Range(1, 20000).Draw(t, "minor"), Currency: "AED"}}
			err := r.Pay(&p, r.Payments, time.UTC, now)
			if err == nil {
				r.Payments = append(r.Payments, p)
			}
			return err
		},
	}).Draw(t, "command")()
}

func pick[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

// draw makes a consent of any rail, staged ones as they come in by a call.
func draw(t *rapid.T) *staging.Record {
	if rapid.Bool().Draw(t, "born") {
		rights := consent.Rights(rapid.IntRange(0, 511).Draw(t, "rights"))
		scope := rapid.SampledFrom([]consent.Scope{
			consent.ScopeDedicated, consent.ScopeBankOffered, consent.ScopeAllPSD2, consent.ScopeAvailable, consent.ScopeAvailableBalances,
		}).Draw(t, "scope")
		r := born(rapid.SampledFrom([]consent.Rail{consent.RailXS2A, consent.RailSTET}).Draw(t, "rail"),
			consent.Access{Scope: scope, Rights: rights, OwnerName: rapid.Bool().Draw(t, "name")})
		r.Recurring = rapid.Bool().Draw(t, "recurring")
		return r
	}
	body, schedule := drawRequest(t)
	k := &call{body: []byte(body)}
	o, err := k.object()
	require.NoError(t, err)
	kind, version, faults := kindOf(o["type"])
	require.Empty(t, faults)
	require.Empty(t, consentRule(kind)("consent", o["consent"]), body)
	s, _, err := projector().staging(k, o, kind)
	require.NoError(t, err, schedule)
	from := origin{Version: version, TPP: wire.TPP{ID: "t"}}
	from.Type, _ = o["type"].(string)
	s.TPP, s.TPPName, s.Staged.Origin = "t", "T", mustJSON(from)
	c, err := consent.Policy{Zone: time.UTC, MaxFrequencyPerDay: 4}.Stage(uuid.New(), s, consent.Cause{By: consent.ByTPP}, made)
	require.NoError(t, err)
	return &staging.Record{Consent: c, GroupRef: s.Staged.Reference}
}

// drawRequest writes what a hub might stage.
func drawRequest(t *rapid.T) (body, schedule string) {
	id := string(mustJSON(rapid.StringMatching(`[A-Za-z0-9<&"é _.-]{0,100}x`).Draw(t, "id")))
	optional := func(name, member string) string {
		return pick(rapid.Bool().Draw(t, name), member, "")
	}
	ends := made.Add(time.Duration(rapid.Int64Range(int64(time.Minute), int64(360*24*time.Hour)).Draw(t, "ends"))).Format(time.RFC3339)
	if rapid.Bool().Draw(t, "data") {
		codes := rapid.SliceOfN(rapid.SampledFrom([]string{"ReadAccountsBasic", "ReadBalances", "ReadConsents", "ReadProduct", "ReadParty", "ReadStatements"}), 1, 5).Draw(t, "codes")
		return `{"type":"urn:openfinanceuae:account-access-consent:v1.2","consent":{"ConsentId":` + id + `,"Permissions":` + string(mustJSON(codes)) +
			`,"OpenFinanceBilling":{"UserType":"SME","Purpose":"TaxFiling"},"ExpirationDateTime":"` + ends + `"` +
			optional("from", `,"FromDate":"2025-01-01","ToDate":"2026-01-01"`) + optional("type", `,"AccountType":["SME"],"AccountSubType":["Savings"]`) +
			optional("behalf", `,"OnBehalfOf":{"LegalName":"<x>","IdentifierType":"Other"}`) + `}` + optional("hook", `,"subscription":{"Webhook":{"Url":"u","IsActive":false}}`) + `}`, ""
	}
	const money = `{"Amount":"100.00","Currency":"AED"}`
	period := `"PeriodType":"` + rapid.SampledFrom([]string{"Day", "Week", "Month", "Year"}).Draw(t, "period") + `","PeriodStartDate":"2026-03-01"`
	several := func(s string) string {
		return `{"MultiPayment":{` + pick(rapid.Bool().Draw(t, "cap"), `"MaximumCumulativeValueOfPayments":`+money+`,`, "") + `"PeriodicSchedule":` + s + `}}`
	}
	schedule = rapid.SampledFrom([]string{
		`{"SinglePayment":{"Type":"SingleInstantPayment","Amount":` + money + `}}`,
		`{"SinglePayment":{"Type":"SingleFutureDatedPayment","Amount":` + money + `,"RequestedExecutionDate":"2026-04-01"}}`,
		`{"FilePayment":{"FileType":"csv","FileHash":"h","NumberOfTransactions":1,"ControlSum":"1.00"}}`,
		several(`{"Type":"FixedDefinedSchedule","Schedule":[{"PaymentExecutionDate":"2026-03-01","Amount":` + money + `}]}`),
		several(`{"Type":"VariableDefinedSchedule","Schedule":[{"PaymentExecutionDate":"2026-03-01","MaximumIndividualAmount":` + money + `}]}`),
		several(`{"Type":"FixedPeriodicSchedule",` + period + `,"Amount":` + money + `}`),
		several(`{"Type":"VariablePeriodicSchedule",` + period + `,"MaximumIndividualAmount":` + money + `}`),
		several(`{"Type":"FixedOnDemand",` + period + `,"Amount":` + money + `,"Controls":{"MaximumCumulativeNumberOfPaymentsPerPeriod":2}}`),
		several(`{"Type":"VariableOnDemand",` + period + `,"Controls":{"MaximumCumulativeValueOfPaymentsPerPeriod":` + money + `}}`),
	}).Draw(t, "schedule")
	return `{"type":"urn:openfinanceuae:service-initiation-consent:v2.1","consent":{"ConsentId":` + id + `,"ExpirationDateTime":"` + ends +
		`","PersonalIdentifiableInformation":"a.b.c.d.e","PaymentPurposeCode":"ACM","ControlParameters":{"ConsentSchedule":` + schedule + `}` +
		optional("permissions", rapid.SampledFrom([]string{`,"Permissions":["ReadRefundAccount"]`, `,"Permissions":[ ]`}).Draw(t, "which")) + optional("reference", `,"DebtorReference":"x","CreditorReference":"y"`) +
		optional("currency", `,"CurrencyRequest":{"CurrencyOfTransfer":"EUR","ChargeBearer":"Shared"}`) + `}}`, schedule
}
