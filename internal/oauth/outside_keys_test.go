package oauth_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/oauth"
)

var (
	// outsideStranger is a key that nobody publishes.
	outsideStranger = sync.OnceValue(func() *rsa.PrivateKey { return outsideMust(rsa.GenerateKey(rand.Reader, 2048)) })
	outsideWeak     = sync.OnceValue(func() *rsa.PrivateKey { return outsideMust(rsa.GenerateKey(rand.Reader, 1024)) })
)

func outsideJWKOf(key crypto.Signer) jwk.Key { return outsideMust(jwk.Import(key.Public())) }

// tries sends a token, good but for how it is signed, and returns the code of the answer.
func (b *outsideBundle) tries(t *testing.T, o *oauth.Outside, s outsideSigning) consent.Code {
	t.Helper()
	claims := outsideChanged(outsideSound(), map[string]any{
		"iat": b.clock.now().Unix(), "exp": b.clock.now().Add(time.Minute).Unix(),
	})
	_, err := o.Bearer(outsideRequest(outsideSign(t, s, claims)), outsideCaller())
	if err == nil {
		return ""
	}
	return consent.CodeOf(err)
}

func outsideByEC(id string) outsideSigning {
	return outsideSigning{jwa.ES256(), outsideEC(), map[string]any{"kid": id, "typ": "at+jwt"}}
}

// TestOutsideRotation: a new key is found when it is first used, an old one goes.
func TestOutsideRotation(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	require.Zero(t, b.calls(), "nothing is read before it is needed")
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	require.Equal(t, 1, b.calls())

	b.publish(t, outsidePublic(t, "a", outsideRSA(), nil), outsidePublic(t, "b", outsideEC(), nil))
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, outsideByEC("b")), "the keys were read just now")
	require.Equal(t, 1, b.calls())
	b.clock.advance(30 * time.Second)
	require.Empty(t, b.tries(t, o, outsideByEC("b")))
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	require.Equal(t, 2, b.calls())

	b.publish(t, outsidePublic(t, "b", outsideEC(), nil))
	b.clock.advance(9*time.Minute + 59*time.Second)
	require.Empty(t, b.tries(t, o, outsideByRSA()), "still fresh")
	b.clock.advance(time.Second)
	require.Eventually(t, func() bool {
		return b.tries(t, o, outsideByRSA()) == consent.CodeTokenInvalid
	}, 5*time.Second, time.Millisecond, "taken back, which nobody waits for")
	require.Empty(t, b.tries(t, o, outsideByEC("b")))
	require.Equal(t, 3, b.calls())
}

// TestOutsideRotationWithoutNames: keys that have no kid.
func TestOutsideRotationWithoutNames(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	nameless := map[string]any{"kid": nil}
	o := b.byKeys(t, outsidePublic(t, "", outsideRSA(), nameless))
	s := outsideSigning{jwa.RS256(), outsideStranger(), map[string]any{"typ": "at+jwt"}}
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, s))
	b.publish(t, outsidePublic(t, "", outsideRSA(), nameless), outsidePublic(t, "", outsideStranger(), nameless))
	b.clock.advance(30 * time.Second)
	require.Empty(t, b.tries(t, o, s))
	require.Equal(t, 2, b.calls())
}

// TestOutsideHammering: however many keys strangers name, at once and for hours, the
// bank's server is asked no more than once in an interval.
func TestOutsideHammering(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.options.JWKS = &oauth.OutsideJWKS{URL: b.server.URL, Interval: time.Minute}
	b.publish(t, outsidePublic(t, "a", outsideRSA(), nil))
	o := b.outside(t)
	const minutes, parallel = 20, 16
	for minute := range minutes {
		var all sync.WaitGroup
		for i := range parallel {
			all.Go(func() {
				s := outsideByEC(fmt.Sprintf("%d-%d", minute, i))
				require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, s))
				delete(s.header, "kid")
				require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, s))
			})
		}
		all.Wait()
		require.LessOrEqual(t, b.calls(), minute+1)
		b.clock.advance(time.Minute)
	}
	require.Equal(t, minutes, b.calls(), "and it is asked in each")
	b.clock.advance(-time.Hour)
	require.Empty(t, b.tries(t, o, outsideByRSA()), "a clock that goes back does no harm")
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, outsideByEC("z")))
	require.Equal(t, minutes+1, b.calls())
}

// TestOutsideFirstCallsShare: those that come before there are keys wait for one
// reading.
func TestOutsideFirstCallsShare(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { require.Empty(t, b.tries(t, o, outsideByRSA())) })
	}
	all.Wait()
	require.Equal(t, 1, b.calls())
}

