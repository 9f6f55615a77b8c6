package connections_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/connections"
)

// asked counts what is asked of the bank and of the register of identities, and knows
// for whom PSUs act.
type asked struct {
	bank, ids atomic.Int64
	customers []service.Customer
	err       error
}

func (a *asked) Signers(context.Context, string) ([]string, error) { return nil, nil }

func (a *asked) Customers(context.Context, string) ([]service.Customer, error) {
	a.bank.Add(1)
	return a.customers, a.err
}

func (a *asked) PSU(_ context.Context, bankID string) (uuid.UUID, error) {
	a.ids.Add(1)
	return uuid.NewSHA1(uuid.Nil, []byte("psu "+bankID)), nil
}

func (a *asked) Customer(_ context.Context, bankID string) (uuid.UUID, error) {
	a.ids.Add(1)
	return uuid.NewSHA1(uuid.Nil, []byte("customer "+bankID)), nil
}

// bare has nothing forwarded.
type bare struct{ connections.Bearers }

func (bare) Standing(context.Context, connections.Holder) (connections.Standing, error) {
	return connections.Standing{}, nil
}

// remembering judges tokens over what is asked.
func remembering(now *time.Time) (*connections.Connections, *asked) {
	a := &asked{customers: []service.Customer{{ID: "ceo"}, {ID: "firm"}}}
	return &connections.Connections{
		Bearers: bare{}, Identities: a, Signers: a, Policy: consent.DefaultPolicy(), Now: func() time.Time { return *now },
	}, a
}

func TestOutsideRemembers(t *testing.T) {
	t.Parallel()
	now := begin
	s, a := remembering(&now)
	for range 3 {
		for _, customer := range []string{"", "firm", "ceo"} {
			p, err := s.Outside(t.Context(), connections.Claims{TPP: "A", PSU: "ceo", Customer: customer, IssuedAt: begin})
			require.NoError(t, err)
			if customer == "" {
				customer = "ceo"
			}
			require.Equal(t, []string{"ceo", customer}, []string{p.PSUID, p.CustomerID})
			require.Equal(t, uuid.NewSHA1(uuid.Nil, []byte("psu ceo")), p.PSU)
			require.Equal(t, uuid.NewSHA1(uuid.Nil, []byte("customer "+customer)), p.Customer, "of the same name as the PSU")
		}
	}
	require.Equal(t, []int64{3, 3}, []int64{a.bank.Load(), a.ids.Load()}, "once for each customer")

	a.customers = a.customers[:1]
	firm := connections.Claims{TPP: "A", PSU: "ceo", Customer: "firm", IssuedAt: begin}
	now = begin.Add(time.Minute - time.Microsecond)
	_, err := s.Outside(t.Context(), firm)
	require.NoError(t, err, "the bank's answer counts for a minute")
	now = begin.Add(time.Minute)
	_, err = s.Outside(t.Context(), firm)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
	require.Equal(t, []int64{4, 3}, []int64{a.bank.Load(), a.ids.Load()})
	now = begin.Add(-time.Hour)
	_, err = s.Outside(t.Context(), connections.Claims{TPP: "A", PSU: "ceo", IssuedAt: begin})
	require.NoError(t, err)
	require.EqualValues(t, 5, a.bank.Load(), "a clock that goes back makes nothing last")
}

func TestOutsideRemembersAsLongAsToldTo(t *testing.T) {
	t.Parallel()
	now := begin
	s, a := remembering(&now)
	s.Keep = 10 * time.Second
	for range 4 {
		_, err := s.Outside(t.Context(), connections.Claims{TPP: "A", PSU: "ceo", IssuedAt: begin})
		require.NoError(t, err)
		now = now.Add(5 * time.Second)
	}
	require.EqualValues(t, 2, a.bank.Load())
}

// TestOutsideRemembersNoRefusal: who is refused now may be let in at once.
func TestOutsideRemembersNoRefusal(t *testing.T) {
	t.Parallel()
	now := begin
	s, a := remembering(&now)
	claims := connections.Claims{TPP: "A", PSU: "ceo", IssuedAt: begin}
	known := a.customers
	for _, x := range []struct {
		customers []service.Customer
		err       error
		code      consent.Code
	}{
		{nil, nil, consent.CodeTokenInvalid},
		{nil, fmt.Errorf("bank: %w", service.ErrUnknownPSU), consent.CodeTokenInvalid},
		{nil, context.DeadlineExceeded, consent.CodeUnavailable},
		{known, nil, ""},
	} {
		a.customers, a.err = x.customers, x.err
		_, err := s.Outside(t.Context(), claims)
		if x.code == "" {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, x.code, consent.CodeOf(err))
	}
	a.customers = nil
	now = begin.Add(time.Minute)
	_, err := s.Outside(t.Context(), claims)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err))
	now = begin.Add(time.Second)
	_, err = s.Outside(t.Context(), claims)
	require.Equal(t, consent.CodeTokenInvalid, consent.CodeOf(err), "the former answer is forgotten with the later one")
}
