package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"consentd/pkg/httpsig"
)

// requestsPerSecond is how many requests are prepared for each second that a
// measurement is to last: their number is fixed, not the time that they take.
const requestsPerSecond = 1000

// exchangeTimeout is that of wrk, too.
const exchangeTimeout = 10 * time.Second

// way is how a TPP reaches a server.
type way struct {
	name    string
	address string
	tls     *tls.Config     // nil: plain HTTP
	signer  *httpsig.Signer // nil: unsigned
}

// plainly and trusted are the two ways that are compared.
func (b *bench) plainly() way {
	return way{name: "create, unsigned, over plain HTTP", address: b.insecure.tpp}
}

func (b *bench) trusted() way {
	return way{name: "create, signed, over mutual TLS", address: b.verifying.tpp, tls: b.trust.client, signer: b.trust.signer}
}

// checkVerifying wants the server that is said to verify TPPs to refuse one that
// does not show its certificate, or does not sign.
func (b *bench) checkVerifying(ctx context.Context) error {
	unsigned, unknown := b.trusted(), b.trusted()
	unsigned.signer = nil
	unknown.tls = unknown.tls.Clone()
	unknown.tls.Certificates = nil
	for name, w := range map[string]way{"without a signature": unsigned, "without a client certificate": unknown} {
		if err := w.wantOne(ctx, http.StatusUnauthorized); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
	if err := b.trusted().wantOne(ctx, http.StatusCreated); err != nil {
		return fmt.Errorf("%s: %w", b.trusted().name, err)
	}
	if b.trust.asked.Load() == 0 {
		return errors.New("the list of revoked certificates was not asked for")
	}
	return nil
}

// wantOne posts one consent and wants an answer with that status.
func (w way) wantOne(ctx context.Context, status int) error {
	request, err := w.prepare(ctx)
	if err != nil {
		return err
	}
	c, err := w.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.exchange(request, status), c.Close())
}

// createBy posts consents on a way, and wants each to be answered 201 and stored.
func (b *bench) createBy(w way) func(context.Context, time.Duration) (result, error) {
	return func(ctx context.Context, length time.Duration) (result, error) {
		requests, err := w.prepareAll(ctx, int(requestsPerSecond*length.Seconds()))
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", w.name, err)
		}
		before, err := b.count(ctx, "consents")
		if err != nil {
			return result{}, err
		}
		got, err := w.sendAll(ctx, requests, b.clients)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", w.name, err)
		}
		after, err := b.count(ctx, "consents")
		if err == nil && after-before != len(requests) {
			err = fmt.Errorf("%s: %d answers, but %d consents stored", w.name, len(requests), after-before)
		}
		return got, err
	}
}

// prepareAll makes requests as they go over the wire, on all cores: a signature
// takes a millisecond.
func (w way) prepareAll(ctx context.Context, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(runtime.NumCPU())
	for i := range requests {
		all.Go(func() (err error) {
			requests[i], err = w.prepare(ctx)
			return err
		})
	}
	return requests, all.Wait()
}

// prepare makes one request with an id of its own.
func (w way) prepare(ctx context.Context) ([]byte, error) {
	r, err := postConsent(ctx, w.address, uuid.NewString())
	if err != nil {
		return nil, err
	}
	if w.signer != nil {
		if _, err := w.signer.Sign(r, []byte(body)); err != nil {
			return nil, err
		}
	}
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// sendAll sends requests over so many connections, each as soon as one is free.
// The clock starts once all connections are open.
func (w way) sendAll(ctx context.Context, requests [][]byte, clients int) (_ result, err error) {
	connections := make([]*connection, clients)
	for i := range connections {
		if connections[i], err = w.connect(ctx); err != nil {
			return result{}, err
		}
		defer connections[i].Close()
	}
	took := make([]time.Duration, len(requests))
	var sent atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for _, c := range connections {
		all.Go(func() error {
			for i := sent.Add(1) - 1; i < int64(len(requests)) && ctx.Err() == nil; i = sent.Add(1) - 1 {
				start := time.Now()
				if err := c.exchange(requests[i], http.StatusCreated); err != nil {
					return err
				}
				took[i] = time.Since(start)
			}
			return ctx.Err()
		})
	}
	if err := all.Wait(); err != nil {
		return result{}, err
	}
	seconds := time.Since(begin).Seconds()
	slices.Sort(took)
	return result{perSecond: float64(len(took)) / seconds, p50: took[len(took)*50/100], p99: took[len(took)*99/100]}, nil
}

// connection is one that is kept open.
type connection struct {
	net.Conn
	answers *bufio.Reader
}

func (w way) connect(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	var plain net.Dialer
	dial := plain.DialContext
	if w.tls != nil {
		dial = (&tls.Dialer{Config: w.tls}).DialContext
	}
	c, err := dial(ctx, "tcp", w.address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, answers: bufio.NewReader(c)}, nil
}

// exchange sends a request and wants its answer to have that status.
func (c *connection) exchange(request []byte, status int) error {
	if err := c.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		text, err := io.ReadAll(response.Body)
		return errors.Join(fmt.Errorf("answered %s, not %d\n%s", response.Status, status, text), err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
