package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Retry says what is sent again without asking: a call whose connection broke,
// and one that was answered 503 with Retry-After. Every try carries the same
// X-Request-ID.
type Retry struct {
	// Times is how often a call is sent again at most; 0 for never.
	Times int
	// MaxWait is the longest time to wait before a try. A bank that asks for more
	// has its answer handed on at once. Without Retry-After the waits begin at
	// 100 ms and double up to half a minute.
	MaxWait time.Duration
	// Writes sends POST, PUT and DELETE again as well. That is safe with a bank
	// that answers a repeated X-Request-ID with its first answer, as consentd does.
	// Even there a wrong password whose answer got lost counts as two.
	Writes bool
}

// DefaultRetry is how a [Client] is made: what reads is tried three times, and
// what writes once.
func DefaultRetry() Retry { return Retry{Times: 2, MaxWait: 5 * time.Second} }

// WithRetry changes what is sent again; Retry{} for nothing.
func WithRetry(r Retry) Option {
	return func(to *Client) { to.retry = r }
}

// refusal is an answer that is not a success, of whichever interface.
type refusal interface {
	error
	// later is the status, and after how long the bank wants to be asked again.
	later() (status int, after time.Duration)
}

const (
	// firstWait is the time before the second try.
	firstWait = 100 * time.Millisecond
	// maxDoubled is how often it doubles, which makes half a minute.
	maxDoubled = 8
)

// wait is how long to wait before a call that failed is sent again, and whether
// it is; tries is how often it was sent.
func (r Retry) wait(method string, tries int, err error) (time.Duration, bool) {
	if tries > r.Times || method != http.MethodGet && !r.Writes {
		return 0, false
	}
	wait := min(firstWait<<min(tries-1, maxDoubled), r.MaxWait)
	if refused, ok := errors.AsType[refusal](err); ok {
		status, after := refused.later()
		if status != http.StatusServiceUnavailable || after == 0 {
			return 0, false
		}
		wait = after
	} else if !broken(err) {
		return 0, false
	}
	return wait, wait <= r.MaxWait
}

// broken tells that no whole answer came because of the connection. What took
// too long is not tried again: it would take as long once more.
func broken(err error) bool {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return false
	}
	_, network := errors.AsType[*net.OpError](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to try again: %w", context.Cause(ctx))
	}
}