// TestOutsideServerDown: without keys nothing can be told; with old ones it goes on for
// a while, but a key that is missing may be there.
func TestOutsideServerDown(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t)
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	b.answers(down)
	for range 5 {
		require.Equal(t, consent.CodeUnavailable, b.tries(t, o, outsideByRSA()))
	}
	require.Equal(t, 1, b.calls())
	b.publish(t, outsidePublic(t, "a", outsideRSA(), nil))
	b.clock.advance(5 * time.Second)
	require.Empty(t, b.tries(t, o, outsideByRSA()), "after a failure it is asked sooner")
	require.Equal(t, 2, b.calls())

	b.answers(down)
	b.clock.advance(10 * time.Minute)
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	require.Equal(t, consent.CodeUnavailable, b.tries(t, o, outsideByEC("b")))
	require.Equal(t, 3, b.calls())
	b.clock.advance(49*time.Minute + 59*time.Second)
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	b.clock.advance(time.Second)
	require.Equal(t, consent.CodeUnavailable, b.tries(t, o, outsideByRSA()), "these keys are too old")
	b.publish(t, outsidePublic(t, "a", outsideRSA(), nil))
	b.clock.advance(5 * time.Second)
	require.Empty(t, b.tries(t, o, outsideByRSA()))
}

// TestOutsideBadAnswers: answers that are no keys.
func TestOutsideBadAnswers(t *testing.T) {
	t.Parallel()
	key := outsidePublic(t, "a", outsideRSA(), nil)
	set := func(keys ...map[string]any) string {
		return string(outsideMust(json.Marshal(map[string]any{"keys": keys})))
	}
	many := make([]map[string]any, 65)
	for i := range many {
		many[i] = key
	}
	for name, c := range map[string]struct{ body, why string }{
		"nothing":          {"", "not a JWKS"},
		"no JSON":          {"<html>", "not a JWKS"},
		"no keys":          {`{"keys":[]}`, "no key for signatures"},
		"too large":        {strings.Repeat(" ", 256<<10) + set(key), "more than 262144 bytes"},
		"too many":         {set(many...), "more than 64 keys"},
		"for encryption":   {set(outsidePublic(t, "a", outsideRSA(), map[string]any{"use": "enc"})), "no key for signatures"},
		"for wrapping":     {set(outsidePublic(t, "a", outsideRSA(), map[string]any{"use": nil, "key_ops": []string{"wrapKey"}})), "no key for signatures"},
		"another's alg":    {set(outsidePublic(t, "a", outsideRSA(), map[string]any{"alg": "RSA-OAEP"})), "no key for signatures"},
		"a weak key":       {set(map[string]any{"kty": "RSA", "kid": "a", "n": base64.RawURLEncoding.EncodeToString(outsideWeak().N.Bytes()), "e": "AQAB"}), "no key for signatures"},
		"a shared secret":  {`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a","alg":"HS256"}]}`, "no key for signatures"},
		"an unknown kind":  {`{"keys":[{"kty":"AKP","kid":"a","pub":"c2VjcmV0"}]}`, "no key for signatures"},
		"a key that isn't": {`{"keys":[3]}`, "no key for signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := outsideSetup(t)
			o := b.byKeys(t)
			b.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) })
			_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideSound())), outsideCaller())
			outsideRefused(t, b, err, consent.CodeUnavailable, c.why)
		})
	}
}

// TestOutsideKeysBesideOthers: what we cannot use does not spoil what we can; alg of a
// key holds; a private key counts by its public half.
func TestOutsideKeysBesideOthers(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	private := map[string]any{}
	require.NoError(t, json.Unmarshal(outsideMust(json.Marshal(outsideMust(jwk.Import(outsideEC())))), &private))
	private["kid"] = "e"
	o := b.byKeys(t,
		map[string]any{"kty": "AKP", "kid": "x"}, map[string]any{"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
		outsidePublic(t, "a", outsideRSA(), map[string]any{"alg": "PS256"}), private)
	require.Empty(t, b.tries(t, o, outsideByEC("e")))
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, outsideByRSA()), "the key is for PS256")
	require.Empty(t, b.tries(t, o, outsideSigning{jwa.PS256(), outsideRSA(), map[string]any{"kid": "a", "typ": "JWT"}}))
}

// TestOutsideAllowedAlgorithms: the bank may allow fewer.
func TestOutsideAllowedAlgorithms(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.publish(t, outsidePublic(t, "a", outsideRSA(), nil), outsidePublic(t, "e", outsideEC(), nil))
	b.options.JWKS = &oauth.OutsideJWKS{URL: b.server.URL, Algorithms: []string{"ES256"}}
	o := b.outside(t)
	require.Empty(t, b.tries(t, o, outsideByEC("e")))
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, outsideByRSA()))
}

