package parties_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/stretchr/testify/require"

	"consentd/internal/parties"
)

// keys are an RSA key and an EC key, with what opens both.
type keys struct {
	rsa, ec []byte // public JWKs
	opener  *parties.Opener
}

// keyring makes the keys once: RSA keys take their time.
var keyring = sync.OnceValue(func() keys {
	private, public, err := parties.Generate()
	must(err)
	set, err := jwk.Parse(private)
	must(err)
	raw, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	other, err := jwk.Import(raw)
	must(err)
	must(other.Set(jwk.KeyIDKey, "rsa-1"))
	must(set.AddKey(other))
	both, err := json.Marshal(set)
	must(err)
	opener, err := parties.Parse(both)
	must(err)
	half, err := other.PublicKey()
	must(err)
	text, err := json.Marshal(half)
	must(err)
	return keys{rsa: text, ec: public, opener: opener}
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

const (
	ofConsent = `{"Initiation":{"DebtorAccount":{"SchemeName":"IBAN","Identification":"AE07 0331 2345 6789 0123 456","Name":{"en":"Omar","ar":"عمر"}},
		"Creditor":[{"CreditorAgent":{"SchemeName":"BICFI","Identification":"EBILAEAD","Name":"A Bank"},"Creditor":{"Name":"Gas Works"},
		"CreditorAccount":{"SchemeName":"IBAN","Identification":"AE21","Name":{"en":"Gas"}}}]},"Risk":{"x":1}}`
	ofPayment = `{"Initiation":{"CreditorAgent":{"Identification":"EBILAEAD"},"Creditor":{"Name":""},
		"CreditorAccount":{"SchemeName":"IBAN","Identification":"AE21","Name":{"ar":"غاز"}}},"Risk":{}}`
)

// signed is a clear text in a JWS whose signature nobody checks.
func signed(payload string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"PS256"}`)) + "." + part([]byte(payload)) + "." + part([]byte("signature"))
}

func TestOpen(t *testing.T) {
	consent := parties.Parties{
		CreditorName: "Gas Works", CreditorIBAN: "AE21", CreditorAgent: "A Bank", DebtorName: "Omar", DebtorIBAN: "AE070331234567890123456",
	}
	payment := parties.Parties{CreditorName: "غاز", CreditorIBAN: "AE21", CreditorAgent: "EBILAEAD"}
	for name, test := range map[string]struct {
		clear string
		want  parties.Parties
	}{
		"of a consent":           {ofConsent, consent},
		"of a payment":           {ofPayment, payment},
		"signed":                 {signed(ofConsent), consent},
		"signed, in a message":   {signed(`{"iss":"x","message":` + ofPayment + `}`), payment},
		"in a message":           {`{"message":` + ofPayment + `}`, payment},
		"the creditor alone":     {`{"Initiation":{"Creditor":{"Name":"N"}}}`, parties.Parties{CreditorName: "N"}},
		"a creditor of a list":   {`{"Initiation":{"Creditor":{"Creditor":{"Name":"N"},"CreditorAccount":{"Identification":"AE 1"}}}}`, parties.Parties{CreditorName: "N", CreditorIBAN: "AE1"}},
		"nobody":                 {`{"Initiation":{}}`, parties.Parties{}},
		"an empty list":          {`{"Initiation":{"Creditor":[]}}`, parties.Parties{}},
		"null":                   {`{"Initiation":{"Creditor":null,"DebtorAccount":null}}`, parties.Parties{}},
		"a name in itself":       {`{"Initiation":{"Creditor":{"Name":"N","Creditor":{"Name":"M"}}}}`, parties.Parties{CreditorName: "N"}},
		"with two dots":          {`{"Initiation":{"Creditor":{"Name":"A. B. C"}}}`, parties.Parties{CreditorName: "A. B. C"}},
		"beside a message":       {`{"Initiation":{"Creditor":{"Name":"N"}},"message":{}}`, parties.Parties{CreditorName: "N"}},
		"several to choose from": {`{"Initiation":{"Creditor":[{"Creditor":{"Name":"A"},"CreditorAccount":{"Identification":"AE1"}},{"CreditorAccount":{"Name":{"en":"B"}}},{}]}}`, parties.Parties{CreditorName: "A, B"}},
		"what cannot be shown":   {`{"Initiation":{"Creditor":{"Name":" A\u202eB\u0000\nC "}}}`, parties.Parties{CreditorName: "A B C"}},
		"too long":               {`{"Initiation":{"Creditor":{"Name":"` + strings.Repeat("ع", 400) + `"}}}`, parties.Parties{CreditorName: strings.Repeat("ع", 350)}},
	} {
		for kind, key := range map[string][]byte{"RSA": keyring().rsa, "EC": keyring().ec} {
			t.Run(name+" "+kind, func(t *testing.T) {
				sealed, err := parties.Seal(key, []byte(test.clear))
				require.NoError(t, err)
				parts := strings.Split(sealed, ".")
				require.Len(t, parts, 5)
				hidden, err := base64.RawURLEncoding.DecodeString(parts[3])
				require.NoError(t, err)
				require.NotContains(t, string(hidden), test.clear)
				got, err := keyring().opener.Open(sealed)
				require.NoError(t, err)
				require.Equal(t, test.want, got)
			})
		}
	}
}

// seal encrypts in any way.
func seal(t *testing.T, public []byte, algorithm jwa.KeyEncryptionAlgorithm, options ...jwe.EncryptOption) string {
	t.Helper()
	key, err := jwk.ParseKey(public)
	require.NoError(t, err)
	sealed, err := jwe.Encrypt([]byte(ofConsent), append(options, jwe.WithKey(algorithm, key))...)
	require.NoError(t, err)
	return string(sealed)
}

func TestAlgorithms(t *testing.T) {
	for _, algorithm := range []jwa.KeyEncryptionAlgorithm{jwa.RSA_OAEP_256(), jwa.ECDH_ES(), jwa.ECDH_ES_A256KW()} {
		for _, encryption := range []jwa.ContentEncryptionAlgorithm{jwa.A256GCM(), jwa.A128GCM(), jwa.A256CBC_HS512()} {
			t.Run(algorithm.String()+" "+encryption.String(), func(t *testing.T) {
				key := keyring().ec
				if algorithm == jwa.RSA_OAEP_256() {
					key = keyring().rsa
				}
				got, err := keyring().opener.Open(seal(t, key, algorithm, jwe.WithContentEncryption(encryption)))
				require.NoError(t, err)
				require.Equal(t, "Gas Works", got.CreditorName)
			})
		}
	}
}

func TestUnreadable(t *testing.T) {
	good := seal(t, keyring().rsa, jwa.RSA_OAEP_256(), jwe.WithContentEncryption(jwa.A256GCM()))
	_, stranger, err := parties.Generate()
	require.NoError(t, err)
	foreign, err := parties.Seal(stranger, []byte(ofConsent))
	require.NoError(t, err)
	nonsense := func(clear string) string {
		sealed, err := parties.Seal(keyring().ec, []byte(clear))
		require.NoError(t, err)
		return sealed
	}
	_, rest, _ := strings.Cut(good, ".")
	with := func(header string) string { return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest }
	for name, sealed := range map[string]string{
		"nothing": "", "text": "Gas Works", "clear": ofConsent, "five parts": "a.b.c.d.e", "no base64": "{}." + rest,
		"another's":          foreign,
		"changed":            good[:len(good)-4] + "AAAA",
		"too big":            good + strings.Repeat("A", 64<<10),
		"too big, and whole": nonsense(ofConsent + strings.Repeat(" ", 64<<10)),
		"older algorithm":    seal(t, keyring().rsa, jwa.RSA_OAEP(), jwe.WithContentEncryption(jwa.A256GCM())),
		"other wrapping":     seal(t, keyring().ec, jwa.ECDH_ES_A128KW(), jwe.WithContentEncryption(jwa.A256GCM())),
		"other encryption":   seal(t, keyring().rsa, jwa.RSA_OAEP_256(), jwe.WithContentEncryption(jwa.A128CBC_HS256())),
		"compressed":         seal(t, keyring().rsa, jwa.RSA_OAEP_256(), jwe.WithContentEncryption(jwa.A256GCM()), jwe.WithCompress(jwa.Deflate())),
		"critical":           with(`{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["x"]}`),
		"no key at all":      with(`{"alg":"dir","enc":"A256GCM"}`),
		"a password":         with(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1000000000,"p2s":"AAAA"}`),
		"an array":           nonsense(`[]`),
		"a number":           nonsense(`5`),
		"nothing inside":     nonsense(``),
		"no initiation":      nonsense(`{"Risk":{}}`),
		"no message":         nonsense(`{"message":"Gas Works"}`),
		"a name of no sort":  nonsense(`{"Initiation":{"Creditor":[{"Creditor":{"Name":5}}]}}`),
		"a creditor as text": nonsense(`{"Initiation":{"Creditor":"Gas Works"}}`),
		"a signed nothing":   nonsense(signed("")),
		"no JWS":             nonsense("a.!.c"),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := keyring().opener.Open(sealed)
			require.Equal(t, parties.ErrUnreadable, err, "nothing else: not even what was wrong")
			require.Zero(t, got)
		})
	}
}

