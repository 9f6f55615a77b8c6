package connections_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
)

// claims are those of a token that the bank's own server has just issued.
func (b *bundle) claims(edit ...func(*connections.Claims)) connections.Claims {
	c := connections.Claims{
		TPP: "A", PSU: "ceo", Scopes: []string{connections.ScopeAISP, connections.ScopeCBPII},
		IssuedAt: b.time(), SCA: begin, Certificate: "thumbprint", Call: consent.Cause{By: consent.ByTPP, Who: "A", RequestID: "request-2"},
	}
	for _, e := range edit {
		e(&c)
	}
	return c
}

func TestOutside(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		b.advance(time.Hour)
		psu, firm := b.ids("ceo", "firm")
		ctx, notes := explain.Listen(t.Context())
		p, err := b.Outside(ctx, b.claims(func(c *connections.Claims) { c.Customer = "firm" }))
		require.NoError(t, err)
		require.Equal(t, connections.Principal{
			TPP: "A", PSU: psu, Customer: firm, PSUID: "ceo", CustomerID: "firm",
			Scopes: []string{connections.ScopeAISP, connections.ScopeCBPII}, SCA: begin, Until: begin.Add(180 * day),
			IssuedAt: b.time(), Certificate: "thumbprint",
		}, p)
		require.Equal(t, []string{"token: of A, scope aisp cbpii, issued by the bank's own server"}, notes.Lines())

		own, err := b.Outside(t.Context(), b.claims(func(c *connections.Claims) { c.SCA = time.Time{} }))
		require.NoError(t, err)
		require.Equal(t, "ceo", own.CustomerID, "the PSU's own, where none is named")
		require.NotEqual(t, firm, own.Customer)
		require.Equal(t, b.time(), own.SCA, "when it was issued, where nothing else is said")
		require.Equal(t, b.time().Add(180*day), own.Until)
	})
}

func TestOutsideRefuses(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		old := begin.Add(-180 * day)
		for name, x := range map[string]struct {
			edit func(*connections.Claims)
			code consent.Code
			why  string
		}{
			"a PSU whom the bank does not know": {func(c *connections.Claims) { c.PSU = "nobody" }, consent.CodeTokenInvalid, "does not act for its customer, or not alone"},
			"a PSU who acts for nobody":         {func(c *connections.Claims) { c.PSU = "former" }, consent.CodeTokenInvalid, "does not act for its customer, or not alone"},
			"whose own customer takes two":      {func(c *connections.Claims) { c.PSU, c.Customer = "two", "" }, consent.CodeTokenInvalid, "or not alone"},
			"one of several who sign":           {func(c *connections.Claims) { c.PSU, c.Customer = "one", "" }, consent.CodeTokenInvalid, "does not act for its customer, or not alone"},
			"a foreign customer":                {func(c *connections.Claims) { c.Customer = "lea" }, consent.CodeTokenInvalid, "does not act for its customer, or not alone"},
			"a customer who is none":            {func(c *connections.Claims) { c.Customer = "nobody" }, consent.CodeTokenInvalid, "does not act for its customer, or not alone"},
			"authenticated too long ago":        {func(c *connections.Claims) { c.SCA = old }, consent.CodeTokenExpired, "at 2025-09-02T12:00:00Z, which is too long ago"},
			"issued too long ago":               {func(c *connections.Claims) { c.SCA, c.IssuedAt = time.Time{}, old }, consent.CodeTokenExpired, "too long ago"},
			"with no time at all":               {func(c *connections.Claims) { c.SCA, c.IssuedAt = time.Time{}, time.Time{} }, consent.CodeTokenExpired, "too long ago"},
		} {
			ctx, notes := explain.Listen(t.Context())
			_, err := b.Outside(ctx, b.claims(x.edit))
			require.Equal(t, x.code, consent.CodeOf(err), name)
			require.Contains(t, strings.Join(notes.Lines(), "\n"), x.why, name)
		}
		_, err := b.Outside(t.Context(), b.claims(func(c *connections.Claims) { c.SCA = old.Add(time.Microsecond) }))
		require.NoError(t, err, "to the moment")
		b.bank.down = true
		_, err = b.Outside(t.Context(), b.claims())
		require.NoError(t, err, "its answer counts for a while")
		_, err = b.there.Outside(t.Context(), b.claims())
		require.Equal(t, consent.CodeUnavailable, consent.CodeOf(err), "a doubt is not a no")
	})
}

