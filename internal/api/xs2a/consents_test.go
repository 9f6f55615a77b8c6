package xs2a_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/api/xs2a"
	"consentd/internal/consent"
	"consentd/pkg/client"
	wire "consentd/pkg/xs2a"
)

// request is a good one for the client.
func request(access wire.AccountAccess) wire.ConsentsRequest {
	return wire.ConsentsRequest{Access: access, RecurringIndicator: true, ValidUntil: "9999-12-31", FrequencyPerDay: 10}
}

func options() client.CreateOptions {
	return client.CreateOptions{PSUIPAddress: "192.0.2.7", RedirectURI: "https://tpp.example/back"}
}

func TestWholeLifeOfAConsent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	demo := w.demo(t)
	o := options()
	o.RequestID, o.PSUID, o.PSULanguage = requestID, "lea", "fr-FR"
	created, meta, err := demo.CreateConsent(t.Context(), request(wire.AccountAccess{Balances: []wire.AccountReference{}}), o)
	require.NoError(t, err)
	self := "https://bank.example/v1/consents/" + created.ConsentID
	assert.Equal(t, wire.Received, created.ConsentStatus)
	assert.Equal(t, requestID, meta.Header.Get("X-Request-ID"))
	assert.Equal(t, self, meta.Location())
	assert.Equal(t, "REDIRECT", meta.Approach())
	assert.Empty(t, meta.Header.Get("ASPSP-Multiple-Consent-Support"))
	list, _, err := demo.Authorisations(t.Context(), created.ConsentID)
	require.NoError(t, err)
	require.Len(t, list.AuthorisationIDs, 1)
	assert.Equal(t, wire.Links{
		"scaRedirect": {Href: "https://bank.example/sca/secret-handle"},
		"self":        {Href: self},
		"status":      {Href: self + "/status"},
		"scaStatus":   {Href: self + "/authorisations/" + list.AuthorisationIDs[0]},
	}, created.Links)

	got, _, err := demo.Consent(t.Context(), created.ConsentID)
	require.NoError(t, err)
	assert.Equal(t, &wire.ConsentInformation{
		Access:             wire.AccountAccess{Balances: []wire.AccountReference{}},
		RecurringIndicator: true,
		ValidUntil:         "2026-05-30", // today + 90
		FrequencyPerDay:    4,
		LastActionDate:     "2026-03-01",
		ConsentStatus:      wire.Received,
	}, got)
	sca, _, err := demo.AuthorisationStatus(t.Context(), created.ConsentID, list.AuthorisationIDs[0])
	require.NoError(t, err)
	assert.Equal(t, wire.ScaReceived, sca.ScaStatus)

	for range 2 { // idempotent
		_, err = demo.DeleteConsent(t.Context(), created.ConsentID)
		require.NoError(t, err)
	}
	status, _, err := demo.ConsentStatus(t.Context(), created.ConsentID)
	require.NoError(t, err)
	assert.Equal(t, wire.TerminatedByTpp, status.ConsentStatus)
	sca, _, err = demo.AuthorisationStatus(t.Context(), created.ConsentID, list.AuthorisationIDs[0])
	require.NoError(t, err)
	assert.Equal(t, wire.ScaFailed, sca.ScaStatus)
	_, _, err = demo.StartAuthorisation(t.Context(), created.ConsentID, client.StartOptions{})
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusConflict, refused.Status)
	assert.True(t, refused.Has(wire.StatusInvalid))
}

func TestExplicitStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode     xs2a.StartMode
		prefers  bool
		explicit bool
	}{
		"auto, not preferred":     {xs2a.StartAuto, false, false},
		"auto, preferred":         {xs2a.StartAuto, true, true},
		"explicit, not preferred": {xs2a.StartExplicit, false, true},
		"explicit, preferred":     {xs2a.StartExplicit, true, true},
		"implicit, not preferred": {xs2a.StartImplicit, false, false},
		"implicit, preferred":     {xs2a.StartImplicit, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(h *xs2a.Handler) { h.Options.Start = c.mode })
			demo := w.demo(t)
			o := options()
			o.ExplicitAuthorisation = c.prefers
			created, meta, err := demo.CreateConsent(t.Context(), request(wire.AccountAccess{AllPSD2: wire.AllAccountsOnly}), o)
			require.NoError(t, err)
			self := "https://bank.example/v1/consents/" + created.ConsentID
			if !c.explicit {
				assert.Contains(t, created.Links, "scaRedirect")
				return
			}
			assert.Empty(t, meta.Approach())
			assert.Equal(t, wire.Links{
				"startAuthorisation": {Href: self + "/authorisations"},
				"self":               {Href: self},
				"status":             {Href: self + "/status"},
			}, created.Links)
			started, meta, err := demo.StartAuthorisation(t.Context(), created.ConsentID, client.StartOptions{})
			require.NoError(t, err)
			assert.Equal(t, "REDIRECT", meta.Approach())
			assert.Empty(t, meta.Location())
			assert.Equal(t, wire.ScaReceived, started.ScaStatus)
			assert.Equal(t, wire.Links{
				"scaRedirect": {Href: "https://bank.example/sca/secret-handle"},
				"scaStatus":   {Href: self + "/authorisations/" + started.AuthorisationID},
			}, started.Links)
		})
	}
}

