package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
)

// algorithms are those that a Signature may name, with the hash of each. That of
// a key must be the one of its name.
var algorithms = map[string]crypto.Hash{
	"rsa-sha256":   crypto.SHA256,
	"rsa-sha512":   crypto.SHA512,
	"ecdsa-sha256": crypto.SHA256,
	"ecdsa-sha512": crypto.SHA512,
}

// fits reports whether an algorithm is one for a key.
func fits(algorithm string, key crypto.PublicKey) bool {
	switch key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "rsa-")
	case *ecdsa.PublicKey:
		return strings.HasPrefix(algorithm, "ecdsa-")
	}
	return false
}

// verify reports whether value is the signature of text by key.
func verify(algorithm string, key crypto.PublicKey, text string, value []byte) bool {
	hash := algorithms[algorithm]
	sum := sumOf(hash, text)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, sum, value) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum, value)
	}
	return false
}

// sign is the signature of text by key.
func sign(algorithm string, key crypto.Signer, text string) ([]byte, error) {
	hash := algorithms[algorithm]
	value, err := key.Sign(rand.Reader, sumOf(hash, text), hash)
	if err != nil {
		return nil, fmt.Errorf("httpsig: sign: %w", err)
	}
	return value, nil
}

func sumOf(hash crypto.Hash, text string) []byte {
	h := hash.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}

// samePublic reports whether two public keys are one.
func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// errKey is returned where a signer's key is not the one of its certificate.
var errKey = errors.New("httpsig: the key is not that of the certificate")

// errKeyID is returned where a signer's keyId does not name its certificate.
var errKeyID = errors.New("httpsig: the keyId does not name the certificate")
