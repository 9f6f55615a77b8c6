package oauth

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// outsideAlgorithms are those that a token may be signed by (RFC 7518 §3.3 to §3.5):
// never none, nor one with a shared secret.
var outsideAlgorithms = map[string]jwa.SignatureAlgorithm{
	"RS256": jwa.RS256(), "RS384": jwa.RS384(), "RS512": jwa.RS512(),
	"PS256": jwa.PS256(), "PS384": jwa.PS384(), "PS512": jwa.PS512(),
	"ES256": jwa.ES256(), "ES384": jwa.ES384(), "ES512": jwa.ES512(),
}

// outsideTypes are what the header of a JWT may call it (RFC 9068 §2.1), JWT for
// servers older than that; in lower case, without "application/".
var outsideTypes = map[string]bool{"at+jwt": true, "jwt": true}

// outsideJWT verifies access tokens that are JWTs (RFC 9068 §4).
type outsideJWT struct {
	keys  *outsideKeys
	names outsideNames
}

// outsideHeader is what counts of a JOSE header. Keys, certificates and addresses in
// it do not: the keys are the bank's.
type outsideHeader struct{ algorithm, key string }

// verify implements outsideVerifier.
func (j *outsideJWT) verify(ctx context.Context, token string) (outsideClaims, error) {
	h, err := j.header(token)
	if err != nil {
		return outsideClaims{}, err
	}
	payload, err := j.payload(ctx, token, h)
	if err != nil {
		return outsideClaims{}, err
	}
	members, err := decodeOutside(payload)
	if err != nil {
		return outsideClaims{}, outsideError("has claims that are no JSON object")
	}
	return readOutside(members, j.names)
}

// header reads and judges the header of a JWT in its compact form.
func (j *outsideJWT) header(token string) (outsideHeader, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return outsideHeader{}, outsideError("is no JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return outsideHeader{}, outsideError("is no JWT")
	}
	members, err := decodeOutside(raw)
	if err != nil {
		return outsideHeader{}, outsideError("is no JWT")
	}
	if _, critical := members["crit"]; critical {
		return outsideHeader{}, outsideError("has critical members in its header, which we do not know")
	}
	r := outsideReader{members: members}
	h := outsideHeader{algorithm: r.text("alg"), key: r.text("kid")}
	if !outsideTypes[strings.TrimPrefix(strings.ToLower(r.text("typ")), "application/")] {
		r.refuse("is not of the type at+jwt")
	}
	if !slices.Contains(j.keys.algorithms, h.algorithm) {
		r.refuse("is signed by an algorithm that is not allowed")
	}
	return h, r.err
}

// payload verifies the signature and returns what is signed. A key that is not there
// may have come since the keys were read.
func (j *outsideJWT) payload(ctx context.Context, token string, h outsideHeader) ([]byte, error) {
	keys, err := j.keys.read(ctx, false)
	if err != nil {
		return nil, err
	}
	if payload := keys.verify(token, h); payload != nil {
		return payload, nil
	}
	if keys.has(h) {
		return nil, outsideError("has a wrong signature")
	}
	if keys, err = j.keys.read(ctx, true); err != nil {
		return nil, err
	}
	if payload := keys.verify(token, h); payload != nil {
		return payload, nil
	}
	return nil, outsideError("is not signed by a key of the bank's server")
}

// outsideKey is one public key of the bank's server: *rsa.PublicKey or
// *ecdsa.PublicKey.
type outsideKey struct {
	id         string
	algorithms []string // for which it is
	public     any
}

type outsideKeySet []outsideKey

// has reports whether there is the key that a header names, for its algorithm.
func (s outsideKeySet) has(h outsideHeader) bool {
	return h.key != "" && slices.ContainsFunc(s, func(k outsideKey) bool { return k.fits(h) })
}

// verify returns what is signed by one of the keys; nil where none has signed it. A
// token that names no key may be signed by any.
func (s outsideKeySet) verify(token string, h outsideHeader) []byte {
	for _, k := range s {
		if !k.fits(h) {
			continue
		}
		if payload, err := jws.VerifyCompactFast(k.public, []byte(token), outsideAlgorithms[h.algorithm]); err == nil {
			return payload
		}
	}
	return nil
}

func (k outsideKey) fits(h outsideHeader) bool {
	return (h.key == "" || h.key == k.id) && slices.Contains(k.algorithms, h.algorithm)
}