func TestStartTakesNoBodyToo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/v1/consents/" + w.created(t, `{"balances":[]}`) + "/authorisations"
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"none":        {"", http.StatusCreated},
		"empty":       {"{}", http.StatusCreated},
		"not JSON":    {"{", http.StatusBadRequest},
		"not object":  {"[]", http.StatusBadRequest},
		"other stuff": {`{"x":1}`, http.StatusCreated},
	} {
		a := w.send(t, http.MethodPost, path, c.body, nil)
		assert.Equal(t, c.want, a.status, "%s: %s", name, a.body)
	}
}

// Whoever asks, and whatever is wrong with the id, one answer tells nothing.
func TestUnknownForeignAndMalformedConsentsAnswerAlike(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.created(t, `{"balances":[]}`)
	bodies := map[string]bool{}
	for name, c := range map[string]struct{ id, tpp string }{
		"foreign":        {id, "acme"},
		"unknown":        {uuid.NewString(), "demo"},
		"malformed":      {"x", "demo"},
		"upper case":     {"0198F2C4-5A3E-7C61-9B0E-3F1D7A52C9E4", "demo"},
		"32 digits":      {"0198f2c45a3e7c619b0e3f1d7a52c9e4", "demo"},
		"with braces":    {"%7B" + id + "%7D", "demo"},
		"with a NUL":     {"%00", "demo"},
		"encoded slash":  {id + "%2F", "demo"},
		"very long":      {id + id + id, "demo"},
		"nil":            {uuid.Nil.String(), "demo"},
		"path traversal": {"..%2f..%2fetc", "demo"},
	} {
		for _, call := range []struct{ method, path string }{
			{http.MethodGet, ""},
			{http.MethodDelete, ""},
			{http.MethodGet, "/status"},
			{http.MethodGet, "/authorisations"},
			{http.MethodPost, "/authorisations"},
			{http.MethodGet, "/authorisations/" + uuid.NewString()},
			{http.MethodGet, "/authorisations/x"},
		} {
			a := w.send(t, call.method, "/v1/consents/"+c.id+call.path, "", with{"X-Sandbox-TPP": c.tpp})
			require.Equal(t, http.StatusForbidden, a.status, "%s %s: %s", name, call.path, a.body)
			require.Equal(t, []string{"CONSENT_UNKNOWN"}, a.messages(t))
			bodies[a.body] = true
		}
	}
	assert.Len(t, bodies, 1, "one text for all")
}

func TestUnknownAuthorisation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	path := "/v1/consents/" + w.created(t, `{"balances":[]}`) + "/authorisations/"
	for _, id := range []string{uuid.NewString(), "x", uuid.Nil.String()} {
		a := w.send(t, http.MethodGet, path+id, "", nil)
		assert.Equal(t, http.StatusForbidden, a.status)
		assert.Equal(t, []string{"RESOURCE_UNKNOWN"}, a.messages(t))
	}
}

func TestStatusProjection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status consent.Status
		by     consent.Actor
		strict bool
		want   wire.ConsentStatus
	}{
		{status: consent.Received, want: wire.Received},
		{status: consent.PartiallyAuthorised, want: wire.PartiallyAuthorised},
		{status: consent.Valid, want: wire.Valid},
		{status: consent.Suspended, want: wire.Valid},
		{status: consent.Rejected, by: consent.ByPSU, want: wire.Rejected},
		{status: consent.Revoked, by: consent.ByPSU, want: wire.RevokedByPsu},
		{status: consent.Revoked, by: consent.ByTPP, want: wire.TerminatedByTpp},
		{status: consent.Revoked, by: consent.ByASPSP, want: wire.TerminatedByAspsp},
		{status: consent.Revoked, by: consent.ByASPSP, strict: true, want: wire.Expired},
		{status: consent.Revoked, by: consent.BySystem, want: wire.TerminatedByAspsp},
		{status: consent.Expired, by: consent.BySystem, want: wire.Expired},
		{status: consent.Consumed, by: consent.BySystem, want: wire.Expired},
	} {
		w := setup(t, func(h *xs2a.Handler) { h.Options.StrictStatus = c.strict })
		id := w.created(t, `{"balances":[]}`)
		w.store.edit(t, id, func(stored *consent.Consent) {
			stored.Status, stored.Ending = c.status, consent.Ending{By: c.by}
		})
		got, _, err := w.demo(t).ConsentStatus(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, c.want, got.ConsentStatus, "%s by %s", c.status, c.by)
		whole, _, err := w.demo(t).Consent(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, c.want, whole.ConsentStatus)
	}
}

