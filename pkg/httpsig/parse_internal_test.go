package httpsig

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseSignature(t *testing.T) {
	t.Parallel()
	want := &Signature{KeyID: "SN=1,CA=CN=a,C=DE", Algorithm: "rsa-sha256", Headers: []string{"digest", "(request-target)"}, Value: []byte("x")}
	for name, value := range map[string]string{
		"as usual":               `keyId="SN=1,CA=CN=a,C=DE",algorithm="rsa-sha256",headers="digest (request-target)",signature="eA=="`,
		"another order":          `signature="eA==",headers="digest (request-target)",algorithm="rsa-sha256",keyId="SN=1,CA=CN=a,C=DE"`,
		"blanks":                 " keyId = \"SN=1,CA=CN=a,C=DE\" ,\talgorithm=\"rsa-sha256\", headers= \"digest  (request-target) \", signature=\"eA==\" ",
		"another case":           `KEYID="SN=1,CA=CN=a,C=DE",Algorithm="RSA-SHA256",headers="Digest (Request-Target)",signature="eA=="`,
		"parameters of others":   `keyId="SN=1,CA=CN=a,C=DE",created=1402170695,x="a,b=\"c",x="2",algorithm="rsa-sha256",headers="digest (request-target)",signature="eA=="`,
		"what need not be plain": `keyId="SN=1\,CA=CN=a,C=DE",algorithm="rsa-sha256",headers="digest (request-target)",signature="eA=="`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSignature(value)
			require.NoError(t, err)
			if strings.Contains(value, `\,`) { // a backslash of the name of the issuer stays
				require.Equal(t, `SN=1\,CA=CN=a,C=DE`, got.KeyID)
				return
			}
			require.Equal(t, want, got)
		})
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	t.Parallel()
	const good = `keyId="SN=1,CA=CN=a",algorithm="rsa-sha256",headers="digest",signature="eA=="`
	for name, test := range map[string]struct{ value, text string }{
		"nothing":                  {"", `list of <name>="<value>"`},
		"a scheme":                 {"Signature " + good, `list of <name>="<value>"`},
		"no keyId":                 {`algorithm="rsa-sha256",headers="digest",signature="eA=="`, "must have a value for keyId"},
		"no algorithm":             {`keyId="a",headers="digest",signature="eA=="`, "must have a value for algorithm"},
		"no headers":               {`keyId="a",algorithm="rsa-sha256",signature="eA=="`, "must have a value for headers"},
		"no signature":             {`keyId="a",algorithm="rsa-sha256",headers="digest"`, "must have a value for signature"},
		"an empty value":           {`keyId="",algorithm="rsa-sha256",headers="digest",signature="eA=="`, "must have a value for keyId"},
		"headers of blanks":        {`keyId="a",algorithm="rsa-sha256",headers=" ",signature="eA=="`, "1 to 64 headers"},
		"twice":                    {good + `,keyId="SN=1,CA=CN=a"`, "each parameter once"},
		"twice in two cases":       {good + `,KEYID="SN=1,CA=CN=a"`, "each parameter once"},
		"not quoted":               {`keyId=a,algorithm="rsa-sha256",headers="digest",signature="eA=="`, "quotation marks"},
		"not quoted, and no token": {`keyId=,algorithm="rsa-sha256"`, "quotation marks"},
		"not closed":               {`keyId="a`, "quotation marks"},
		"closed by an escape":      {`keyId="a\"`, "quotation marks"},
		"a control character":      {"keyId=\"a\nb\"", "quotation marks"},
		"no comma":                 {`keyId="a" algorithm="rsa-sha256"`, "commas between"},
		"a comma at the end":       {good + ",", `list of <name>="<value>"`},
		"two commas":               {`keyId="a",,algorithm="rsa-sha256"`, `list of <name>="<value>"`},
		"not base64":               {`keyId="a",algorithm="rsa-sha256",headers="digest",signature="?"`, "base64"},
		"a repeated header":        {`keyId="a",algorithm="rsa-sha256",headers="digest Digest",signature="eA=="`, "must cover digest once"},
		"no name of a header":      {`keyId="a",algorithm="rsa-sha256",headers="digest:",signature="eA=="`, "by their names"},
		"a pseudo header":          {`keyId="a",algorithm="rsa-sha256",headers="(created)",signature="eA=="`, "by their names"},
		"a long name":              {`keyId="a",algorithm="rsa-sha256",headers="` + strings.Repeat("a", 101) + `",signature="eA=="`, "by their names"},
		"many headers":             {`keyId="a",algorithm="rsa-sha256",headers="` + strings.Repeat("a ", 65) + `",signature="eA=="`, "1 to 64 headers"},
		"too long":                 {good + strings.Repeat(" ", 16<<10), "16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseSignature(test.value)
			fault, ok := As(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, Error{Reason: Malformed, Header: HeaderSignature, Text: fault.Text}, *fault)
			require.Contains(t, fault.Text, test.text)
		})
	}
}

// What is as long as it may be, and as hard, takes no time to speak of.
func TestParseSignatureIsQuick(t *testing.T) {
	cert := certificate("1", named(oidCN, "a"))
	for _, hard := range []string{`a=b,`, `\`, `"`, `\"`, `=`, `%`, `,`, `+`, `CN=a,`, `,a`, `+%2C`} {
		text := strings.Repeat(hard, (15<<10)/len(hard))
		start := time.Now()
		for range 20 {
			_, _ = parseSignature(text)
			_, _ = parseSignature(`keyId="` + text + `"`)
			require.Error(t, checkKeyID("SN=1,CA="+text, cert))
			require.Error(t, checkKeyID(text, cert))
		}
		require.Less(t, time.Since(start), 2*time.Second, "%q", hard)
	}
}

func FuzzParseSignature(f *testing.F) {
	for _, value := range []string{
		`keyId="SN=9FA1,CA=CN=D-TRUST%20CA%202-1%202015,O=D-Trust%20GmbH,C=DE",algorithm="rsa-sha256",headers="digest x-request-id",signature="eA=="`,
		`keyId="SN=0x1,CA=2.5.4.97=#0c0161+O=\"a, b\"",algorithm="ecdsa-sha256",headers="(request-target)",signature="eA==",created=1`,
		`CN=D-TRUST%20CA%202-1%202015,O="D-Trust GmbH"+2.5.4.6=#13024445`, "C=\xdf\\",
		`keyId="SN=1,CA=a\,b;c\2C",algorithm="",headers="",signature=""`,
	} {
		f.Add(value)
	}
	cert := certificate("9FA1", named(oidCN, "D-TRUST CA 2-1 2015"), named(oidO, "D-Trust GmbH"), named(oidC, "DE"))
	f.Fuzz(func(t *testing.T, value string) {
		isIssuer(value, cert.Issuer)
		s, err := parseSignature(value)
		if err != nil {
			fault, ok := As(err)
			require.True(t, ok)
			require.Equal(t, Malformed, fault.Reason)
			require.LessOrEqual(t, len(fault.Text), 200)
			return
		}
		_ = checkKeyID(s.KeyID, cert)
		require.NotEmpty(t, s.Headers)
		require.LessOrEqual(t, len(s.Headers), maxHeaders)
		// What has been read is written, and read again, as the same.
		s.KeyID = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.KeyID)
		s.Algorithm = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.Algorithm)
		again, err := parseSignature(s.header())
		if len(s.header()) <= maxSignature {
			require.NoError(t, err)
			require.Equal(t, s.Headers, again.Headers)
			require.Equal(t, s.Value, again.Value)
		}
	})
}
