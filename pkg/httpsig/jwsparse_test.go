package httpsig_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/httpsig"
)

func TestParseJWSRefuses(t *testing.T) {
	t.Parallel()
	key := ecKey(t, elliptic.P256())
	cert, other := seal(t, key), seal(t, key)
	good := headerFor(cert, "ES256")
	replace := func(old, new string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, new, 1)
	}
	thumbprint := strings.Split(good, `"`)[5]
	for name, test := range map[string]struct {
		header string
		reason httpsig.Reason
		text   string
	}{
		"none":                  {replace(`"ES256"`, `"none"`), httpsig.Invalid, "as its alg"},
		"HS256":                 {replace(`"ES256"`, `"HS256"`), httpsig.Invalid, "as its alg"},
		"ES256K":                {replace(`"ES256"`, `"ES256K"`), httpsig.Invalid, "as its alg"},
		"EdDSA":                 {replace(`"ES256"`, `"EdDSA"`), httpsig.Invalid, "as its alg"},
		"no algorithm":          {replace(`"alg"`, `"ALG"`), httpsig.Malformed, "must have a alg"},
		"two algorithms":        {replace(`{"b64"`, `{"alg":"ES256","b64"`), httpsig.Malformed, "without repeats"},
		"two, one escaped":      {replace(`{"b64"`, `{"\u0061lg":"none","b64"`), httpsig.Malformed, "without repeats"},
		"two sigD":              {replace(`{"b64"`, `{"sigD":{},"b64"`), httpsig.Malformed, "without repeats"},
		"two pars":              {replace(`{"pars"`, `{"pars":["date"],"pars"`), httpsig.Malformed, "sigD"},
		"encoded":               {replace(`"b64":false`, `"b64":true`), httpsig.Invalid, "b64"},
		"b64 of another type":   {replace(`"b64":false`, `"b64":"false"`), httpsig.Malformed, "b64"},
		"b64 null":              {replace(`"b64":false`, `"b64":null`), httpsig.Malformed, "b64"},
		"no b64":                {replace(`"b64":false,`, ``), httpsig.Malformed, "b64"},
		"b64 not critical":      {replace(`"sigT","sigD","b64"`, `"sigT","sigD"`), httpsig.Invalid, "in crit"},
		"sigT not critical":     {replace(`"sigT","sigD","b64"`, `"b64","sigD"`), httpsig.Invalid, "in crit"},
		"another critical":      {replace(`"sigD","b64"]`, `"sigD","b64","exp"],"exp":1`), httpsig.Invalid, "in crit"},
		"critical twice":        {replace(`"sigD","b64"`, `"sigD","b64","b64"`), httpsig.Invalid, "in crit"},
		"nothing critical":      {replace(`["sigT","sigD","b64"]`, `[]`), httpsig.Invalid, "in crit"},
		"crit of another type":  {replace(`["sigT","sigD","b64"]`, `"b64"`), httpsig.Malformed, "crit"},
		"no crit":               {replace(`"crit"`, `"x"`), httpsig.Malformed, "crit"},
		"no sigT":               {replace(`"sigT":`, `"x":`), httpsig.Malformed, "sigT"},
		"sigT a number":         {replace(`"2026-10-02T12:00:00Z"`, `1790942400`), httpsig.Malformed, "sigT"},
		"sigT no time":          {replace(`"2026-10-02T12:00:00Z"`, `"2026-10-02"`), httpsig.Malformed, "RFC 3339"},
		"no sigD":               {replace(`"sigD":`, `"x":`), httpsig.Malformed, "sigD"},
		"sigD no object":        {replace(`"sigD":{`, `"sigD":1,"x":{`), httpsig.Malformed, "sigD"},
		"another mechanism":     {replace(`HttpHeaders`, `ObjectIdByURI`), httpsig.Invalid, "mId"},
		"no mechanism":          {replace(`"mId"`, `"mid"`), httpsig.Malformed, "mId"},
		"no pars":               {replace(`"pars"`, `"Pars"`), httpsig.Malformed, "pars"},
		"empty pars":            {replace(`["x-request-id","digest"]`, `[]`), httpsig.Malformed, "1 to 64"},
		"many pars":             {replace(`"digest"]`, `"digest"`+strings.Repeat(`,"a"`, 64)+`]`), httpsig.Malformed, "1 to 64"},
		"upper case":            {replace(`"x-request-id"`, `"X-Request-ID"`), httpsig.Malformed, "lower case"},
		"a line":                {replace(`"x-request-id"`, `"x-request-id: 1\nx"`), httpsig.Malformed, "by their names"},
		"a pseudo header":       {replace(`"x-request-id"`, `"@method"`), httpsig.Malformed, "by their names"},
		"covered twice":         {replace(`"digest"]`, `"digest","digest"]`), httpsig.Malformed, "must cover digest once"},
		"no certificate":        {replace(`"x5t#S256"`, `"kid"`), httpsig.Invalid, "x5c or x5t#S256"},
		"a thumbprint of SHA-1": {replace(thumbprint, `2jmj7l5rSw0yVb_vlWAYkK_YBwk`), httpsig.Malformed, "x5t#S256"},
		"two certificates":      {replace(`{"b64"`, `{"x5c":["`+base64.StdEncoding.EncodeToString(other.Raw)+`"],"b64"`), httpsig.Invalid, "the same certificate"},
		"no chain in x5c":       {replace(`{"b64"`, `{"x5c":[],"b64"`), httpsig.Malformed, "1 to 10"},
		"x5c of base64url":      {replace(`{"b64"`, `{"x5c":["_-"],"b64"`), httpsig.Malformed, "base64 of certificates"},
		"x5c of another type":   {replace(`{"b64"`, `{"x5c":"","b64"`), httpsig.Malformed, "x5c"},
		"an array":              {`[]`, httpsig.Malformed, "JSON object"},
		"null":                  {`null`, httpsig.Malformed, "JSON object"},
		"nothing":               {``, httpsig.Malformed, "compact"},
		"more than an object":   {good + `{}`, httpsig.Malformed, "JSON object"},
		"cut off":               {good[:len(good)-1], httpsig.Malformed, "JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpsig.ParseJWS(forge(t, key, test.header, jwsText))
			requireFault(t, err, test.reason, httpsig.HeaderJWS, test.text)
		})
	}
	for name, value := range map[string]string{
		"nothing": "", "one part": "a", "two parts": "a.b", "attached": "e30.e30.e30", "four parts": "e30..e30.e30", "no signature": "e30..",
		"not base64url": "e30+..e30", "padded": "e30=..e30", "a signature not base64url": "e30..+", "JSON": `{"payload":""}`,
		"too long": strings.Repeat("a", 64<<10) + "..e30",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpsig.ParseJWS(value)
			requireFault(t, err, httpsig.Malformed, httpsig.HeaderJWS, "must ")
		})
	}
}

func FuzzParseJWS(f *testing.F) {
	key := ecKey(f, elliptic.P256())
	cert := seal(f, key)
	m := posted(f)
	for _, header := range []string{headerFor(cert, "ES256"), headerFor(cert, "PS512"), `{"crit":["b64"],"b64":false}`, `{"a":{"a":[{}]},"a":1}`, `[]`} {
		f.Add(forge(f, key, header, jwsText))
	}
	f.Add("e30..e30")
	f.Fuzz(func(t *testing.T, value string) {
		j, err := httpsig.ParseJWS(value)
		if err != nil {
			fault, ok := httpsig.As(err)
			require.True(t, ok)
			require.NotEqual(t, httpsig.Missing, fault.Reason)
			require.LessOrEqual(t, len(fault.Text), 200)
			return
		}
		require.NotEmpty(t, j.Pars)
		require.Positive(t, len(j.Certificates)+len(j.Thumbprint))
		if err := j.Verify(httpsig.DefaultJWSProfile(atNoon), m, cert); err != nil {
			_, ok := httpsig.As(err)
			require.True(t, ok)
		}
	})
}
