package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// Accounts of the personas; leasThird is opened by those stories that need it.
const (
	leasFirst  = "FR7617515000920400430518020"
	leasSecond = "FR7617515000920400430518117"
	leasThird  = "FR7617515000920400430518214"
	enzos      = "FR7617515900000400430518379"
)

// document is a body of PUT /consents.
type document struct {
	balances, transactions []string
	identity, trusted      bool
}

func (d document) text() *string {
	named := func(ibans []string) []map[string]string {
		list := []map[string]string{}
		for _, iban := range ibans {
			list = append(list, map[string]string{"iban": iban})
		}
		return list
	}
	raw, _ := json.Marshal(map[string]any{ // of strings and booleans: it cannot fail
		"balances": named(d.balances), "transactions": named(d.transactions), "psuIdentity": d.identity, "trustedBeneficiaries": d.trusted,
	})
	text := string(raw)
	return &text
}

// puts forwards a document.
func puts(token string, d document, status int) stetStep {
	return stetStep{Method: http.MethodPut, Path: "/consents", Token: &token, Body: d.text(), Status: status}
}

// putsText forwards a text that may be no document.
func putsText(text string, status int) stetStep {
	token := "lea@acme"
	return stetStep{Method: http.MethodPut, Path: "/consents", Token: &token, Body: &text, Status: status}
}

func reads(token, path string, status int) stetStep {
	return stetStep{Method: http.MethodGet, Path: path, Token: &token, Status: status}
}

// lists reads the list of accounts.
func lists(token string, accounts map[string][]string) stetStep {
	step := reads(token, "/accounts", http.StatusOK)
	step.Accounts = accounts
	return step
}

// withPSU says that the PSU is there.
func withPSU(step stetStep) stetStep { return headed(step, "PSU-IP-Address", "192.0.2.7") }

func headed(step stetStep, name, value string) stetStep {
	step.Headers = maps.Clone(step.Headers)
	if step.Headers == nil {
		step.Headers = map[string]string{}
	}
	step.Headers[name] = value
	return step
}

func happens(op ...string) stetStep { return stetStep{Op: op} }

// opened is a list with what is linked of each account; bare with nothing.
type opened = map[string][]string

func bare(ibans ...string) opened {
	list := opened{}
	for _, iban := range ibans {
		list[iban] = []string{}
	}
	return list
}

// stetStories are stories of the mixed model, in groups.
func stetStories() []stetCase {
	var all []stetCase
	for _, group := range [][]stetCase{storiesOfRefusals(), storiesOfReading(), storiesOfReplacing(), storiesOfRevoking(), storiesOfQuotas(), storiesOfDocuments()} {
		all = append(all, group...)
	}
	return all
}

const lea = "lea@acme"

func storiesOfRefusals() []stetCase {
	first := document{balances: []string{leasFirst}}
	other := func(method string) stetStep {
		step := puts(lea, first, http.StatusMethodNotAllowed)
		step.Method, step.Allow = method, "PUT"
		return step
	}
	nobody := other(http.MethodPost)
	nobody.Token = nil
	unknown := puts(lea, first, http.StatusUnauthorized)
	unknown.Token = nil
	return []stetCase{
		{ID: "refusals-1", Title: "the method comes before the token and its scope", Steps: []stetStep{
			other(http.MethodPost), nobody, other(http.MethodDelete), other(http.MethodPatch), other(http.MethodGet), lists(lea, bare(leasFirst, leasSecond)),
		}},
		{ID: "refusals-2", Title: "a refused call changes nothing", Steps: []stetStep{
			puts(lea, first, http.StatusCreated),
			puts("lea@acme:cbpii", document{}, http.StatusForbidden), puts("lea@acme:pisp", document{}, http.StatusForbidden), puts("lea@acme:ethonly", document{}, http.StatusForbidden),
			unknown, headed(puts(lea, document{}, http.StatusUnauthorized), "Signature", "bad"),
			headed(puts(lea, document{}, http.StatusBadRequest), "Signature", ""), headed(puts(lea, document{}, http.StatusBadRequest), "X-Request-ID", ""),
			headed(puts(lea, document{}, http.StatusNotAcceptable), "Accept", "text/csv"),
			headed(puts(lea, document{}, http.StatusBadRequest), "Content-Type", "text/plain"),
			lists(lea, opened{leasFirst: {"balances"}}),
		}},
		{ID: "refusals-3", Title: "reads take the scope too", Steps: []stetStep{
			reads("lea@acme:cbpii", "/accounts", http.StatusForbidden), reads("lea@acme:pisp", "/accounts/r1/balances", http.StatusForbidden),
			reads("lea@acme:eth", "/accounts", http.StatusOK), reads(lea, "/trusted-beneficiaries", http.StatusNotImplemented),
			reads("lea@acme:cbpii", "/trusted-beneficiaries", http.StatusForbidden),
		}},
		{ID: "refusals-4", Title: "a token that was given back opens nothing, and another of the same PSU does", Steps: []stetStep{
			puts("lea@beta", first, http.StatusCreated), happens("kill", lea),
			puts(lea, first, http.StatusUnauthorized), reads(lea, "/accounts", http.StatusUnauthorized), reads("lea@beta", "/accounts/r1/balances", http.StatusOK),
		}},
		{ID: "refusals-5", Title: "a digest of another body leaves what stands", Steps: []stetStep{
			puts(lea, first, http.StatusCreated), headed(puts(lea, document{}, http.StatusUnauthorized), "Digest", emptyDigest), lists(lea, opened{leasFirst: {"balances"}}),
		}},
	}
}

