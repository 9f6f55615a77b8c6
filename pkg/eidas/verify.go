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
	maxIntermediates = 10
	maxVerdicts      = 4096
	verdictKept      = 5 * time.Minute
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
	// SHA-256 fingerprints of their certificates in hexadecimal, or their names as
	// RFC 2253 writes them. Order, case and blanks of a name do not matter.
	BlockedIssuers []string
	Revocation     *Revocation // nil: revocation is not asked
}

// Verifier tells whether a certificate is to be believed. It may be used by many at
// a time.
type Verifier struct {
	anchors    *Anchors
	now        func() time.Time
	blocked    blocklist
	revocation *Revocation
	verdicts   *memory[verdictKey, *Certificate] // good ones only
	flights    singleflight.Group
}

// verdictKey stands for what was asked: the use, the certificate and what was sent
// along.
type verdictKey [sha256.Size]byte

// NewVerifier makes a verifier.
func NewVerifier(o Options) *Verifier {
	return &Verifier{
		anchors:    o.Anchors,
		now:        o.Now,
		blocked:    newBlocklist(o.BlockedIssuers),
		revocation: o.Revocation,
		verdicts:   newMemory[verdictKey, *Certificate](maxVerdicts),
	}
}

// Verify judges a certificate, as DER, for a use: [Web], [Seal] or [Esign].
// Intermediates are what its holder sent along to complete the chain, in any order;
// one that cannot be read is as good as not sent. Fails with an [*Error], or with
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
// what they rest on; all others are found anew each time. The certificate returned
// is shared: it must not be changed.
func (v *Verifier) Verify(ctx context.Context, want Type, leaf []byte, intermediates ...[]byte) (*Certificate, error) {
	if err := checkSizes(leaf, intermediates); err != nil {
		return nil, err
	}
	anchors := v.anchors.current()
	key := keyOf(want, anchors.generation, leaf, intermediates)
	if known, ok := v.verdicts.get(key, v.now()); ok {
		return known, nil
	}
	// A caller who goes away does not end the work: others may wait for it.
	flight := v.flights.DoChan(string(key[:]), func() (any, error) {
		now := v.now()
		if known, ok := v.verdicts.get(key, now); ok {
			return known, nil
		}
		j := judgement{Verifier: v, anchors: anchors, want: want, now: now}
		certificate, until, err := j.judge(ctx, leaf, intermediates)
		if err != nil {
			return nil, err
		}
		v.verdicts.put(key, certificate, now, until)
		return certificate, nil
	})
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

// checkSizes keeps strangers from making us read much.
func checkSizes(leaf []byte, intermediates [][]byte) error {
	if len(intermediates) > maxIntermediates {
		return fault(Malformed, "more certificates were sent with it than can be read", nil)
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
