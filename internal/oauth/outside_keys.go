package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"golang.org/x/sync/singleflight"
)

const (
	// outsideKeysFresh is how long keys are used before they are read again.
	outsideKeysFresh = 10 * time.Minute
	// outsideKeysCount is how long they are used where that fails: about as long as the
	// access tokens live that were signed by them.
	outsideKeysCount = time.Hour
	// outsideRetry is the longest wait after a reading that failed.
	outsideRetry = 5 * time.Second

	maxOutsideJWKS = 256 << 10 // bytes
	maxOutsideKeys = 64
)

// outsideCurves are the algorithms of the curves (RFC 7518 §3.4).
var outsideCurves = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// outsideKeys are the keys of the bank's server. They are read when they are needed,
// by one reader at a time, and never more often than the interval allows: strangers
// cannot make us ask, however many keys they name. As long as they count, nobody waits
// for their renewal but who misses one.
type outsideKeys struct {
	algorithms []string
	source     func(ctx context.Context) ([]byte, error)
	interval   time.Duration
	now        func() time.Time

	flights  singleflight.Group
	readings sync.WaitGroup
	mu       sync.Mutex
	last     outsideReading
	cancel   context.CancelFunc // of the reading under way; nil for none
	closed   bool
}

// outsideReading is how the last readings went.
type outsideReading struct {
	keys outsideKeySet // of the last one that succeeded
	at   time.Time     // when that was
	// tried is when the last one began; err is how it failed.
	tried time.Time
	err   error
}

// newOutsideKeys looks at a file of keys at once, so that a wrong one is noticed.
func newOutsideKeys(o OutsideOptions, now func() time.Time) (*outsideKeys, error) {
	k := &outsideKeys{algorithms: o.JWKS.Algorithms, interval: o.JWKS.Interval, now: now}
	if len(k.algorithms) == 0 {
		k.algorithms = slices.Sorted(maps.Keys(outsideAlgorithms))
	}
	if o.JWKS.URL != "" {
		k.source = outsideFetch(o)
		return k, nil
	}
	k.source = func(context.Context) ([]byte, error) { return readOutsideFile(o.JWKS.File) }
	raw, err := readOutsideFile(o.JWKS.File)
	if err == nil {
		_, err = parseOutsideKeys(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("jwks.file: %w", err)
	}
	return k, nil
}

// read returns the keys, and has them renewed where they are no longer fresh. Who
// misses one waits for that, unless it was done just now, and who comes when none
// count. Fails with CodeUnavailable.
func (k *outsideKeys) read(ctx context.Context, missed bool) (outsideKeySet, error) {
	now, last := k.now(), k.reading()
	if !missed && last.count(now) {
		if !last.fresh(now) && !last.settled(now, k.interval) && !k.isReading() {
			k.fly(ctx) // nobody waits for it
		}
		return last.keys, nil
	}
	select {
	case flown := <-k.fly(ctx):
		if flown.Err != nil {
			return nil, outsideUnavailable("keys of the bank's server", flown.Err)
		}
		return k.reading().result(k.now(), missed)
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the keys of the bank's server: %w", ctx.Err())
	}
}

// fly renews the keys, or joins who does. Several wait for it, or nobody, so that it
// does not end with the call that began it, but with the program.
func (k *outsideKeys) fly(ctx context.Context) <-chan singleflight.Result {
	return k.flights.DoChan("", func() (any, error) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		if !k.begin(cancel) {
			return nil, errors.New("the program ends")
		}
		defer k.end()
		return nil, k.safely(ctx)
	})
}

// safely renews the keys; what goes wrong beyond measure ends neither a call nor, where
// nobody waits, the program.
func (k *outsideKeys) safely(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic (%T): %s", p, debug.Stack())
		}
	}()
	k.renew(ctx)
	return nil
}

// begin notes that keys are being read; false when they are not to be any more.
func (k *outsideKeys) begin(cancel context.CancelFunc) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	k.cancel = cancel
	k.readings.Add(1)
	return true
}

func (k *outsideKeys) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cancel = nil
	k.readings.Done()
}

func (k *outsideKeys) isReading() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cancel != nil
}

