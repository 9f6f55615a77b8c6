package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// maxOutsideAnswer is the most that is read of an answer about a token, in bytes.
const maxOutsideAnswer = 64 << 10

// outsideIntrospection asks the bank's server for tokens (RFC 7662), for each by one
// call at a time, and keeps for a short time what it says of those that are good.
type outsideIntrospection struct {
	options OutsideIntrospection
	names   outsideNames
	timeout time.Duration
	client  *http.Client
	now     func() time.Time

	flights singleflight.Group
	answers *lru.Cache[[sha256.Size]byte, outsideAnswer] // by the digest of the token
}

// outsideAnswer counts from the moment at which it was asked for, until another.
type outsideAnswer struct {
	claims      outsideClaims
	from, until time.Time
}

func newOutsideIntrospection(o OutsideOptions, now func() time.Time) *outsideIntrospection {
	answers, err := lru.New[[sha256.Size]byte, outsideAnswer](o.Introspection.Size)
	if err != nil {
		panic(err) // only for a size that is not above zero, and that was checked
	}
	return &outsideIntrospection{
		options: *o.Introspection, names: o.names(), timeout: o.Timeout, client: outsideHTTP(o), now: now, answers: answers,
	}
}

// verify implements outsideVerifier.
func (i *outsideIntrospection) verify(ctx context.Context, token string) (outsideClaims, error) {
	digest := sha256.Sum256([]byte(token))
	if claims, ok := i.known(digest); ok {
		return claims, nil
	}
	flight := i.flights.DoChan(string(digest[:]), func() (any, error) {
		if claims, ok := i.known(digest); ok { // another flight ended since we looked
			return claims, nil
		}
		// Several may wait for it, so that it does not end with the call that began it.
		return i.ask(context.WithoutCancel(ctx), token, digest)
	})
	select {
	case answer := <-flight:
		claims, _ := answer.Val.(outsideClaims)
		return claims, answer.Err
	case <-ctx.Done():
		return outsideClaims{}, fmt.Errorf("wait for the bank's server: %w", ctx.Err())
	}
}

// known is what the server said of a token, as long as that counts.
func (i *outsideIntrospection) known(digest [sha256.Size]byte) (outsideClaims, bool) {
	answer, ok := i.answers.Get(digest)
	now := i.now()
	return answer.claims, ok && !now.Before(answer.from) && now.Before(answer.until)
}

// ask asks for a token, and keeps that it is good.
func (i *outsideIntrospection) ask(ctx context.Context, token string, digest [sha256.Size]byte) (outsideClaims, error) {
	from := i.now()
	raw, err := i.call(ctx, token)
	if err != nil {
		return outsideClaims{}, outsideUnavailable("introspection", err)
	}
	members, err := decodeOutside(raw)
	if err != nil {
		return outsideClaims{}, outsideUnavailable("introspection", err)
	}
	active, ok := members["active"].(bool)
	if !ok {
		return outsideClaims{}, outsideUnavailable("introspection", errors.New("the answer does not say whether the token is active"))
	}
	if !active {
		i.answers.Remove(digest)
		return outsideClaims{}, outsideError("is not active")
	}
	claims, err := readOutside(members, i.names)
	if err != nil {
		return outsideClaims{}, err
	}
	if until := outsideEarliest(from.Add(i.options.Keep), claims.expires); from.Before(until) {
		i.answers.Add(digest, outsideAnswer{claims: claims, from: from, until: until})
	}
	return claims, nil
}

// call makes the request (RFC 7662 §2.1).
func (i *outsideIntrospection) call(ctx context.Context, token string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.options.URL, strings.NewReader(form.Encode())) //nolint:gosec // G704: as outsideExchange
	if err != nil {
		return nil, errors.New("malformed address")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749 §2.3.1: both are encoded as in a form.
	req.SetBasicAuth(url.QueryEscape(i.options.ClientID), url.QueryEscape(i.options.ClientSecret))
	return outsideExchange(i.client, req, maxOutsideAnswer)
}
