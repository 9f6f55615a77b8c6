package parties

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

const (
	maxSealed = 64 << 10 // bytes of a JWE
	maxKeys   = 20       // of a set: without a kid each is tried
	minBits   = 2048     // of an RSA key
	maxBits   = 8192
)

// Opener opens what was sealed for one of its keys. It is safe for parallel use.
type Opener struct {
	Keys jwk.Set // private
}

// Parse makes an Opener of a JWK set (RFC 7517 §5) of private keys, RSA of at least
// 2048 bits or EC. Its errors carry nothing of the keys.
func Parse(set []byte) (*Opener, error) {
	keys, err := jwk.Parse(set)
	if err != nil {
		return nil, errors.New("not a JWK set")
	}
	if keys.Len() == 0 || keys.Len() > maxKeys {
		return nil, fmt.Errorf("the JWK set has %d keys, not 1 to %d", keys.Len(), maxKeys)
	}
	for i := range keys.Len() {
		if key, ok := keys.Key(i); !ok || !usable(key) {
			return nil, fmt.Errorf("key %d of the JWK set is no private RSA key of %d bits or EC key", i+1, minBits)
		}
	}
	return &Opener{Keys: keys}, nil
}

func usable(key jwk.Key) bool {
	switch key := key.(type) {
	case jwk.RSAPrivateKey:
		var raw rsa.PrivateKey
		return jwk.Export(key, &raw) == nil && raw.N.BitLen() >= minBits && raw.N.BitLen() <= maxBits
	case jwk.ECDSAPrivateKey:
		return true
	default:
		return false
	}
}

// Public is the JWK set of the public keys, which TPPs seal for.
func (o *Opener) Public() ([]byte, error) {
	public, err := jwk.PublicSetOf(o.Keys)
	if err != nil {
		return nil, errors.New("the public keys of the JWK set")
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, errors.New("the public keys of the JWK set as JSON")
	}
	return text, nil
}

// header is what decides how a JWE is opened (RFC 7516 §4.1).
type header struct {
	Algorithm  string          `json:"alg"`
	Encryption string          `json:"enc"`
	KeyID      string          `json:"kid"`
	Zip        json.RawMessage `json:"zip"`
	Critical   json.RawMessage `json:"crit"`
}

// Open tells who pays whom, of a compact JWE: RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW,
// with A256GCM, A128GCM or A256CBC-HS512, not compressed, of at most 64 KiB. Fails with
// ErrUnreadable.
func (o *Opener) Open(sealed string) (Parties, error) {
	h, err := headerOf(sealed)
	if err != nil {
		return Parties{}, err
	}
	for _, key := range o.keysFor(h) {
		algorithm, _ := jwa.LookupKeyEncryptionAlgorithm(h.Algorithm)
		clear, err := jwe.Decrypt([]byte(sealed), jwe.WithKey(algorithm, key), jwe.WithMaxDecompressBufferSize(maxSealed))
		if err == nil {
			return readSigned(clear)
		}
	}
	return Parties{}, ErrUnreadable
}

// headerOf reads the header of a compact JWE, and refuses what is not opened here.
func headerOf(sealed string) (header, error) {
	encoded, _, _ := strings.Cut(sealed, ".")
	if len(sealed) > maxSealed {
		return header{}, ErrUnreadable
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return header{}, ErrUnreadable
	}
	var h header
	if json.Unmarshal(text, &h) != nil || h.Zip != nil || h.Critical != nil ||
		kinds()[h.Algorithm] == "" || !slices.Contains(encryptions(), h.Encryption) {
		return header{}, ErrUnreadable
	}
	return h, nil
}

// kinds are the types of key that the algorithms take.
func kinds() map[string]string {
	return map[string]string{"RSA-OAEP-256": "RSA", "ECDH-ES": "EC", "ECDH-ES+A256KW": "EC"}
}

func encryptions() []string { return []string{"A256GCM", "A128GCM", "A256CBC-HS512"} }

// keysFor are those that a JWE may have been sealed for: the one that it names, else
// all of the type.
func (o *Opener) keysFor(h header) []jwk.Key {
	var fit []jwk.Key
	for i := range o.Keys.Len() {
		key, ok := o.Keys.Key(i)
		if !ok || key.KeyType().String() != kinds()[h.Algorithm] {
			continue
		}
		if id, _ := key.KeyID(); h.KeyID != "" && id != "" && id != h.KeyID {
			continue
		}
		fit = append(fit, key)
	}
	return fit
}

// readSigned reads a clear text that may be the payload of a compact JWS.
func readSigned(clear []byte) (Parties, error) {
	const parts = 3
	text := strings.TrimSpace(string(clear))
	if strings.HasPrefix(text, "{") || strings.Count(text, ".") != parts-1 {
		return read(clear)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		return Parties{}, ErrUnreadable
	}
	return read(payload)
}

// Seal encrypts a clear text for the holder of a public key, a JWK, as a TPP does: a
// compact JWE, RSA-OAEP-256 or ECDH-ES+A256KW with A256GCM.
func Seal(public, clear []byte) (string, error) {
	key, err := jwk.ParseKey(public)
	if err != nil {
		return "", errors.New("not a JWK")
	}
	algorithm := jwa.ECDH_ES_A256KW()
	if key.KeyType() == jwa.RSA() {
		algorithm = jwa.RSA_OAEP_256()
	}
	headers := jwe.NewHeaders()
	if id, ok := key.KeyID(); ok {
		if err := headers.Set(jwe.KeyIDKey, id); err != nil {
			return "", fmt.Errorf("header of a JWE: %w", err)
		}
	}
	sealed, err := jwe.Encrypt(clear, jwe.WithKey(algorithm, key), jwe.WithContentEncryption(jwa.A256GCM()),
		jwe.WithProtectedHeaders(headers))
	if err != nil {
		return "", fmt.Errorf("seal the parties of a payment: %w", err)
	}
	return string(sealed), nil
}

// Generate makes a key pair for a sandbox, at once: private is a JWK set for Parse,
// public a JWK for Seal, both with the same kid.
func Generate() (private, public []byte, err error) {
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate a key: %w", err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("a key as JWK: %w", err)
	}
	if err = jwk.AssignKeyID(key); err != nil {
		return nil, nil, fmt.Errorf("name a key: %w", err)
	}
	for member, value := range map[string]any{jwk.KeyUsageKey: jwk.ForEncryption, jwk.AlgorithmKey: jwa.ECDH_ES_A256KW()} {
		if err = key.Set(member, value); err != nil {
			return nil, nil, fmt.Errorf("describe a key: %w", err)
		}
	}
	other, err := key.PublicKey()
	if err != nil {
		return nil, nil, fmt.Errorf("public half of a key: %w", err)
	}
	if public, err = json.Marshal(other); err != nil {
		return nil, nil, fmt.Errorf("a public key as JSON: %w", err)
	}
	if private, err = json.Marshal(map[string]any{"keys": []jwk.Key{key}}); err != nil {
		return nil, nil, fmt.Errorf("a key as JSON: %w", err)
	}
	return private, public, nil
}