// TestOutsideKeysAway: a redirect is not followed.
func TestOutsideKeysAway(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t)
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, b.server.URL+"/else", http.StatusFound)
	})
	_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideSound())), outsideCaller())
	outsideRefused(t, b, err, consent.CodeUnavailable, "status 302")
	require.Equal(t, 1, b.calls())
}

// TestOutsideKeysSlow: the wait is bounded.
func TestOutsideKeysSlow(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.options.Timeout = 50 * time.Millisecond
	o := b.byKeys(t)
	b.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := o.Bearer(outsideRequest(outsideSign(t, outsideByRSA(), outsideSound())), outsideCaller())
	outsideRefused(t, b, err, consent.CodeUnavailable, "deadline exceeded")
}

// TestOutsideKeysHang: while there are keys that count, an address that hangs holds up
// nobody but who misses one; and it does not outlive the program.
func TestOutsideKeysHang(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	b.options.Timeout = time.Hour
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	ended := make(chan struct{}, 1)
	b.answers(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended <- struct{}{}
	})
	b.clock.advance(10 * time.Minute)
	for range 50 {
		require.Empty(t, b.tries(t, o, outsideByRSA()))
	}
	require.Eventually(t, func() bool { return b.calls() == 2 }, 5*time.Second, time.Millisecond)
	waits, unknown := make(chan error, 1), outsideRequest(outsideSign(t, outsideByEC("b"), outsideSound()))
	go func() {
		_, err := o.Bearer(unknown, outsideCaller())
		waits <- err
	}()
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	select {
	case err := <-waits:
		require.Fail(t, "is judged without waiting", err)
	default:
	}
	require.Equal(t, 2, b.calls(), "one reading at a time")

	require.NoError(t, o.Close(t.Context()))
	require.Equal(t, consent.CodeUnavailable, consent.CodeOf(<-waits))
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		require.Fail(t, "the reading goes on")
	}
	b.clock.advance(time.Hour)
	require.Equal(t, consent.CodeUnavailable, b.tries(t, o, outsideByRSA()), "these keys are too old, and are not read again")
	require.Equal(t, 2, b.calls())
}

// TestOutsideCloseOfNothing: there is nothing to wait for.
func TestOutsideCloseOfNothing(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	require.NoError(t, o.Close(t.Context()), "nothing is under way")
	asked := outsideSetup(t)
	require.NoError(t, asked.byAsking(t, nil).Close(t.Context()), "nothing ever is")
}

// TestOutsideKeysLeft: who goes away waits no longer, and spoils it for nobody else.
func TestOutsideKeysLeft(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	o := b.byKeys(t, outsidePublic(t, "a", outsideRSA(), nil))
	answer, open := b.answer, make(chan struct{})
	b.answers(func(w http.ResponseWriter, r *http.Request) {
		<-open
		answer(w, r)
	})
	ctx, leave := context.WithCancel(t.Context())
	r := outsideRequest(outsideSign(t, outsideByRSA(), outsideSound())).WithContext(ctx)
	left := make(chan error, 1)
	go func() {
		_, err := o.Bearer(r, outsideCaller())
		left <- err
	}()
	require.Eventually(t, func() bool { return b.calls() == 1 }, 5*time.Second, time.Millisecond)
	leave()
	select {
	case err := <-left:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(4 * time.Second): // before the server's time is over
		require.Fail(t, "still waits")
	}
	close(open)
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	require.Equal(t, 1, b.calls())
}

// TestOutsideKeysFile: from a file, which is read again like an address.
func TestOutsideKeysFile(t *testing.T) {
	t.Parallel()
	b := outsideSetup(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	write := func(keys ...map[string]any) {
		require.NoError(t, os.WriteFile(file, outsideMust(json.Marshal(map[string]any{"keys": keys})), 0o600))
	}
	b.options.JWKS = &oauth.OutsideJWKS{File: file}
	_, err := oauth.NewOutside(b.options, &b.gate, b.clock.now)
	require.ErrorIs(t, err, os.ErrNotExist)
	write()
	_, err = oauth.NewOutside(b.options, &b.gate, b.clock.now)
	require.ErrorContains(t, err, "jwks.file: no key for signatures")

	write(outsidePublic(t, "a", outsideRSA(), nil))
	o := b.outside(t)
	require.Empty(t, b.tries(t, o, outsideByRSA()))
	write(outsidePublic(t, "b", outsideEC(), nil))
	b.clock.advance(30 * time.Second)
	require.Empty(t, b.tries(t, o, outsideByEC("b")))
	require.Equal(t, consent.CodeTokenInvalid, b.tries(t, o, outsideByRSA()))
	require.Zero(t, b.calls())
}