// Ending what was forwarded ends the tokens of the bank's own server that were issued
// up to then, which know nothing of it; what the TPP does itself does not.
func TestOutsideAfterAnEnding(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		psu, customer := b.ids("ceo", "ceo")
		f := consents.Forwarder{Store: b.db, Identities: b.db, Policy: b.Policy, Now: b.time}
		forward := func(d consents.Document) *consent.Consent {
			t.Helper()
			c, err := f.Forward(t.Context(), caller(), consents.Giver{PSU: psu, Customer: customer, SCA: begin, Until: begin.Add(180 * day), IssuedAt: b.time()}, d)
			require.NoError(t, err)
			return c
		}
		who := consents.Document{Rights: consent.RightIdentity}
		forward(who)
		first := b.claims()
		b.advance(time.Minute)
		forward(who)
		forward(consents.Document{})
		c := forward(who)
		p, err := b.there.Outside(t.Context(), first)
		require.NoError(t, err, "replaced, and taken back")
		require.Equal(t, connections.Standing{Consent: c.ID, SCA: begin}, p.Standing)

		_, err = b.db.Update(t.Context(), c.ID, func(c *consent.Consent) error { return c.Withdraw(b.time()) })
		require.NoError(t, err)
		ended := b.time()
		for name, x := range map[string]struct {
			issued time.Duration
			code   consent.Code
		}{
			"before": {-time.Second, consent.CodeTokenInvalid},
			"at":     {0, consent.CodeTokenInvalid},
			"after":  {time.Second, ""},
		} {
			ctx, notes := explain.Listen(t.Context())
			p, err := b.there.Outside(ctx, b.claims(func(c *connections.Claims) { c.IssuedAt = ended.Add(x.issued) }))
			if x.code == "" {
				require.NoError(t, err, name)
				require.Equal(t, connections.Standing{Consent: c.ID, After: ended}, p.Standing, name)
				continue
			}
			require.Equal(t, x.code, consent.CodeOf(err), name)
			require.Contains(t, strings.Join(notes.Lines(), "\n"), "the access was ended at 2026-03-01T12:01:00Z", name)
		}
		for name, edit := range map[string]func(*connections.Claims){
			"of another customer": func(c *connections.Claims) { c.Customer = "firm" },
			"of another PSU":      func(c *connections.Claims) { c.PSU = "lea" },
			"of another TPP":      func(c *connections.Claims) { c.TPP = "B" },
		} {
			_, err := b.Outside(t.Context(), b.claims(edit))
			require.NoError(t, err, name)
		}
	})
}

// A token of one consent names it by a whole id, or it names none.
func TestOutsideOfOneConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id := uuid.MustParse("0195513e-7a00-7000-8000-0000000000aa")
		for name, x := range map[string]struct {
			scopes []string
			want   uuid.UUID
		}{
			"named":               {[]string{"AIS:" + id.String()}, id},
			"beside others":       {[]string{"aisp", "AIS:" + id.String(), "openid"}, id},
			"beside what is none": {[]string{"AIS:x", "AIS:" + id.String(), "AIS:"}, id},
			"none":                {[]string{"aisp"}, uuid.Nil},
			"empty":               {[]string{"AIS:"}, uuid.Nil},
			"a word":              {[]string{"AIS:consent"}, uuid.Nil},
			"cut off":             {[]string{"AIS:" + id.String()[:35]}, uuid.Nil},
			"its end is none":     {[]string{"AIS:" + id.String()[:35] + "z"}, uuid.Nil},
			"in small letters":    {[]string{"ais:" + id.String()}, uuid.Nil},
		} {
			p, err := b.Outside(t.Context(), b.claims(func(c *connections.Claims) { c.Scopes = x.scopes }))
			require.NoError(t, err, name)
			require.Equal(t, x.want, p.Consent, name)
			require.Zero(t, p.Grant, name)
		}
	})
}
