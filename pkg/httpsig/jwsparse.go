package httpsig

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds of an x-jws-signature.
const (
	maxJWS   = 64 << 10 // a chain in base64 twice over
	maxChain = 10
)

// criticalMembers are those that every header must list as critical (JAdES B-B
// with a detached, unencoded payload), and the only ones that we understand.
var criticalMembers = []string{"b64", "sigD", "sigT"}

// ParseJWS reads the value of an x-jws-signature: a compact, detached JWS (RFC
// 7515 appendix F) with an unencoded payload (RFC 7797), of JAdES B-B (ETSI TS 119
// 182-1) over HTTP headers. Nothing of it is proven until [JWS.Verify]. Fails with
// an [*Error]: [Malformed] where it cannot be read, [Invalid] where it can and is
// none of this profile: another algorithm, another critical member, another
// mechanism, no certificate.
func ParseJWS(value string) (*JWS, error) {
	header, err := headerOf(value)
	if err != nil {
		return nil, err
	}
	m, err := membersOf(header)
	if err != nil {
		return nil, malformedJWS("must have a header that is a JSON object without repeats")
	}
	j := &JWS{compact: value}
	for _, read := range []func(members) error{j.readAlgorithm, checkCritical, j.readTime, j.readCovered, j.readSigner} {
		if err := read(m); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// headerOf is the protected header of a compact, detached JWS.
func headerOf(value string) ([]byte, error) {
	if len(value) > maxJWS {
		return nil, malformedJWS("must not be longer than 64 KiB")
	}
	parts := strings.SplitN(value, ".", 4)
	if len(parts) != 3 || parts[0] == "" || parts[1] != "" || parts[2] == "" {
		return nil, malformedJWS("must be a compact JWS with a detached payload: <header>..<signature>")
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil, malformedJWS("must be base64url without padding")
	}
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, malformedJWS("must be base64url without padding")
	}
	return header, nil
}

func (j *JWS) readAlgorithm(m members) error {
	if err := m.into("alg", &j.Algorithm); err != nil {
		return err
	}
	if _, ok := jwsAlgorithms[j.Algorithm]; !ok {
		return invalidJWS("must use RS, PS or ES with 256, 384 or 512 bits as its alg")
	}
	return nil
}

// checkCritical judges crit, and b64, which is critical where it is there (RFC
// 7797 §6).
func checkCritical(m members) error {
	var critical []string
	if err := m.into("crit", &critical); err != nil {
		return err
	}
	slices.Sort(critical)
	if !slices.Equal(critical, criticalMembers) {
		return invalidJWS("must list sigT, sigD and b64 in crit, and nothing else")
	}
	var encoded bool
	if err := m.into("b64", &encoded); err != nil {
		return err
	}
	if encoded {
		return invalidJWS("must have false as its b64")
	}
	return nil
}

func (j *JWS) readTime(m members) error {
	var text string
	if err := m.into("sigT", &text); err != nil {
		return err
	}
	signed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return malformedJWS("must have a date and time of RFC 3339 as its sigT")
	}
	j.SignedAt = signed.UTC()
	return nil
}

func (j *JWS) readCovered(m members) error {
	detached, err := membersOf(m["sigD"])
	if err != nil {
		return malformedJWS("must have an object without repeats as its sigD")
	}
	var id string
	if err := detached.into("mId", &id); err != nil {
		return err
	}
	if id != mechanism {
		return invalidJWS("must have " + mechanism + " as the mId of its sigD")
	}
	if err := detached.into("pars", &j.Pars); err != nil {
		return err
	}
	return checkPars(j.Pars)
}

// checkPars judges the names that are covered. They stand in lower case in what is
// signed, hence here: a name in another case leaves open what was.
func checkPars(pars []string) error {
	if len(pars) == 0 || len(pars) > maxHeaders {
		return malformedJWS("must cover 1 to 64 headers")
	}
	seen := make(map[string]bool, len(pars))
	for _, name := range pars {
		switch {
		case len(name) > maxName || name != requestTarget && !isToken(name):
			return malformedJWS("must cover headers by their names")
		case name != strings.ToLower(name):
			return malformedJWS("must name what it covers in lower case")
		case seen[name]:
			return malformedJWS("must cover " + name + " once")
		}
		seen[name] = true
	}
	return nil
}

// readSigner reads the certificate of the signer, or its thumbprint, or both,
// which must then agree.
func (j *JWS) readSigner(m members) error {
	if m["x5c"] == nil && m["x5t#S256"] == nil {
		return invalidJWS("must have the certificate of the signer, as x5c or x5t#S256")
	}
	if m["x5c"] != nil {
		if err := j.readChain(m); err != nil {
			return err
		}
	}
	if m["x5t#S256"] == nil {
		return nil
	}
	var text string
	if err := m.into("x5t#S256", &text); err != nil {
		return err
	}
	thumbprint, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(thumbprint) != sha256.Size {
		return malformedJWS("must have the base64url of a SHA-256 as its x5t#S256")
	}
	j.Thumbprint = thumbprint
	if len(j.Certificates) == 0 {
		return nil
	}
	if sum := sha256.Sum256(j.Certificates[0]); !bytes.Equal(thumbprint, sum[:]) {
		return invalidJWS("must have the same certificate in x5c and x5t#S256")
	}
	return nil
}

// readChain reads x5c, which is of plain base64 (RFC 7515 §4.1.6).
func (j *JWS) readChain(m members) error {
	var chain []string
	if err := m.into("x5c", &chain); err != nil {
		return err
	}
	if len(chain) == 0 || len(chain) > maxChain {
		return malformedJWS("must have 1 to 10 certificates in x5c")
	}
	for _, text := range chain {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(der) == 0 {
			return malformedJWS("must have base64 of certificates in x5c")
		}
		j.Certificates = append(j.Certificates, der)
	}
	return nil
}

// members are those of a JSON object. A struct would not do: encoding/json takes
// names in any case, and the last of those that are repeated.
type members map[string]json.RawMessage

// into reads a member that must be there, and not be null.
func (m members) into(name string, target any) error {
	raw := m[name]
	if raw == nil || string(raw) == "null" || json.Unmarshal(raw, target) != nil {
		return malformedJWS(fmt.Sprintf("must have a %s of the right type", name))
	}
	return nil
}

// membersOf reads a JSON object, and nothing after it, none of whose members is
// repeated.
func membersOf(raw []byte) (members, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	m := members{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if _, twice := m[name]; !ok || twice {
			return nil, errors.New("a repeated name")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		m[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than an object")
	}
	return m, nil
}
