package eidas

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// maxFailedSignatures bounds how many signatures of intermediates are checked that do not
// hold. Who sends what their authority gave them has none, unless anchors share a
// name and the certificates do not say by which of their keys they are signed.
const maxFailedSignatures = 8

// chains are the ways from a certificate to an anchor, the shortest first. The
// certificate's own time is left out of it, so that an expired one of a trusted
// authority can be told from one of nobody's: the authorities above it are judged
// now, or at a time at which it was valid.
func (j *judgement) chains(leaf *x509.Certificate, intermediates [][]byte) ([][]*x509.Certificate, error) {
	if err := strong(leaf); err != nil {
		return nil, err
	}
	// Package x509 goes from the certificate upwards, by keys that nobody has vouched
	// for: what strangers sent must not come that far.
	pool := poolOf(j.anchors.certified(above(leaf, readable(intermediates))))
	var errs []error
	for _, t := range j.instants(leaf) {
		chains, err := j.chainsAt(t, leaf, pool)
		if err == nil {
			return chains, nil
		}
		errs = append(errs, err)
		if !isAboutTime(err) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// instants are those at which the authorities above a certificate are judged.
func (j *judgement) instants(leaf *x509.Certificate) []time.Time {
	switch {
	case j.now.Before(leaf.NotBefore):
		return []time.Time{leaf.NotBefore, leaf.NotAfter, j.now}
	case j.now.After(leaf.NotAfter):
		return []time.Time{leaf.NotAfter, leaf.NotBefore, j.now}
	}
	return []time.Time{j.now}
}

func (j *judgement) chainsAt(t time.Time, leaf *x509.Certificate, pool *x509.CertPool) ([][]*x509.Certificate, error) {
	timeless := *leaf
	timeless.NotBefore, timeless.NotAfter = t, t
	chains, err := timeless.Verify(x509.VerifyOptions{
		Roots: j.anchors.pool, Intermediates: pool, CurrentTime: t, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, err
	}
	return strongest(chains, leaf)
}

// isAboutTime tells that an authority of a chain was not valid at that instant, and
// that nothing else stood against it.
func isAboutTime(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// readable are the certificates that were sent along, each once, but for those that
// lead nowhere: with a key that is not believed, or signed by their own.
func readable(intermediates [][]byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, der := range intermediates {
		c, err := x509.ParseCertificate(der)
		if err == nil && strong(c) == nil && !signsItself(c) && !slices.ContainsFunc(certs, c.Equal) {
			certs = append(certs, c)
		}
	}
	return certs
}

// signsItself goes by what a certificate says: an authority that certifies its next
// key has its own name as issuer too, but another key. One that does not say which
// key has signed it stays: nothing is lost but the look at its signature.
func signsItself(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && len(c.AuthorityKeyId) > 0 && bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId)
}

// above are those of some certificates to which a certificate leads by the names of
// its issuer, of its issuer's issuer, and so on.
func above(leaf *x509.Certificate, sent []*x509.Certificate) []*x509.Certificate {
	way := []*x509.Certificate{leaf}
	for i := 0; i < len(way); i++ {
		sent = slices.DeleteFunc(sent, func(c *x509.Certificate) bool {
			leads := bytes.Equal(way[i].RawIssuer, c.RawSubject)
			if leads {
				way = append(way, c)
			}
			return leads
		})
	}
	return way[1:]
}

// certified are those of some certificates that an anchor has signed, or one that
// is certified itself. It goes from the anchors downwards, so that only keys check
// signatures that are an authority's; without a name that leads to an anchor, none.
func (s *anchorSet) certified(open []*x509.Certificate) []*x509.Certificate {
	var found []*x509.Certificate
	failed := 0
	signs := func(issuer, c *x509.Certificate) bool {
		if failed >= maxFailedSignatures || !bytes.Equal(issuer.RawSubject, c.RawIssuer) {
			return false
		}
		if c.CheckSignatureFrom(issuer) != nil {
			failed++
			return false
		}
		found = append(found, c)
		return true
	}
	open = slices.DeleteFunc(open, func(c *x509.Certificate) bool {
		return slices.ContainsFunc(s.issuersOf(c), func(anchor *x509.Certificate) bool { return signs(anchor, c) })
	})
	for i := 0; i < len(found); i++ {
		open = slices.DeleteFunc(open, func(c *x509.Certificate) bool { return signs(found[i], c) })
	}
	return found
}

// issuersOf are the anchors that may have issued a certificate, by their names; those
// first that have the key that it names.
func (s *anchorSet) issuersOf(c *x509.Certificate) []*x509.Certificate {
	named := slices.Clone(s.named[string(c.RawIssuer)])
	rank := func(a *x509.Certificate) int {
		if bytes.Equal(a.SubjectKeyId, c.AuthorityKeyId) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(named, func(a, b *x509.Certificate) int { return rank(a) - rank(b) })
	return named
}

// strongest keeps the shortest of the chains whose authorities all have keys that
// are long enough, and puts the certificate as it is at their beginning.
func strongest(chains [][]*x509.Certificate, leaf *x509.Certificate) ([][]*x509.Certificate, error) {
	var kept [][]*x509.Certificate
	var weakness error
	for _, chain := range chains {
		if i := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return strong(c) != nil }); i >= 0 {
			weakness = strong(chain[i])
			continue
		}
		chain[0] = leaf
		kept = append(kept, chain)
	}
	if len(kept) == 0 {
		return nil, weakness
	}
	slices.SortStableFunc(kept, func(a, b []*x509.Certificate) int { return len(a) - len(b) })
	return kept, nil
}
