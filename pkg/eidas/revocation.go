package eidas

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	defaultTimeout = 3 * time.Second
	defaultKeep    = time.Hour
	// failureKept is how long an address that did not help is not asked again, so
	// that a dead one does not hold every call.
	failureKept = 10 * time.Second
	// clockSkew is by how much an authority's clock may be ahead of ours, and how old
	// an OCSP answer may be that does not say when the next one comes.
	clockSkew = 5 * time.Minute

	maxAnswers   = 4096
	maxLists     = 64
	maxFailures  = 4096
	maxAddresses = 4 // of one kind, of one certificate
)

// Revocation asks authorities whether they have revoked a certificate: by OCSP
// (RFC 6960) where the certificate names a responder, and by the authority's list
// (CRL, RFC 5280 §5) where it names none or no responder has told. Answers and
// lists are kept, within bounds; the same question is under way only once. A
// certificate used for OCSP answers is not looked up itself.
//
// One Revocation may serve several verifiers. Its exported fields must not be
// changed once it is in use.
type Revocation struct {
	// HTTP does the calls; nil is a client of our own. Its CheckRedirect and Jar are
	// not used.
	HTTP *http.Client
	// Timeout bounds what one verification waits for authorities, all in all; 3 s
	// where it is zero. Half of it is for OCSP.
	Timeout time.Duration
	// Keep bounds how long an answer or list counts; an hour where it is zero.
	Keep time.Duration
	// FailOpen takes certificates for good of which nothing can be told now. That an
	// authority knows no such certificate is told.
	FailOpen bool

	once     sync.Once
	client   *http.Client
	answers  *memory[string, answer]
	lists    *memory[string, *list]
	failures *memory[string, error]
	flights  singleflight.Group
}

// answer is what an authority says of one certificate.
type answer struct {
	revoked bool
	until   time.Time // when it must be asked again
}

// What authorities can say against a chain.
var (
	errRevoked       = errors.New("revoked")
	errIssuerRevoked = errors.New("an issuer is revoked")
)

// errNowhere says that a certificate names no address at which its revocation
// could be asked.
var errNowhere = errors.New("no address to ask at")

func (r *Revocation) prepare() {
	r.once.Do(func() {
		r.client = r.newClient()
		r.answers = newMemory[string, answer](maxAnswers)
		r.lists = newMemory[string, *list](maxLists)
		r.failures = newMemory[string, error](maxFailures)
	})
}

func (r *Revocation) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return defaultTimeout
}

func (r *Revocation) keep() time.Duration {
	if r.Keep > 0 {
		return r.Keep
	}
	return defaultKeep
}

// check looks up every certificate of a chain but the anchor at its end, at the
// same time, and waits for no longer than the context, which bounds the whole. It
// returns until when that holds; and an error where they are not all clear:
// errRevoked, errIssuerRevoked, or why nothing can be told.
func (r *Revocation) check(ctx context.Context, chain []*x509.Certificate, now time.Time) (time.Time, error) {
	r.prepare()
	answers, errs := make([]answer, len(chain)-1), make([]error, len(chain)-1)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i], errs[i] = r.ask(ctx, chain[i], chain[i+1], now) })
	}
	all.Wait()
	until := now.Add(r.keep())
	for i, a := range answers {
		switch {
		case a.revoked && i == 0:
			return now, errRevoked
		case a.revoked:
			return now, errIssuerRevoked
		case errs[i] == nil:
			until = earliest(until, a.until)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return earliest(until, now.Add(failureKept)), err
	}
	return until, nil
}

// ask finds out about one certificate: from the first address that can tell.
func (r *Revocation) ask(ctx context.Context, cert, issuer *x509.Certificate, now time.Time) (answer, error) {
	q := &question{cert: cert, issuer: issuer, now: now}
	responders, lists := addresses(cert.OCSPServer), addresses(cert.CRLDistributionPoints)
	var errs []error
	half, cancel := context.WithTimeout(ctx, r.timeout()/2)
	defer cancel()
	if len(lists) == 0 {
		half = ctx // nothing else to wait for
	}
	for _, address := range responders {
		a, err := r.responder(half, address, q)
		if err == nil {
			return a, nil
		}
		errs = append(errs, fmt.Errorf("ocsp: %w", err))
	}
	for _, address := range lists {
		a, err := r.listed(ctx, address, q)
		if err == nil {
			return a, nil
		}
		errs = append(errs, fmt.Errorf("crl: %w", err))
	}
	if len(errs) == 0 {
		return answer{}, errNowhere
	}
	return answer{}, errors.Join(errs...)
}

// question is what authorities are asked.
type question struct {
	cert, issuer *x509.Certificate
	now          time.Time
}

// key names the question about an issuer at an address: kind, address, issuer. The
// issuer's certificate stands for its key and name.
func (q *question) key(kind, address string) string {
	sum := sha256.Sum256(q.issuer.Raw)
	return kind + " " + address + " " + string(sum[:])
}

// addresses are those of some that can be asked, within bounds.
func addresses(named []string) []string {
	web := slices.DeleteFunc(slices.Clone(named), func(a string) bool {
		lower := strings.ToLower(a)
		return !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://")
	})
	return web[:min(len(web), maxAddresses)]
}

// learn is what is kept under a key, or what find finds out and until when it
// counts: once for all who ask for the same at a time, on a time-out of its own, so
// that a caller who has gone on, or away, leaves an answer behind for the next. A
// failure is kept for a while, too.
func learn[V any](ctx context.Context, r *Revocation, m *memory[string, V], q *question, key string, find func(context.Context) (V, error)) (V, error) {
	look := func() (V, error, bool) {
		if v, known := m.get(key, q.now); known {
			return v, nil, true
		}
		var none V
		err, failed := r.failures.get(key, q.now)
		return none, err, failed
	}
	if v, err, known := look(); known {
		return v, err
	}
	flight := r.flights.DoChan(key, func() (any, error) {
		// Another flight may have ended since.
		if v, err, known := look(); known {
			return v, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout())
		defer cancel()
		v, err := find(ctx)
		if err != nil {
			r.failures.put(key, err, q.now, q.now.Add(failureKept))
		}
		return v, err
	})
	select {
	case result := <-flight:
		v, _ := result.Val.(V)
		return v, result.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}
