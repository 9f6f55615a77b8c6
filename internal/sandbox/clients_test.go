package sandbox_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/sandbox"
	"consentd/internal/service/register"
)

// clients is a register that is only asked for clients.
type clients struct {
	rows   map[string]*register.TPP
	causes []consent.Cause
	fails  error
}

func (c *clients) Get(_ context.Context, id string) (*register.TPP, error) {
	if row := c.rows[id]; row != nil {
		return row, c.fails
	}
	return nil, consent.E(consent.CodeNotFound, "no such TPP")
}

func (c *clients) Client(ctx context.Context, clientID string) (*register.TPP, error) {
	for id, row := range c.rows {
		if row.Organisation == clientID {
			return c.Get(ctx, id)
		}
	}
	return c.Get(ctx, clientID)
}

func (c *clients) SetClient(_ context.Context, cause consent.Cause, id string, set register.Client) (*register.TPP, error) {
	if slices.Contains(set.RedirectURIs, "http://far.example/") {
		return nil, consent.Faults{consent.At(consent.CodeFormat, "redirectUris[0]", "must be an absolute https URI")}
	}
	c.causes = append(c.causes, cause)
	row := &register.TPP{ID: id, Organisation: id[len("XX-SANDBOX:"):], RedirectURIs: set.RedirectURIs, Seals: set.Seals}
	c.rows[id] = row
	return row, c.fails
}

func withClients(c *clients) func(*sandbox.Sandbox) {
	c.rows = map[string]*register.TPP{}
	return func(s *sandbox.Sandbox) { s.TPPs.Clients = c }
}

// ownPages are the redirect URIs that a TPP has which has chosen none.
func ownPages() []string {
	return pagesAt("8080")
}

func pagesAt(port string) []string {
	var uris []string
	for _, name := range []string{"localhost", "127.0.0.1", "[::1]"} {
		uris = append(uris, "http://"+name+":"+port+"/sandbox/return", "http://"+name+":"+port+"/tpp/stet/return")
	}
	return uris
}

const acmeID = "XX-SANDBOX:PSDXX-SANDBOX-ACME"

// TestClients: the sandbox's TPPs are clients of OAuth2 when somebody asks, by
// whichever id, and nothing is written before.
func TestClients(t *testing.T) {
	t.Parallel()
	c := &clients{}
	b := setup(t, withClients(c))
	require.Empty(t, c.causes)
	for _, id := range []string{"PSDXX-SANDBOX-ACME", acmeID, "PSDXX-SANDBOX-DEMO", "PSDXX-SANDBOX-BETA"} {
		got, err := b.tpps.Client(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, ownPages(), got.RedirectURIs, id)
		require.Empty(t, got.Seals, "keys are slow to make")
		require.Equal(t, []string{"PSP_AS", "PSP_PI", "PSP_AI", "PSP_IC"}, got.Roles, "it may ask before it has called")
	}
	c.rows[acmeID].Name, c.rows[acmeID].Roles, c.rows[acmeID].FirstSeen = "Acme", []string{"PSP_AI"}, start()
	got, err := b.tpps.Client(t.Context(), acmeID)
	require.NoError(t, err)
	require.Equal(t, c.rows[acmeID], got, "of one that has called the register knows best")
	require.Equal(t, slices.Repeat([]consent.Cause{{By: consent.ByASPSP, Who: "sandbox"}}, 3), c.causes, "once for each")
	_, err = b.tpps.Client(t.Context(), "PSDDE-BAFIN-125314")
	require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
}

// TestClientsBehindProxy are led back to where browsers come from.
func TestClientsBehindProxy(t *testing.T) {
	t.Parallel()
	c := &clients{}
	b := setup(t, withClients(c), func(s *sandbox.Sandbox) { s.Public = "https://sandbox.bank.example" })
	got, err := b.tpps.Client(t.Context(), acmeID)
	require.NoError(t, err)
	require.Equal(t, []string{"https://sandbox.bank.example/sandbox/return", "https://sandbox.bank.example/tpp/stet/return"}, got.RedirectURIs)
}

// TestSealsAreRegistered when they are issued, also anew; those that the bank has
// noted stay.
func TestSealsAreRegistered(t *testing.T) {
	t.Parallel()
	c := &clients{}
	b := setup(t, withClients(c))
	var k sandbox.Kit
	b.call(t, http.MethodGet, "/sandbox/tpps/acme", "").json(t, &k)
	require.Equal(t, ownPages(), k.RedirectURIs)
	require.Equal(t, [][]byte{leaf(t, k.QSEAL).Raw}, c.rows[acmeID].Seals)

	c.rows[acmeID].Seals = append(c.rows[acmeID].Seals, []byte("another"))
	next := b.order(t, `{"name":"acme","roles":["PSP_AI"]}`, http.StatusCreated)
	require.Equal(t, [][]byte{leaf(t, k.QSEAL).Raw, []byte("another"), leaf(t, next.QSEAL).Raw}, c.rows[acmeID].Seals)
	written := len(c.causes)
	require.Equal(t, next, b.order(t, `{"name":"acme","roles":["PSP_AI"]}`, http.StatusOK))
	require.Len(t, c.causes, written, "nothing is new")
}

func TestRedirectURIsOfOrder(t *testing.T) {
	t.Parallel()
	c := &clients{}
	b := setup(t, withClients(c))
	k := b.order(t, `{"name":"mint","redirectUris":["https://mint.example/cb","com.mint.app:/cb"]}`, http.StatusCreated)
	require.Equal(t, []string{"https://mint.example/cb", "com.mint.app:/cb"}, k.RedirectURIs)
	var read sandbox.Kit
	b.call(t, http.MethodGet, "/sandbox/tpps/mint", "").json(t, &read)
	require.Equal(t, k, read)
	b.order(t, `{"name":"mint"}`, http.StatusConflict)
	b.order(t, `{"name":"mint","redirectUris":[]}`, http.StatusConflict)

	got := b.call(t, http.MethodPost, "/sandbox/tpps", `{"name":"far","redirectUris":["http://far.example/"]}`)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, `"path":"redirectUris[0]"`)
	require.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, "/sandbox/tpps/far", "").status, "nothing was made")
}

// TestClientsOfFormerRuns: what the bank has changed in the register stays, over a new
// start too; only addresses that have moved are renewed.
func TestClientsOfFormerRuns(t *testing.T) {
	t.Parallel()
	c := &clients{}
	b := setup(t, withClients(c))
	_, err := b.tpps.Client(t.Context(), acmeID)
	require.NoError(t, err)
	c.rows[acmeID].RedirectURIs = []string{"https://acme.example/cb", ownPages()[0]}

	again := &sandbox.TPPs{CA: b.tpps.CA, Store: b.tpps.Store, Now: b.tpps.Now, URL: b.tpps.URL, Clients: c}
	require.NoError(t, again.Load(t.Context()))
	got, err := again.Client(t.Context(), acmeID)
	require.NoError(t, err)
	require.Equal(t, []string{"https://acme.example/cb", ownPages()[0]}, got.RedirectURIs)

	again.URL = func() string { return "http://localhost:9090" }
	got, err = again.Client(t.Context(), acmeID)
	require.NoError(t, err)
	require.Equal(t, append(pagesAt("9090"), "https://acme.example/cb"), got.RedirectURIs)

	c.fails = consent.E(consent.CodeUnavailable, "the database does not answer")
	_, err = again.Client(t.Context(), acmeID)
	assert.Equal(t, consent.CodeUnavailable, consent.CodeOf(err))
}
