package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// mixedRate is how many requests a second are sent, whether or not the former ones
// have been answered.
const mixedRate = 450

// blend says how often in twenty each kind of request is sent.
var blend = []struct {
	of   int
	make func(context.Context, *bench) (*http.Request, error)
	want int
}{
	{10, func(ctx context.Context, b *bench) (*http.Request, error) {
		return b.check(ctx, b.any(), "192.0.2.17", uuid.NewString())
	}, http.StatusOK},
	{5, func(ctx context.Context, b *bench) (*http.Request, error) {
		return b.check(ctx, b.any(), "", uuid.NewString())
	}, http.StatusOK},
	{3, func(ctx context.Context, b *bench) (*http.Request, error) {
		return getStatus(ctx, b.insecure.tpp, b.any(), uuid.NewString())
	}, http.StatusOK},
	{2, func(ctx context.Context, b *bench) (*http.Request, error) {
		return postConsent(ctx, b.insecure.tpp, uuid.NewString())
	}, http.StatusCreated},
}

// any is one of the valid consents.
func (b *bench) any() string {
	return b.valid[rand.IntN(len(b.valid))]
}

// planned is a request that is due at a time.
type planned struct {
	request *http.Request
	want    int
}

// mixed sends decisions, statuses and new consents at a fixed rate, and measures
// each from the moment at which it was due: a server that falls behind shows.
func (b *bench) mixed(ctx context.Context, length time.Duration) (result, error) {
	plan, err := b.plan(ctx, int(mixedRate*length.Seconds()))
	if err != nil {
		return result{}, err
	}
	client := &http.Client{Timeout: exchangeTimeout, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 128}}
	defer client.CloseIdleConnections()
	took := make([]time.Duration, len(plan))
	var all errgroup.Group
	begin := time.Now()
	for i, p := range plan {
		due := begin.Add(time.Duration(i) * time.Second / mixedRate)
		time.Sleep(time.Until(due))
		all.Go(func() error {
			defer func() { took[i] = time.Since(due) }()
			return p.send(client)
		})
	}
	if err := all.Wait(); err != nil {
		return result{}, fmt.Errorf("mixed: %w", err)
	}
	slices.Sort(took)
	return result{
		perSecond: float64(len(plan)) / time.Since(begin).Seconds(),
		p50:       took[len(took)/2], p99: took[len(took)*99/100],
	}, nil
}

func (b *bench) plan(ctx context.Context, n int) ([]planned, error) {
	var deck []int
	for kind, x := range blend {
		deck = append(deck, slices.Repeat([]int{kind}, x.of)...)
	}
	plan := make([]planned, n)
	for i := range plan {
		if i%len(deck) == 0 {
			rand.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		kind := blend[deck[i%len(deck)]]
		request, err := kind.make(ctx, b)
		if err != nil {
			return nil, err
		}
		plan[i] = planned{request, kind.want}
	}
	return plan, nil
}

func (p planned) send(client *http.Client) error {
	response, err := client.Do(p.request)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != p.want {
		return fmt.Errorf("%s %s: %s\n%s", p.request.Method, p.request.URL.Path, response.Status, content)
	}
	return nil
}
