package stet

import (
	"net/http"

	"consentd/internal/consent"
)

// endpoint is one operation: what it takes and who serves it.
type endpoint struct {
	method, path string
	// parse reads headers, query and body into the call, and collects what is wrong.
	parse func(*Handler, *call) consent.Faults
	serve func(*Handler, *call) (*answer, error)
	// whole says that a call is carried to its end though the client hangs up.
	whole bool
}

const (
	pathConsents      = "/consents"
	pathAccounts      = "/accounts"
	pathBalances      = pathAccounts + "/:accountResourceId/balances"
	pathTransactions  = pathAccounts + "/:accountResourceId/transactions"
	pathIdentity      = "/end-user-identity"
	pathBeneficiaries = "/trusted-beneficiaries"
)

// endpoints lists every operation (STET part II §4.2 to §4.7). Each path knows one
// method.
func endpoints() []endpoint {
	return []endpoint{
		{method: http.MethodPut, path: pathConsents, parse: (*Handler).readDocument, serve: (*Handler).putConsents, whole: true},
		{method: http.MethodGet, path: pathAccounts, parse: nothing, serve: (*Handler).listAccounts},
		{method: http.MethodGet, path: pathBalances, parse: nothing, serve: (*Handler).readBalances},
		{method: http.MethodGet, path: pathTransactions, parse: (*Handler).readPeriod, serve: (*Handler).listTransactions},
		{method: http.MethodGet, path: pathIdentity, parse: nothing, serve: (*Handler).readIdentity},
		{method: http.MethodGet, path: pathBeneficiaries, parse: nothing, serve: (*Handler).notOffered},
	}
}

// nothing is what most reads take besides their path.
func nothing(*Handler, *call) consent.Faults { return nil }
