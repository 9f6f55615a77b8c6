package tpp_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/service/register"
	"consentd/internal/tpp"
	"consentd/pkg/eidas"
	"consentd/pkg/eidas/issue"
	"consentd/pkg/httpsig"
)

// start is when the tests take place.
var start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// keys are slow to make, and one does for all certificates here.
var keys = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// admitted is a register that remembers whom it let in.
type admitted struct {
	mu   sync.Mutex
	seen []register.TPP
	ids  []string // of the calls
	err  error
}

// Admit implements tpp.Register.
func (a *admitted) Admit(_ context.Context, t register.TPP, requestID string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen, a.ids = append(a.seen, t), append(a.ids, requestID)
	return a.err
}

// bundle is a TPP with its certificates, and who judges them.
type bundle struct {
	t           *testing.T
	ca          *issue.Authority
	qwac, qseal *issue.Issued
	id          string
	register    *admitted
	verifier    *eidas.Verifier
	callers     tpp.Certificates
	now         time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, id: "DE-BAFIN:PSDDE-BAFIN-125314", register: &admitted{}, now: start}
	var err error
	b.ca, err = issue.New("Example Trust Services", start.AddDate(-5, 0, 0), start.AddDate(20, 0, 0))
	require.NoError(t, err)
	b.qwac, b.qseal = b.issue(eidas.Web, nil), b.issue(eidas.Seal, nil)
	b.verifier = eidas.NewVerifier(eidas.Options{Anchors: eidas.NewAnchors(b.ca.Certificate()), Now: func() time.Time { return b.now }})
	b.callers = tpp.Certificates{Verifier: b.verifier, Register: b.register}
	return b
}

// issue makes a certificate of the TPP, but for what change says.
func (b *bundle) issue(kind eidas.Type, change func(*issue.Order)) *issue.Issued {
	b.t.Helper()
	o := issue.Order{
		Type: kind, Name: "Acme Money", Organisation: "PSDDE-BAFIN-125314", NCAID: "DE-BAFIN", NCAName: "BaFin",
		Roles: []eidas.Role{eidas.RoleAI}, Domains: []string{"acme.example"}, Key: keys(),
		NotBefore: start.AddDate(0, -1, 0), NotAfter: start.AddDate(1, 0, 0),
	}
	if change != nil {
		change(&o)
	}
	issued, err := b.ca.Issue(o)
	require.NoError(b.t, err)
	return issued
}

// connected makes a request one that came over mutual TLS.
func (b *bundle) connected(r *http.Request, with *issue.Issued) {
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{with.Certificate}}
}

// signatures are those that a bank requires.
func (b *bundle) signatures() tpp.Signatures {
	return tpp.Signatures{Required: true, Seals: b.verifier, Profile: httpsig.DefaultProfile()}
}

// caller is the TPP, identified.
func (b *bundle) caller() tpp.TPP {
	cert, err := eidas.Parse(b.qwac.Certificate)
	require.NoError(b.t, err)
	return tpp.TPP{ID: cert.ID(), Name: cert.Name, Certificate: cert, Roles: cert.Roles}
}

// shut is a register's store in which the bank has shut everybody out.
type shut struct{ register.Store }

// Standing implements register.Store.
func (shut) Standing(_ context.Context, id string) (*register.TPP, error) {
	return &register.TPP{ID: id, FirstSeen: start, Block: &register.Block{}}, nil
}