// The domain's words for an authorisation are the standard's.
func TestScaStatusesAreTheStandards(t *testing.T) {
	t.Parallel()
	described := []wire.ScaStatus{
		wire.ScaReceived, wire.ScaPsuIdentified, wire.ScaPsuAuthenticated, wire.ScaMethodSelected, wire.ScaStarted,
		wire.ScaUnconfirmed, wire.ScaFinalised, wire.ScaFailed, wire.ScaExempted,
	}
	table := consent.ScaTransitions()
	require.Len(t, table, len(described))
	for status := range table {
		assert.Contains(t, described, wire.ScaStatus(status))
	}
}

func TestReadingSettlesByTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.created(t, `{"balances":[]}`)
	w.clock = w.clock.Add(25 * time.Hour)
	got, _, err := w.demo(t).Consent(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, wire.Rejected, got.ConsentStatus)
	assert.Equal(t, "2026-03-02", got.LastActionDate)
}

func TestLastActionIsADayOfTheBank(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Tbilisi")
	require.NoError(t, err)
	w := setup(t, func(h *xs2a.Handler) { h.Policy.Zone = zone })
	w.clock = time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC) // 2 March there
	got, _, err := w.demo(t).Consent(t.Context(), w.created(t, `{"balances":[]}`))
	require.NoError(t, err)
	assert.Equal(t, "2026-03-02", got.LastActionDate)
}

// A bank-offered consent shows the accounts that the PSU chose under each list
// that was asked for; one that allows no trusted beneficiaries shows so.
func TestBankOfferedShowsWhatWasChosen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.created(t, `{"accounts":[],"balances":[],"additionalInformation":{"trustedBeneficiaries":[]}}`)
	w.store.edit(t, id, func(c *consent.Consent) {
		c.Status = consent.Valid
		c.Access.Grants = []consent.Grant{
			{Rights: consent.RightAccounts | consent.RightBalances, Reference: consent.Reference{IBAN: ibanLea, Currency: "EUR", CashAccountType: "CACC"}},
			{Rights: consent.RightAccounts, Reference: consent.Reference{IBAN: ibanLea2, MaskedPAN: "5254******41", Currency: "EUR"}},
		}
	})
	got, _, err := w.demo(t).Consent(t.Context(), id)
	require.NoError(t, err)
	first := wire.AccountReference{IBAN: ibanLea, Currency: "EUR", CashAccountType: "CACC"}
	second := wire.AccountReference{IBAN: ibanLea2, Currency: "EUR"}
	assert.Equal(t, wire.AccountAccess{
		Accounts:              []wire.AccountReference{first, second},
		Balances:              []wire.AccountReference{first},
		AdditionalInformation: &wire.AdditionalInformation{TrustedBeneficiaries: []wire.AccountReference{}},
	}, got.Access)
}

func TestLinksOfOtherPlaces(t *testing.T) {
	t.Parallel()
	w := setup(t, func(h *xs2a.Handler) {
		h.Links.BrowserURL = func(*http.Request) string { return "https://online.bank.example" }
		h.Links.Accounts = func(*http.Request) string { return "https://bank.example/v1/accounts" }
		h.Policy.MultipleConsents = true
	})
	demo := w.demo(t)
	created, meta, err := demo.CreateConsent(t.Context(), request(wire.AccountAccess{AllPSD2: wire.AllAccountsWithOwnerName}), options())
	require.NoError(t, err)
	assert.Equal(t, "true", meta.Header.Get("ASPSP-Multiple-Consent-Support"))
	assert.Equal(t, "https://online.bank.example/sca/secret-handle", created.Links["scaRedirect"].Href)
	assert.Contains(t, created.Links["self"].Href, "https://bank.example/v1/")
	got, _, err := demo.Consent(t.Context(), created.ConsentID)
	require.NoError(t, err)
	assert.Empty(t, got.Links, "nothing to read yet")
	w.store.edit(t, created.ConsentID, func(c *consent.Consent) { c.Status = consent.Valid })
	got, _, err = demo.Consent(t.Context(), created.ConsentID)
	require.NoError(t, err)
	assert.Equal(t, wire.Links{"account": {Href: "https://bank.example/v1/accounts"}}, got.Links)
}

// What the TPP says about the PSU reaches the run; its own Accept-Language is
// not the PSU's.
func TestHintReachesTheRun(t *testing.T) {
	t.Parallel()
	r := &runs{}
	w := setup(t, func(h *xs2a.Handler) { h.Consents.Runs = r })
	a := w.create(t, bankOffered, with{
		"PSU-ID": "sarl-ceo", "PSU-Corporate-ID": "852126789", "PSU-Accept-Language": "fr-FR,fr;q=0.9", "Accept-Language": "de",
	})
	require.Equal(t, http.StatusCreated, a.status, a.body)
	assert.Equal(t, "sarl-ceo", r.opened.Hint.PSU)
	assert.Equal(t, "852126789", r.opened.Hint.Corporate)
	assert.Equal(t, "fr-FR,fr;q=0.9", r.opened.Hint.Language)
}