// A JWE that names another key than the set's is not tried with them.
func TestKeyIDs(t *testing.T) {
	named := func(id string) string {
		h := jwe.NewHeaders()
		require.NoError(t, h.Set(jwe.KeyIDKey, id))
		bare, err := jwk.ParseKey(keyring().ec)
		require.NoError(t, err)
		require.NoError(t, bare.Remove(jwk.KeyIDKey))
		text, err := json.Marshal(bare)
		require.NoError(t, err)
		return seal(t, text, jwa.ECDH_ES_A256KW(), jwe.WithContentEncryption(jwa.A256GCM()), jwe.WithProtectedHeaders(h))
	}
	own, err := jwk.ParseKey(keyring().ec)
	require.NoError(t, err)
	id, ok := own.KeyID()
	require.True(t, ok)
	_, err = keyring().opener.Open(named(id))
	require.NoError(t, err)
	_, err = keyring().opener.Open(named("ec-2"))
	require.ErrorIs(t, err, parties.ErrUnreadable)
	_, err = keyring().opener.Open(named(""))
	require.NoError(t, err, "it names none, so all are tried")

	_, err = unnamed(t).Open(named("whatever"))
	require.NoError(t, err, "a key without a name is tried for any")
}

// unnamed opens with the EC key, which has no name.
func unnamed(t *testing.T) *parties.Opener {
	t.Helper()
	for i := range keyring().opener.Keys.Len() {
		key, _ := keyring().opener.Keys.Key(i)
		if key.KeyType() != jwa.EC() {
			continue
		}
		bare, err := key.Clone()
		require.NoError(t, err)
		require.NoError(t, bare.Remove(jwk.KeyIDKey))
		set := jwk.NewSet()
		require.NoError(t, set.AddKey(bare))
		return &parties.Opener{Keys: set}
	}
	t.Fatal("there is an EC key")
	return nil
}