// close ends the reading under way, and waits for it.
func (k *outsideKeys) close(ctx context.Context) error {
	k.mu.Lock()
	k.closed = true
	if k.cancel != nil {
		k.cancel()
	}
	k.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.readings.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a reading of keys to end: %w", ctx.Err())
	}
}

func (k *outsideKeys) reading() outsideReading {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// renew reads the keys anew, unless somebody has just done so.
func (k *outsideKeys) renew(ctx context.Context) {
	now, last := k.now(), k.reading()
	if last.settled(now, k.interval) {
		return
	}
	raw, err := k.source(ctx)
	var keys outsideKeySet
	if err == nil {
		keys, err = parseOutsideKeys(raw)
	}
	last.tried, last.err = now, err
	if err == nil {
		last.keys, last.at = keys, now
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = last
}

// settled says that the source was read just now, and must be left alone.
func (r outsideReading) settled(now time.Time, interval time.Duration) bool {
	if r.err != nil {
		interval = min(interval, outsideRetry)
	}
	return !r.tried.IsZero() && outsideWithin(now.Sub(r.tried), interval)
}

func (r outsideReading) fresh(now time.Time) bool {
	return r.keys != nil && outsideWithin(now.Sub(r.at), outsideKeysFresh)
}

// count says that the keys may be used: they are not too old.
func (r outsideReading) count(now time.Time) bool {
	return r.keys != nil && outsideWithin(now.Sub(r.at), outsideKeysCount)
}

// result is what the readings have brought. Who misses a key is told whether there is
// none, or whether that is not known.
func (r outsideReading) result(now time.Time, missed bool) (outsideKeySet, error) {
	if r.err != nil && (missed || !r.count(now)) {
		return nil, outsideUnavailable("keys of the bank's server", r.err)
	}
	return r.keys, nil
}

// outsideWithin says that an age is one, and below a bound: the clock may go back.
func outsideWithin(age, bound time.Duration) bool { return age >= 0 && age < bound }

// outsideFetch gets the keys from the server.
func outsideFetch(o OutsideOptions) func(ctx context.Context) ([]byte, error) {
	client := outsideHTTP(o)
	return func(ctx context.Context) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.JWKS.URL, nil)
		if err != nil {
			return nil, errors.New("malformed address")
		}
		req.Header.Set("Accept", "application/jwk-set+json, application/json")
		return outsideExchange(client, req, maxOutsideJWKS)
	}
}

func readOutsideFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's configuration names it
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return readOutsideBody(f, maxOutsideJWKS)
}

// parseOutsideKeys reads the keys of a JWKS that are for verifying signatures by an
// algorithm that we know; others may stand beside them (RFC 7517 §5).
func parseOutsideKeys(raw []byte) (outsideKeySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, errors.New("not a JWKS")
	}
	if len(set.Keys) > maxOutsideKeys {
		return nil, fmt.Errorf("more than %d keys", maxOutsideKeys)
	}
	var keys outsideKeySet
	for _, one := range set.Keys {
		if key, ok := parseOutsideKey(one); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key for signatures")
	}
	return keys, nil
}

func parseOutsideKey(raw []byte) (outsideKey, bool) {
	parsed, err := jwk.ParseKey(raw)
	if err != nil {
		return outsideKey{}, false
	}
	if use, given := parsed.KeyUsage(); given && use != "sig" {
		return outsideKey{}, false
	}
	if ops, given := parsed.KeyOps(); given && !slices.Contains(ops, jwk.KeyOpVerify) {
		return outsideKey{}, false
	}
	public, err := jwk.PublicRawKeyOf(parsed)
	if err != nil {
		return outsideKey{}, false
	}
	id, _ := parsed.KeyID()
	key := outsideKey{id: id, public: public, algorithms: outsideAlgorithmsOf(public)}
	if only, given := parsed.Algorithm(); given {
		key.algorithms = slices.DeleteFunc(key.algorithms, func(name string) bool { return name != only.String() })
	}
	return key, len(key.algorithms) > 0
}

// outsideAlgorithmsOf are the algorithms that a key is made for.
func outsideAlgorithmsOf(public any) []string {
	switch key := public.(type) {
	case *rsa.PublicKey: // of 2048 bits and more: jwx reads no other (RFC 7518 §3.3)
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		if name, ok := outsideCurves[key.Params().Name]; ok {
			return []string{name}
		}
	}
	return nil
}
