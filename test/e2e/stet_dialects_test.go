package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// TestSameWordsInBothDialects gives the same lists to both dialects. In the Berlin
// Group's they ask for whichever accounts the PSU chooses; in STET's they grant none.
func TestSameWordsInBothDialects(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		const nothing = `{"balances":[],"transactions":[]}`
		s, acme := stetOf(p), p.as("acme")
		s.run(puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated))

		status, body, err := p.post("/v1/consents", `{"access":`+nothing+`,"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4}`,
			map[string]string{
				"X-Request-ID": uuid.NewString(), "Content-Type": "application/json", "X-Sandbox-TPP": "acme",
				"PSU-IP-Address": "192.0.2.7", "TPP-Redirect-URI": p.base + "/sandbox/return",
			})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, status, body)
		var made xs2a.ConsentsResponse
		require.NoError(t, json.Unmarshal([]byte(body), &made))
		u := p.open(made.Links[xs2a.LinkScaRedirect].Href)
		u.send("psuId=lea", "password=sandbox")
		u.at("accounts", http.StatusOK)
		require.Contains(t, u.body, `value="`+leasFirst+`"`)
		require.Contains(t, u.body, `value="`+leasSecond+`"`)
		u.send("account=" + leasFirst + "," + leasSecond)
		u.at("consent", http.StatusOK)
		u.agree()
		u.send("otp=" + p.code("lea"))
		require.Equal(t, http.StatusSeeOther, u.status, u.body)

		s.run(putsText(nothing, http.StatusCreated))
		s.run(withPSU(lists(lea, bare(leasFirst, leasSecond))))
		for _, path := range []string{"/accounts/r1/balances", "/accounts/r1/transactions", "/accounts/r2/balances"} {
			s.run(withPSU(reads(lea, path, http.StatusForbidden)))
		}
		info, _, err := acme.Consent(t.Context(), made.ConsentID)
		require.NoError(t, err)
		require.Equal(t, xs2a.ConsentStatus("valid"), info.ConsentStatus)
		require.Equal(t, []int{2, 2}, []int{len(info.Access.Balances), len(info.Access.Transactions)})
		_, _, err = acme.Balances(t.Context(), "r2", client.ReadOptions{ConsentID: made.ConsentID, PSUIPAddress: "192.0.2.7"})
		require.NoError(t, err)
	})
}

// TestDialectsLeaveEachOtherAlone: what a TPP has of a PSU in one dialect stands,
// whatever becomes of what it has in the other. The bank's pages list all of it.
func TestDialectsLeaveEachOtherAlone(t *testing.T) {
	each(t, func(t *testing.T, p *program) {
		s, acme := stetOf(p), p.as("acme")
		first := document{balances: []string{leasFirst}}
		recurring := func() string {
			body := p.offered()
			body.Access = xs2a.AccountAccess{Balances: []xs2a.AccountReference{{IBAN: leasFirst}}}
			id, link := p.create(acme, body)
			p.authorise(link, "lea", "")
			require.Equal(t, "valid", p.status(acme, id))
			return id
		}
		listed := func() (all []string) {
			for _, c := range s.standing("lea", "acme") {
				all = append(all, c.Rail+" "+c.Kind)
			}
			slices.Sort(all)
			return all
		}
		const there, connection, forwarded = "xs2a accountAccess", "stet connection", "stet accountAccess"

		id := recurring()
		s.run(puts(lea, first, http.StatusCreated))
		require.Equal(t, []string{forwarded, connection, there}, listed())
		require.Equal(t, "valid", p.status(acme, id), "after a document")
		s.run(puts(lea, document{balances: []string{leasSecond}}, http.StatusCreated))
		require.Equal(t, "valid", p.status(acme, id), "after another")
		s.run(puts(lea, document{}, http.StatusCreated))
		require.Equal(t, "valid", p.status(acme, id), "after one with nothing")
		require.Equal(t, []string{connection, there}, listed())
		s.run(puts(lea, first, http.StatusCreated))
		s.happen([]string{"kill", lea})
		require.Equal(t, "valid", p.status(acme, id), "after the end of the connection")
		require.Equal(t, []string{there}, listed())

		again := "lea@acme:eth" // a connection of its own
		s.run(puts(again, first, http.StatusCreated))
		next := recurring()
		require.Equal(t, "expired", p.status(acme, id), "replaced, in its own dialect")
		s.run(withPSU(lists(again, opened{leasFirst: {"balances"}})))
		s.run(puts(again, document{transactions: []string{leasFirst}}, http.StatusCreated))
		require.Equal(t, "valid", p.status(acme, next))
		require.Equal(t, []string{forwarded, connection, there}, listed())
		_, err := acme.DeleteConsent(t.Context(), next)
		require.NoError(t, err)
		s.run(withPSU(lists(again, opened{leasFirst: {"transactions"}})))
		require.Equal(t, []string{forwarded, connection}, listed())
	})
}

// TestSTETLeavesNoTraceOfPeople takes a TPP through documents that are taken and
// refused: the log, at its most talkative, and the audit name no account, no token and
// no person, and the audit has every refusal that matters.
func TestSTETLeavesNoTraceOfPeople(t *testing.T) {
	eachOver(t, func(t *testing.T, r *replicas) {
		s := stetOf(r.one)
		first := document{balances: []string{leasFirst}, transactions: []string{leasSecond}, identity: true}
		dead, other := "lea@acme:eth", "lea@acme:cbpii"
		for _, step := range []stetStep{
			puts(lea, first, http.StatusCreated), reads(lea, "/end-user-identity", http.StatusOK), withPSU(reads(lea, "/accounts", http.StatusOK)),
			puts(lea, document{balances: []string{enzos}}, http.StatusBadRequest), puts(other, first, http.StatusForbidden),
			headed(puts(lea, first, http.StatusUnauthorized), "Digest", emptyDigest), putsText(`{"balances":"`+leasFirst+`"}`, http.StatusBadRequest),
			puts(dead, first, http.StatusCreated), happens("kill", dead),
			headed(puts(dead, first, http.StatusUnauthorized), "X-Sandbox-TPP", "acme"), // which a dead token does not tell
			withPSU(reads(lea, "/accounts/r1/transactions", http.StatusForbidden)), puts(lea, first, http.StatusCreated), puts(lea, document{}, http.StatusCreated),
		} {
			s.run(step)
		}
		audit := r.rows(t, "SELECT * FROM audit_entries")
		require.NotEmpty(t, r.one.log.String())
		for what, text := range map[string]string{"log": r.one.log.String(), "audit": audit} {
			for _, secret := range []string{leasFirst, leasSecond, enzos, "SANDBOXA", s.token(lea), s.token(dead), s.token(other)} {
				require.NotContains(t, text, secret, what)
			}
		}
		refused := r.rows(t, "SELECT reason FROM audit_entries WHERE operation = 'PUT /consents' ORDER BY reason")
		require.Equal(t, []string{"account_unknown", "scope", "signature_invalid", "token_invalid"}, strings.Fields(refused))
		require.Equal(t, 3, strings.Count(audit, "forwarded"))
		r.verify(t)
	}, func(o *app.SandboxOptions) { o.Strict = true })
}

// rows is what the database answers, a line for each row.
func (r *replicas) rows(t *testing.T, query string) string {
	t.Helper()
	rows, err := r.sql.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var text strings.Builder
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		require.NoError(t, rows.Scan(to...))
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintln(&text, v)
		}
	}
	require.NoError(t, rows.Err())
	return text.String()
}