func TestParse(t *testing.T) {
	private, public, err := parties.Generate()
	require.NoError(t, err)
	opener, err := parties.Parse(private)
	require.NoError(t, err)
	shown, err := opener.Public()
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"keys":[%s]}`, public), string(shown))
	require.NotContains(t, string(shown), `"d"`)

	for name, set := range map[string]string{
		"nothing": "", "no set": "5", "empty": `{"keys":[]}`, "public": string(shown),
		"symmetric": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
	} {
		_, err := parties.Parse([]byte(set))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "c2VjcmV0")
	}
	_, err = parties.Seal([]byte("{}"), nil)
	require.Error(t, err)
}

func FuzzOpen(f *testing.F) {
	sealed, err := parties.Seal(keyring().ec, []byte(ofConsent))
	require.NoError(f, err)
	f.Add(sealed, ofConsent)
	f.Add("a.b.c.d.e", ofPayment)
	f.Add("", signed(ofPayment))
	f.Add("....", `{"message":{"Initiation":{"Creditor":[{},{"Creditor":{"Name":{"en":"A"}}}]}}}`)
	f.Fuzz(func(t *testing.T, sealed, clear string) {
		if _, err := keyring().opener.Open(sealed); err != nil {
			require.Equal(t, parties.ErrUnreadable, err)
		}
		inside, err := parties.Seal(keyring().ec, []byte(clear))
		require.NoError(t, err)
		got, err := keyring().opener.Open(inside)
		if err != nil {
			require.Equal(t, parties.ErrUnreadable, err)
			require.Zero(t, got)
		}
		require.NotContains(t, got.DebtorIBAN+got.CreditorIBAN, " ")
	})
}
