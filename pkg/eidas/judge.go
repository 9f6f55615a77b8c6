package eidas

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"time"
)

const (
	minRSA = 2048 // bits
	// maxRSA bounds what checking a signature by a stranger's key may cost.
	maxRSA = 8192
)

// errKeySize is of keys too short to trust, or too long to compute with.
var errKeySize = errors.New("an RSA key below 2048 or above 8192 bits")

// judgement is the work of judging one certificate.
type judgement struct {
	*Verifier
	anchors *anchorSet
	want    Type
	now     time.Time
}

// judge takes the steps in the order that Verify documents. It returns until when
// the verdict holds: a bad one that costs its sender nothing for a moment, others
// not at all.
func (j *judgement) judge(ctx context.Context, der []byte, intermediates [][]byte) (*Certificate, time.Time, error) {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, j.now.Add(refusalKept), fault(Malformed, "it is not a certificate that can be read", err)
	}
	unknown := takeCritical(leaf)
	chains, err := j.chains(leaf, intermediates)
	if err != nil {
		return nil, j.untrustedUntil(err), untrusted(err)
	}
	if slices.ContainsFunc(chains, j.isBlocked) {
		return nil, j.now, fault(Blocked, "an authority of its chain is blocked here", nil)
	}
	if j.now.Before(leaf.NotBefore) {
		return nil, j.now, fault(NotYetValid, "its time of validity has not begun", nil)
	}
	if j.now.After(leaf.NotAfter) {
		return nil, j.now, fault(Expired, "its time of validity is over", nil)
	}
	until, doubt, err := j.revoked(ctx, chains)
	if err != nil {
		return nil, j.now, err
	}
	certificate, err := Parse(leaf)
	if err != nil {
		return nil, j.now, err
	}
	if err := usable(certificate, j.want, unknown); err != nil {
		return nil, j.now, err
	}
	if doubt != nil && j.doubt != nil {
		j.doubt(ctx, certificate, doubt)
	}
	return certificate, until, nil
}

// untrusted says why no chain was found. Of the cause only the text is kept: it may
// lie in memory for a while, and would hold the certificates of strangers there.
func untrusted(err error) error {
	cause := errors.New(err.Error())
	if errors.Is(err, errKeySize) {
		return fault(Untrusted, "its RSA key, or one of its chain, is below 2048 or above 8192 bits", cause)
	}
	return fault(Untrusted, "its chain does not end in an authority that is trusted here", cause)
}

// untrustedUntil is until when that holds: where time alone stands against a chain,
// the next instant may be for it.
func (j *judgement) untrustedUntil(err error) time.Time {
	if isAboutTime(err) {
		return j.now
	}
	return j.now.Add(refusalKept)
}

// takeCritical takes the critical extensions off that the chain's judge does not
// know, since we judge them: the qcStatements are ours, and others are a matter of
// use, not of trust. It tells whether there are others.
func takeCritical(leaf *x509.Certificate) (others bool) {
	others = slices.ContainsFunc(leaf.UnhandledCriticalExtensions, func(oid asn1.ObjectIdentifier) bool { return oid.String() != oidQcStatements })
	leaf.UnhandledCriticalExtensions = nil
	return others
}

func (j *judgement) isBlocked(chain []*x509.Certificate) bool {
	return slices.ContainsFunc(chain[min(1, len(chain)-1):], j.blocked.has)
}

// revoked asks for the certificates of a chain, until one of the chains is clear. It
// returns until when that holds, within the time of all its certificates; and a
// doubt, where nothing can be told and the operator takes that for good.
func (j *judgement) revoked(ctx context.Context, chains [][]*x509.Certificate) (until time.Time, doubt, err error) {
	if j.revocation == nil {
		return j.within(chains[0]), nil, nil
	}
	// What is learnt serves others too: a caller who leaves does not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.revocation.timeout())
	defer cancel()
	var worst error
	for _, chain := range chains[:min(len(chains), maxChains)] {
		told, err := j.revocation.check(ctx, chain, j.now)
		if err == nil {
			return earliest(j.within(chain), told), nil, nil
		}
		// What an authority has said outweighs that another could not be asked.
		if worst == nil || isUntold(worst) {
			worst, until = err, earliest(j.within(chain), told)
		}
		if errors.Is(err, errRevoked) {
			break
		}
	}
	if j.revocation.FailOpen && isUntold(worst) && !errors.Is(worst, errNotKnown) { // which is an answer
		return until, worst, nil
	}
	return j.now, nil, unclear(worst)
}

// within is until when a verdict on a chain may be kept.
func (j *judgement) within(chain []*x509.Certificate) time.Time {
	until := j.now.Add(verdictKept)
	for _, c := range chain {
		until = earliest(until, c.NotAfter.Add(1)) // the instant itself is within
	}
	return until
}

// unclear says what stands against a chain.
func unclear(worst error) error {
	switch {
	case errors.Is(worst, errRevoked):
		return fault(Revoked, "its issuer has revoked it", worst)
	case errors.Is(worst, errIssuerRevoked):
		return fault(Revoked, "an authority of its chain was revoked", worst)
	case errors.Is(worst, errNowhere): // nor will it be told later
		return fault(Unusable, "nobody is named who could tell whether it, or an authority of its chain, was revoked", worst)
	case errors.Is(worst, errNotKnown):
		return fault(Unusable, "its issuer does not know it", worst)
	}
	return fault(Unknown, "its issuer cannot be asked now whether it was revoked", worst)
}

// isUntold tells that nothing was said against a chain.
func isUntold(err error) bool {
	return !errors.Is(err, errRevoked) && !errors.Is(err, errIssuerRevoked)
}

// usable tells whether a certificate is made for the use.
func usable(c *Certificate, want Type, unknownCritical bool) error {
	x := c.X509
	signs := x509.KeyUsageDigitalSignature
	if want != Web {
		signs |= x509.KeyUsageContentCommitment
	}
	switch {
	case unknownCritical:
		return fault(Unusable, "it has a critical extension that is not known here", nil)
	case x.IsCA:
		return fault(Unusable, "it is an authority's", nil)
	case len(c.Types) > 0 && !slices.Contains(c.Types, want):
		return fault(Unusable, "its type (QcType) is not "+string(want), nil)
	case x.KeyUsage != 0 && x.KeyUsage&signs == 0:
		return fault(Unusable, "its key is not for signatures", nil)
	case want == Web && !authenticatesClients(x):
		return fault(Unusable, "it is not for the authentication of clients", nil)
	}
	return nil
}

// authenticatesClients holds, too, where the certificate names no extended use.
func authenticatesClients(x *x509.Certificate) bool {
	return len(x.ExtKeyUsage)+len(x.UnknownExtKeyUsage) == 0 ||
		slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// strong refuses RSA keys by their size.
func strong(c *x509.Certificate) error {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil
	}
	if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
		return errKeySize
	}
	return nil
}

// weak tells signatures that nobody should believe any more. Chains are judged by
// crypto/x509, which refuses them itself; OCSP answers and lists are not.
func weak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519:
		return false
	default:
		return true
	}
}
