package stet_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"consentd/openapi"
	"consentd/pkg/stet"
)

// types are those of the bodies, by the schema of the description.
func types() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Access":          reflect.TypeFor[stet.Access](),
		"HalAccounts":     reflect.TypeFor[stet.Accounts](),
		"HalBalances":     reflect.TypeFor[stet.Balances](),
		"HalTransactions": reflect.TypeFor[stet.Transactions](),
		"EndUserIdentity": reflect.TypeFor[stet.EndUserIdentity](),
		"ErrorModel":      reflect.TypeFor[stet.ErrorModel](),
	}
}

const schemas = "#/components/schemas/"

// example is a body of the description, with the name of its schema.
type example struct{ schema, kind, where, body string }

func examples(t *testing.T) []example {
	t.Helper()
	data, err := openapi.Read("stet")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	var found []example
	add := func(where string, content openapi3.Content) {
		for kind, media := range content {
			for name, value := range media.Examples {
				body, err := json.Marshal(value.Value.Value)
				require.NoError(t, err)
				found = append(found, example{media.Schema.Ref[len(schemas):], kind, where + " " + name, string(body)})
			}
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody != nil {
				add(method+" "+path, op.RequestBody.Value.Content)
			}
			for status, response := range op.Responses.Map() {
				add(method+" "+path+" "+status, response.Value.Content)
			}
		}
	}
	return found
}

// Every example of the description is read without loss and written as it was.
func TestExamplesGoThroughTheTypes(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for _, e := range examples(t) {
		target := types()[e.schema]
		require.NotNil(t, target, "%s: no type for %s", e.where, e.schema)
		kinds[e.schema] = true
		require.Contains(t, []string{stet.MediaTypeHAL, stet.MediaTypeJSON}, e.kind)
		value := reflect.New(target)
		decoder := json.NewDecoder(bytes.NewReader([]byte(e.body)))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(value.Interface()), e.where)
		written, err := json.Marshal(value.Interface())
		require.NoError(t, err)
		want := e.body
		if e.schema == "Access" {
			want = complete(t, want)
		}
		require.JSONEq(t, want, string(written), e.where)
	}
	require.Len(t, kinds, len(types()), "each type has an example")
}

// complete is an Access as a client writes it: without null, and with both flags.
func complete(t *testing.T, body string) string {
	t.Helper()
	given := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(body), &given))
	whole := map[string]any{"psuIdentity": false, "trustedBeneficiaries": false}
	maps.Copy(whole, withoutNull(given))
	written, err := json.Marshal(whole)
	require.NoError(t, err)
	return string(written)
}

func withoutNull(object map[string]any) map[string]any {
	for name, value := range object {
		switch below := value.(type) {
		case nil:
			delete(object, name)
		case map[string]any:
			withoutNull(below)
		case []any:
			for _, item := range below {
				if inner, ok := item.(map[string]any); ok {
					withoutNull(inner)
				}
			}
		}
	}
	return object
}

// What a client asks for to revoke is there, and is empty.
func TestAccessIsWrittenInFull(t *testing.T) {
	t.Parallel()
	for want, access := range map[string]stet.Access{
		`{"balances":[],"transactions":[],"trustedBeneficiaries":false,"psuIdentity":false}`: {
			Balances: []stet.AccountReference{}, Transactions: []stet.AccountReference{},
		},
		`{"balances":[{"iban":"FR7617515000920400430518020"}],"trustedBeneficiaries":false,"psuIdentity":true}`: {
			Balances: []stet.AccountReference{{IBAN: "FR7617515000920400430518020"}}, PSUIdentity: true,
		},
	} {
		written, err := json.Marshal(access)
		require.NoError(t, err)
		require.Equal(t, want, string(written))
	}
}

// A bare account has its links, though there are none.
func TestBareAccountHasLinks(t *testing.T) {
	t.Parallel()
	written, err := json.Marshal(stet.Account{
		AccountID: stet.AccountReference{IBAN: "FR7617515000920400430518020"},
		Name:      "Compte courant", CashAccountType: stet.AccountCash, Currency: "EUR",
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"accountId":{"iban":"FR7617515000920400430518020"},"name":"Compte courant",`+
		`"cashAccountType":"CACC","currency":"EUR","_links":{}}`, string(written))
}

// The codes of the types and those of the description are the same.
func TestCodesAreThoseOfTheDescription(t *testing.T) {
	t.Parallel()
	data, err := openapi.Read("stet")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	enumOf := func(schema, member string) []any {
		return doc.Components.Schemas[schema].Value.Properties[member].Value.Enum
	}
	require.Equal(t, []any{string(stet.UsagePrivate), string(stet.UsageOrganisation)}, enumOf("AccountResource", "usage"))
	require.Equal(t, []any{string(stet.AccountCash), string(stet.AccountCard)}, enumOf("AccountResource", "cashAccountType"))
	require.Equal(t, []any{
		string(stet.BalanceClosingBooked), string(stet.BalanceExpected), string(stet.BalanceValue), string(stet.BalanceOther),
	}, enumOf("Balance", "balanceType"))
	require.Equal(t, []any{string(stet.Credit), string(stet.Debit)}, enumOf("Transaction", "creditDebitIndicator"))
	require.Equal(t, []any{
		string(stet.TransactionBooked), string(stet.TransactionPending), string(stet.TransactionOther),
	}, enumOf("Transaction", "status"))
	require.Equal(t, stet.BasePath, doc.Servers[0].URL)
	links := doc.Components.Schemas["HalAccounts"].Value.Properties["_links"].Value.Properties
	for _, name := range []string{
		stet.LinkSelf, stet.LinkConsents, stet.LinkEndUserIdentity, stet.LinkFirst, stet.LinkNext, stet.LinkPrev, stet.LinkLast,
	} {
		require.Contains(t, links, name)
	}
}