// emptyDigest is that of no body at all.
const emptyDigest = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

func storiesOfReading() []stetCase {
	both := document{balances: []string{leasFirst}, transactions: []string{leasSecond}}
	inline := lists(lea, opened{leasFirst: {"balances"}, leasSecond: {"transactions"}})
	inline.Inline, inline.Links = []string{leasFirst}, []string{"consents", "self"}
	named := reads(lea, "/end-user-identity", http.StatusOK)
	named.Has = map[string]any{"connectedPsu": "LEA SANDBOXA"}
	company := reads("sarl@acme", "/end-user-identity", http.StatusOK)
	company.Has = map[string]any{"connectedPsu": "SIREN 852126789"}
	linked := lists(lea, bare(leasFirst, leasSecond))
	linked.Links = []string{"consents", "endUserIdentity", "self"}
	return []stetCase{
		{ID: "reading-1", Title: "nothing is told of an account before any consent", Steps: []stetStep{
			lists(lea, bare(leasFirst, leasSecond)), reads(lea, "/accounts/r1/balances", http.StatusForbidden),
			reads(lea, "/accounts/r2/transactions", http.StatusForbidden), reads(lea, "/end-user-identity", http.StatusForbidden),
			reads(lea, "/accounts/r9/balances", http.StatusNotFound), reads(lea, "/accounts/none/transactions", http.StatusNotFound),
		}},
		{ID: "reading-2", Title: "each operation of each account by itself", Steps: []stetStep{
			puts(lea, both, http.StatusCreated), inline,
			reads(lea, "/accounts/r1/balances", http.StatusOK), reads(lea, "/accounts/r1/transactions", http.StatusForbidden),
			reads(lea, "/accounts/r2/transactions", http.StatusOK), reads(lea, "/accounts/r2/balances", http.StatusForbidden),
			reads(lea, "/accounts/r9/balances", http.StatusNotFound),
		}},
		{ID: "reading-3", Title: "the PSU's name is a consent of its own", Steps: []stetStep{
			puts(lea, document{identity: true}, http.StatusCreated), linked, named, reads(lea, "/accounts/r1/balances", http.StatusForbidden),
			puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated), reads(lea, "/end-user-identity", http.StatusForbidden),
			puts("sarl@acme", document{identity: true}, http.StatusCreated), company,
		}},
		{ID: "reading-4", Title: "the list of trusted beneficiaries is inert", Steps: []stetStep{
			puts(lea, document{balances: []string{leasFirst}, trusted: true}, http.StatusCreated), lists(lea, opened{leasFirst: {"balances"}}),
			reads(lea, "/trusted-beneficiaries", http.StatusNotImplemented),
			puts(lea, document{trusted: true}, http.StatusCreated), lists(lea, bare(leasFirst, leasSecond)),
		}},
		{ID: "reading-5", Title: "who has no account has an empty answer", Steps: []stetStep{reads("noa@acme", "/accounts", http.StatusNoContent)}},
		{ID: "reading-6", Title: "days of transactions", Steps: []stetStep{
			puts(lea, document{transactions: []string{leasFirst}}, http.StatusCreated),
			withPSU(reads(lea, "/accounts/r1/transactions?dateFrom=2020-01-01", http.StatusOK)),
			withPSU(reads(lea, "/accounts/r1/transactions?dateFrom=yesterday", http.StatusBadRequest)),
			withPSU(reads(lea, "/accounts/r1/transactions?dateTo=2020-13-01", http.StatusBadRequest)),
			withPSU(reads(lea, "/accounts/r1/transactions?page=nowhere", http.StatusBadRequest)),
		}},
	}
}

