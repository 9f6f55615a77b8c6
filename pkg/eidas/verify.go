package eidas

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	maxDER           = 16 << 10 // bytes of one certificate
	maxIntermediates = 4
	maxVerdicts      = 4096
	maxRefusals      = 1024
	verdictKept      = 5 * time.Minute
	refusalKept      = 10 * time.Second
	// maxChains bounds how many ways to an anchor are judged, where authorities have
	// certified one another.
	maxChains = 3
)

// Options are what a Verifier judges by.
type Options struct {
	Anchors *Anchors         // where chains must end; nil trusts nobody
	Now     func() time.Time // required
	// BlockedIssuers are authorities that are not trusted, wherever in a chain they
	// stand, the anchor included, and also where another chain does without them:
	// SHA-256 fingerprints of their certificates in hexadecimal, or names as RFC 2253
	// writes them. A name blocks every authority whose subject has all of its
	// attributes: CN=Bad CA blocks CN=Bad CA,O=Bad too. Order, case and blanks do not
	// matter. An entry that [CheckBlockedIssuer] refuses blocks nobody.
	BlockedIssuers []string
	Revocation     *Revocation // nil: revocation is not asked
	// Doubt is told of a certificate that is taken for good though nothing could be
	// told of its revocation ([Revocation].FailOpen), and why: each time that it is
	// judged, not each time that the verdict is used. It must not wait long, and may
	// be called by many at a time; nil is allowed.
	Doubt func(ctx context.Context, c *Certificate, err error)
}

// Verifier tells whether a certificate is to be believed. It may be used by many at
// a time.
type Verifier struct {
	anchors    *Anchors
	now        func() time.Time
	blocked    blocklist
	revocation *Revocation
	doubt      func(ctx context.Context, c *Certificate, err error)
	// Good verdicts are kept by the certificate alone: where there is a chain, there
	// is one whatever else was sent, and nobody fills the memory with variants of one.
	// Bad ones are kept by all that was sent, apart from them: anybody can have as
	// many of these as they like.
	verdicts *memory[verdictKey, *Certificate]
	refusals *memory[verdictKey, error]
	flights  singleflight.Group
}

// verdictKey stands for what was asked: the use, the certificate and what was sent
// along, if that matters.
type verdictKey [sha256.Size]byte

// NewVerifier makes a verifier.
func NewVerifier(o Options) *Verifier {
	return &Verifier{
		anchors:    o.Anchors,
		now:        o.Now,
		blocked:    newBlocklist(o.BlockedIssuers),
		revocation: o.Revocation,
		doubt:      o.Doubt,
		verdicts:   newMemory[verdictKey, *Certificate](maxVerdicts),
		refusals:   newMemory[verdictKey, error](maxRefusals),
	}
}

// Verify judges a certificate, as DER, for a use: [Web], [Seal] or [Esign].
// Intermediates are what its holder sent along to complete the chain, at most four,
// in any order; one that cannot be read is as good as not sent. Fails with an [*Error], or with
// the error of a context that ended while the caller waited. Of several reasons the
// first counts:
//
//   - [Malformed]: the certificate cannot be read, or too much was sent;
//   - [Untrusted]: no chain ends in an anchor, or only by SHA-1 or short RSA keys;
//   - [Blocked]: an authority of the chain is blocked;
//   - [NotYetValid], [Expired]: the certificate itself, now;
//   - [Revoked], [Unknown]: the certificate or an authority below the anchor;
//   - [NoStatement], [Malformed]: see [Parse];
//   - [Unusable]: type, key usage or an unknown critical extension do not fit, or
//     nobody is named who could tell whether it was revoked.
//
// Good verdicts are kept, within bounds, for at most five minutes and never beyond
// what they rest on, whatever is sent along the next time. That the same cannot be
// read, or is untrusted, is kept for ten seconds; all others are found anew each
// time. The certificate returned is shared: it must not be changed.
//
// Whoever has no certificate of a trusted authority makes us compute little: keys
// check signatures only once an anchor, or who was certified by one, has vouched
// for them.
func (v *Verifier) Verify(ctx context.Context, want Type, leaf []byte, intermediates ...[]byte) (*Certificate, error) {
	if err := checkSizes(leaf, intermediates); err != nil {
		return nil, err
	}
	q := inquiry{want: want, leaf: leaf, intermediates: intermediates, anchors: v.anchors.current()}
	q.good = keyOf(want, q.anchors.generation, leaf, nil)
	if known, ok := v.verdicts.get(q.good, v.now()); ok {
		return known, nil
	}
	q.bad = keyOf(want, q.anchors.generation, leaf, intermediates)
	// A caller who goes away does not end the work: others may wait for it.
	flight := v.flights.DoChan(string(q.bad[:]), func() (any, error) { return v.find(ctx, &q) })
	select {
	case result := <-flight:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Certificate), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inquiry is what Verify was asked.
type inquiry struct {
	want          Type
	leaf          []byte
	intermediates [][]byte
	anchors       *anchorSet
	good, bad     verdictKey // under which a verdict is kept
}

// find is the verdict that is kept, or else judges.
func (v *Verifier) find(ctx context.Context, q *inquiry) (*Certificate, error) {
	now := v.now()
	if known, ok := v.verdicts.get(q.good, now); ok {
		return known, nil
	}
	if refusal, ok := v.refusals.get(q.bad, now); ok {
		return nil, refusal
	}
	j := judgement{Verifier: v, anchors: q.anchors, want: q.want, now: now}
	certificate, until, err := j.judge(ctx, q.leaf, q.intermediates)
	if err == nil {
		v.verdicts.put(q.good, certificate, now, until)
		return certificate, nil
	}
	if until.After(now) {
		v.refusals.put(q.bad, err, now, until)
	}
	return nil, err
}

// checkSizes keeps strangers from making us read much.
func checkSizes(leaf []byte, intermediates [][]byte) error {
	if len(intermediates) > maxIntermediates {
		return fault(Malformed, "more than 4 certificates were sent with it", nil)
	}
	if len(leaf) > maxDER || slices.ContainsFunc(intermediates, func(der []byte) bool { return len(der) > maxDER }) {
		return fault(Malformed, "it is larger than can be read", nil)
	}
	return nil
}

// keyOf stands for a question: the generation of the anchors is part of it, so that
// new anchors leave no old verdict in force.
func keyOf(want Type, generation uint64, leaf []byte, intermediates [][]byte) verdictKey {
	hash := sha256.New()
	var length [8]byte
	write := func(part []byte) {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write(part)
	}
	binary.BigEndian.PutUint64(length[:], generation)
	hash.Write(length[:])
	write([]byte(want))
	write(leaf)
	for _, der := range intermediates {
		write(der)
	}
	return verdictKey(hash.Sum(nil))
}
