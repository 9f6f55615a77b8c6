// Package secret keeps what must not be read or made up: it seals bytes, signs
// them, and mints handles that cannot be guessed. All keys come from one master
// key, which lives outside the database, and each use has a purpose of its own,
// so that what was sealed for one thing never opens as another.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// MasterSize is the length of a master key in bytes.
const MasterSize = 32

// Keys derives and applies the keys of a master key. It is safe for parallel use.
type Keys struct {
	aead cipher.AEAD
	mac  []byte
}

// New makes Keys of a master key of MasterSize bytes.
func New(master []byte) (*Keys, error) {
	if len(master) != MasterSize {
		return nil, fmt.Errorf("master key has %d bytes, not %d", len(master), MasterSize)
	}
	seal, err := hkdf.Key(sha256.New, master, nil, "consentd seal v1", MasterSize)
	if err != nil {
		return nil, fmt.Errorf("derive sealing key: %w", err)
	}
	mac, err := hkdf.Key(sha256.New, master, nil, "consentd mac v1", MasterSize)
	if err != nil {
		return nil, fmt.Errorf("derive signing key: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("sealing cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("sealing mode: %w", err)
	}
	return &Keys{aead: aead, mac: mac}, nil
}

// NewMaster makes a random master key.
func NewMaster() []byte {
	b := make([]byte, MasterSize)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// Seal encrypts plain for a purpose, such as "run" and the run's id. The same
// purpose opens it.
func (k *Keys) Seal(purpose string, plain []byte) []byte {
	return k.aead.Seal(nil, nil, plain, []byte(purpose)) //nolint:gosec // no nonce is passed: this AEAD makes a random one
}

// Open decrypts what Seal made for the same purpose.
func (k *Keys) Open(purpose string, sealed []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, errors.New("sealed for another purpose, by another key, or changed since")
	}
	return plain, nil
}

// MAC signs parts for a purpose. Parts are told apart by their length, so that
// moving a byte from one to the next changes the result.
func (k *Keys) MAC(purpose string, parts ...[]byte) []byte {
	text := make([]byte, 0, 512)
	text = append(strconv.AppendInt(text, int64(len(purpose)), 10), ':')
	text = append(text, purpose...)
	for _, p := range parts {
		text = append(strconv.AppendInt(text, int64(len(p)), 10), ':')
		text = append(text, p...)
	}
	h := hmac.New(sha256.New, k.mac)
	h.Write(text)
	return h.Sum(nil)
}

// Handle mints 256 random bits as text for a URL, a cookie or a form.
func Handle() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Digest is what is stored of a handle.
func Digest(handle string) [32]byte { return sha256.Sum256([]byte(handle)) }