func storiesOfReplacing() []stetCase {
	all := document{balances: []string{leasFirst, leasSecond}, transactions: []string{leasFirst, leasSecond}}
	return []stetCase{
		{ID: "replacing-1", Title: "a document replaces the former one whole", Steps: []stetStep{
			puts(lea, all, http.StatusCreated), puts(lea, document{transactions: []string{leasSecond}}, http.StatusCreated),
			lists(lea, opened{leasSecond: {"transactions"}}), reads(lea, "/accounts/r1/balances", http.StatusForbidden),
			reads(lea, "/accounts/r2/balances", http.StatusForbidden), reads(lea, "/accounts/r2/transactions", http.StatusOK),
		}},
		{ID: "replacing-2", Title: "nobody replaces what another PSU or another TPP has", Steps: []stetStep{
			puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated),
			puts("lea@beta", document{balances: []string{leasSecond}}, http.StatusCreated), puts("enzo@acme", document{balances: []string{enzos}}, http.StatusCreated),
			puts("lea@beta", document{}, http.StatusCreated), puts("enzo@acme", document{}, http.StatusCreated),
			lists(lea, opened{leasFirst: {"balances"}}), lists("lea@beta", bare(leasFirst, leasSecond)), lists("enzo@acme", bare(enzos)),
		}},
		{ID: "replacing-3", Title: "an account that is not the PSU's leaves what stands", Steps: []stetStep{
			puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated),
			puts(lea, document{balances: []string{leasSecond, enzos}}, http.StatusBadRequest),
			puts(lea, document{transactions: []string{"FR7612345678901234567890123"}}, http.StatusBadRequest),
			lists(lea, opened{leasFirst: {"balances"}}),
		}},
		{ID: "replacing-4", Title: "several tokens of one PSU see one document", Steps: []stetStep{
			puts("lea@acme:eth", document{balances: []string{leasFirst}}, http.StatusCreated), lists(lea, opened{leasFirst: {"balances"}}),
			puts(lea, document{balances: []string{leasSecond}}, http.StatusCreated), lists("lea@acme:eth", opened{leasSecond: {"balances"}}),
		}},
	}
}

func storiesOfRevoking() []stetCase {
	first := document{balances: []string{leasFirst}}
	nothing := puts(lea, document{}, http.StatusCreated)
	nothing.Body = nil
	return []stetCase{
		{ID: "revoking-1", Title: "each way to say nothing revokes everything", Steps: []stetStep{
			puts(lea, first, http.StatusCreated), nothing, withPSU(lists(lea, bare(leasFirst, leasSecond))),
			puts(lea, first, http.StatusCreated), putsText("{}", http.StatusCreated), withPSU(lists(lea, bare(leasFirst, leasSecond))),
			puts(lea, first, http.StatusCreated), putsText(`{"balances":null,"transactions":null,"psuIdentity":null}`, http.StatusCreated), withPSU(lists(lea, bare(leasFirst, leasSecond))),
			puts(lea, first, http.StatusCreated), puts(lea, document{}, http.StatusCreated), withPSU(lists(lea, bare(leasFirst, leasSecond))),
			reads(lea, "/accounts/r1/balances", http.StatusForbidden), puts(lea, first, http.StatusCreated), reads(lea, "/accounts/r1/balances", http.StatusOK),
		}},
		{ID: "revoking-2", Title: "a new account shows after a document with nothing, or when it is named", Steps: []stetStep{
			puts(lea, first, http.StatusCreated), happens("open", "lea", leasThird, "r3"), lists(lea, opened{leasFirst: {"balances"}}),
			puts(lea, document{}, http.StatusCreated), lists(lea, bare(leasFirst, leasSecond, leasThird)),
			puts(lea, document{balances: []string{leasThird}}, http.StatusCreated), lists(lea, opened{leasThird: {"balances"}}),
		}},
		{ID: "revoking-3", Title: "what the PSU ends at the bank takes the tokens along, and only this TPP's", Steps: []stetStep{
			puts(lea, first, http.StatusCreated), puts("lea@beta", first, http.StatusCreated), happens("psu-revoke", "lea", "acme"),
			reads(lea, "/accounts/r1/balances", http.StatusUnauthorized), puts(lea, first, http.StatusUnauthorized), reads("lea@acme:eth", "/accounts", http.StatusOK),
			reads("lea@beta", "/accounts/r1/balances", http.StatusOK),
		}},
		{ID: "revoking-4", Title: "a connection ends by itself before anything was forwarded", Steps: []stetStep{
			lists(lea, bare(leasFirst, leasSecond)), happens("psu-revoke", "lea", "acme"), reads(lea, "/accounts", http.StatusUnauthorized),
		}},
		{ID: "revoking-5", Title: "what rests on a connection goes with its token", Steps: []stetStep{
			puts(lea, first, http.StatusCreated), happens("kill", lea), lists("lea@acme:eth", bare(leasFirst, leasSecond)),
			reads("lea@acme:eth", "/accounts/r1/balances", http.StatusForbidden),
		}},
	}
}

func storiesOfQuotas() []stetCase {
	first := document{balances: []string{leasFirst}, transactions: []string{leasFirst}}
	times := func(n int, step stetStep) []stetStep {
		list := make([]stetStep, n)
		for i := range list {
			list[i] = step
		}
		return list
	}
	balances := reads(lea, "/accounts/r1/balances", http.StatusOK)
	over := reads(lea, "/accounts/r1/balances", http.StatusTooManyRequests)
	steps := []stetStep{puts(lea, first, http.StatusCreated)}
	steps = append(steps, times(4, balances)...)
	steps = append(steps, over, withPSU(balances), reads(lea, "/accounts/r1/transactions", http.StatusOK),
		puts(lea, document{}, http.StatusCreated), reads(lea, "/accounts/r1/balances", http.StatusForbidden),
		puts(lea, first, http.StatusCreated), over, puts("lea@beta", first, http.StatusCreated), reads("lea@beta", "/accounts/r1/balances", http.StatusOK),
		happens("day"), balances)
	list := append(times(4, lists(lea, bare(leasFirst, leasSecond))), reads(lea, "/accounts", http.StatusTooManyRequests), withPSU(lists(lea, bare(leasFirst, leasSecond))))
	return []stetCase{
		{ID: "quotas-1", Title: "four reads a day without the PSU, whatever is forwarded meanwhile", Steps: steps},
		{ID: "quotas-2", Title: "the bare list is read as often", Steps: list},
		{ID: "quotas-3", Title: "what is refused does not count", Steps: append(append(times(5, reads(lea, "/accounts/r1/balances", http.StatusForbidden)),
			puts(lea, first, http.StatusCreated)), times(4, balances)...)},
	}
}

func storiesOfDocuments() []stetCase {
	steps := []stetStep{puts(lea, document{balances: []string{leasFirst}}, http.StatusCreated)}
	for _, text := range []string{
		`[]`, `"balances"`, `{"balances":{}}`, `{"balances":[{}]}`, `{"balances":["` + leasFirst + `"]}`, `{"balances":[{"iban":1}]}`,
		`{"psuIdentity":"true"}`, `{"psuIdentity":1}`, `{"trustedBeneficiaries":[]}`, `{"balances":[{"iban":"fr76"}]}`, `{"balances":[`,
		`{"balances":[],"balances":[]}`, `{} {}`, `{"balances":[{"iban":"` + leasFirst + `","currency":"euro"}]}`,
		`{"x":"` + strings.Repeat("a", 70_000) + `"}`,
	} {
		steps = append(steps, putsText(text, http.StatusBadRequest))
	}
	steps = append(steps, lists(lea, opened{leasFirst: {"balances"}}),
		putsText(`{"balances":[{"iban":null,"other":{"schemeName":"BANK","identification":"r2"}}],"owners":[{"iban":"x"}],"overdrafts":true}`, http.StatusCreated),
		lists(lea, opened{leasSecond: {"balances"}}))
	return []stetCase{{ID: "documents-1", Title: "what is no document leaves what stands; what is not known is passed over", Steps: steps}}
}
