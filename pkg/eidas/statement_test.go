package eidas_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/pkg/eidas"
)

// The statements in testdata were encoded by openssl from the .cnf beside them
// (openssl asn1parse -genconf x.cnf -noout -out x.der; xxd -p -c 40 x.der), so
// that no mistake can hide in an encoder and a decoder of ours alike. All but
// those named below state the same.
func TestStatementsOfAnotherEncoder(t *testing.T) {
	seen := 0
	for name, extension := range golden(t) {
		t.Run(name, func(t *testing.T) {
			c, err := eidas.Parse(stating(extension))
			require.NoError(t, err)
			require.Equal(t, []eidas.Role{eidas.RolePI, eidas.RoleAI, eidas.RoleIC}, c.Roles)
			require.Equal(t, "Bundesanstalt für Finanzdienstleistungsaufsicht", c.NCAName)
			require.Equal(t, "DE-BAFIN", c.NCAID)
			require.Equal(t, "DE-BAFIN:PSDDE-BAFIN-125314", c.ID())
			if strings.HasPrefix(name, "bare") { // there is nothing but the PSD2 statement
				require.Empty(t, c.Types)
				require.False(t, c.Compliant)
				return
			}
			require.Equal(t, []eidas.Type{eidas.Web}, c.Types)
			require.True(t, c.Compliant)
		})
		seen++
	}
	require.Equal(t, 8, seen)
}

// Whatever is cut off, added or changed in length: it is an error, and never a
// certificate with fewer roles.
func TestStatementsCutShortAndTrailing(t *testing.T) {
	for name, extension := range golden(t) {
		t.Run(name, func(t *testing.T) {
			for end := range extension {
				_, err := eidas.Parse(stating(extension[:end]))
				require.Equal(t, eidas.Malformed, eidas.ReasonOf(err), "cut at %d", end)
			}
			_, err := eidas.Parse(stating(append(slices.Clone(extension), 0x05, 0x00)))
			require.Equal(t, eidas.Malformed, eidas.ReasonOf(err), "trailing")
		})
	}
}

func TestStatements(t *testing.T) {
	const (
		psd2       = "0.4.0.19495.2"
		as, ai     = "0.4.0.19495.1.1", "0.4.0.19495.1.3"
		compliance = "0.4.0.1862.1.1"
		qcType     = "0.4.0.1862.1.6"
		web, seal  = "0.4.0.1862.1.6.3", "0.4.0.1862.1.6.2"
	)
	role := func(id, name string) []byte { return seq(oid(id), utf8(name)) }
	name, id := utf8("Authority"), utf8("DE-BAFIN")
	roles := seq(role(as, "PSP_AS"), role(ai, "PSP_AI"))
	good := seq(oid(psd2), seq(roles, name, id))
	// with wraps what takes the place of rolesOfPSP, nCAName and nCAId
	with := func(info ...[]byte) []byte { return seq(seq(oid(psd2), seq(info...))) }

	for title, extension := range map[string][]byte{
		"as the standard says":             seq(good),
		"roles named by other texts":       with(seq(role(as, "PSP_PI"), role(ai, "")), name, id),
		"a role stated twice":              with(seq(role(as, "PSP_AS"), role(ai, "a"), role(as, "b")), name, id),
		"flat, a role stated twice":        with(seq(oid(as), utf8("a"), oid(ai), utf8("a"), oid(ai), utf8("b")), name, id),
		"other statements, with any value": seq(seq(oid("1.2.3"), tlv(0x05)), seq(oid("0.4.0.1862.1.5"), []byte{0x30, 0x7f, 1}), good),
		"QcCompliance with a value":        seq(good, seq(oid(compliance), tlv(0x05))),
	} {
		t.Run(title, func(t *testing.T) {
			c, err := eidas.Parse(stating(extension))
			require.NoError(t, err)
			require.Equal(t, []eidas.Role{eidas.RoleAS, eidas.RoleAI}, c.Roles)
			require.True(t, c.Has(eidas.RoleAI))
			require.False(t, c.Has(eidas.RolePI))
		})
	}

	long := strings.Repeat("x", 257)
	for title, c := range map[string]struct {
		extension []byte
		want      eidas.Reason
	}{
		"no statement at all":          {seq(), eidas.NoStatement},
		"others alone":                 {seq(seq(oid(compliance)), seq(oid(qcType), seq(oid(web)))), eidas.NoStatement},
		"another alone, bare":          {seq(oid(compliance)), eidas.NoStatement},
		"nothing":                      {nil, eidas.Malformed},
		"no SEQUENCE":                  {utf8("PSP_AI"), eidas.Malformed},
		"a statement that is none":     {seq(good, utf8("x")), eidas.Malformed},
		"a statement without OID":      {seq(good, seq()), eidas.Malformed},
		"two PSD2 statements":          {seq(good, good), eidas.Malformed},
		"PSD2 statement of OID alone":  {seq(seq(oid(psd2))), eidas.Malformed},
		"PSD2 statement empty":         {with(), eidas.Malformed},
		"no roles":                     {with(seq(), name, id), eidas.Malformed},
		"an empty role":                {with(seq(seq()), name, id), eidas.Malformed},
		"an empty role behind a role":  {with(seq(role(ai, "a"), seq()), name, id), eidas.Malformed},
		"a role beyond the four":       {with(seq(role(ai, "PSP_AI"), role("0.4.0.19495.1.5", "PSP_XX")), name, id), eidas.Malformed},
		"a role above the roles":       {with(seq(role("0.4.0.19495.1", "PSP_AI")), name, id), eidas.Malformed},
		"a role below a role":          {with(seq(role("0.4.0.19495.1.3.1", "PSP_AI")), name, id), eidas.Malformed},
		"a role from elsewhere":        {with(seq(role(ai, "PSP_AI"), role("1.3.6.1.4.1.1", "PSP_AI")), name, id), eidas.Malformed},
		"a role without name":          {with(seq(role(ai, "PSP_AI"), seq(oid(as))), name, id), eidas.Malformed},
		"a role without OID":           {with(seq(seq(utf8("PSP_AI"))), name, id), eidas.Malformed},
		"a role by its name":           {with(seq(utf8("PSP_AI")), name, id), eidas.Malformed},
		"a role named by a number":     {with(seq(seq(oid(ai), tlv(0x02, 3))), name, id), eidas.Malformed},
		"a role with trailing data":    {with(seq(seq(oid(ai), utf8("PSP_AI"), tlv(0x05))), name, id), eidas.Malformed},
		"flat, the last without name":  {with(seq(oid(as), utf8("a"), oid(ai)), name, id), eidas.Malformed},
		"flat, and then not":           {with(seq(oid(as), utf8("a"), role(ai, "a")), name, id), eidas.Malformed},
		"first not flat, then flat":    {with(seq(role(as, "a"), oid(ai), utf8("a")), name, id), eidas.Malformed},
		"roles are a SET":              {with(tlv(0x31, role(ai, "a")...), name, id), eidas.Malformed},
		"no authority":                 {with(roles), eidas.Malformed},
		"authority without id":         {with(roles, name), eidas.Malformed},
		"authority with more":          {with(roles, name, id, id), eidas.Malformed},
		"unwrapped, with more":         {seq(seq(oid(psd2), roles, name, id, id)), eidas.Malformed},
		"wrapped, and then more":       {seq(seq(oid(psd2), seq(roles, name, id), id)), eidas.Malformed},
		"wrapped once too often":       {seq(seq(oid(psd2), seq(seq(roles, name, id)))), eidas.Malformed},
		"nCAId empty":                  {with(roles, name, utf8("")), eidas.Malformed},
		"nCAId with a colon":           {with(roles, name, utf8("DE:BAFIN")), eidas.Malformed},
		"nCAId with a slash":           {with(roles, name, utf8("DE/BAFIN")), eidas.Malformed},
		"nCAId with a line break":      {with(roles, name, utf8("DE-BAFIN\n")), eidas.Malformed},
		"nCAId too long":               {with(roles, name, utf8(strings.Repeat("A", 41))), eidas.Malformed},
		"nCAId of another authority":   {with(roles, name, utf8("FR-ACPR")), eidas.Malformed},
		"nCAId in other case":          {with(roles, name, utf8("de-bafin")), eidas.Malformed},
		"nCAName too long":             {with(roles, utf8(long), id), eidas.Malformed},
		"nCAName not UTF-8":            {with(roles, utf8("\xff"), id), eidas.Malformed},
		"nCAName with controls":        {with(roles, utf8("a\x00b"), id), eidas.Malformed},
		"nCAName turning the line":     {with(roles, utf8("a\u202eb"), id), eidas.Malformed},
		"nCAName not ASCII in an IA5":  {with(roles, tlv(0x16, []byte("ü")...), id), eidas.Malformed},
		"nCAName half a BMP character": {with(roles, tlv(0x1e, 0, 'a', 0), id), eidas.Malformed},
		"role's name too long":         {with(seq(role(ai, long)), name, id), eidas.Malformed},
		"extension too long":           {seq(good, seq(oid("1.2.3"), tlv(0x04, make([]byte, 9<<10)...))), eidas.Malformed},
		"length in more bytes":         {append([]byte{0x30, 0x82, 0x00, byte(len(good))}, good...), eidas.Malformed},
		"length without end":           {append(append([]byte{0x30, 0x80}, good...), 0, 0), eidas.Malformed},
		"length absurd":                {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06}, eidas.Malformed},
		"QcType empty":                 {seq(good, seq(oid(qcType), seq())), eidas.Malformed},
		"QcType without value":         {seq(good, seq(oid(qcType))), eidas.Malformed},
		"QcType with more":             {seq(good, seq(oid(qcType), seq(oid(web)), seq(oid(seal)))), eidas.Malformed},
		"QcType of texts":              {seq(good, seq(oid(qcType), seq(utf8("web")))), eidas.Malformed},
	} {
		t.Run(title, func(t *testing.T) {
			got, err := eidas.Parse(stating(c.extension))
			require.Equal(t, c.want, eidas.ReasonOf(err), "%v", err)
			require.Nil(t, got)
		})
	}

	t.Run("types", func(t *testing.T) {
		c, err := eidas.Parse(stating(seq(good,
			seq(oid(qcType), seq(oid(web), oid(seal), oid(web))),
			seq(oid(qcType), seq(oid("0.4.0.1862.1.6.1"), oid("0.4.0.1862.1.6.9"))))))
		require.NoError(t, err)
		require.Equal(t, []eidas.Type{eidas.Web, eidas.Seal, eidas.Esign, "0.4.0.1862.1.6.9"}, c.Types,
			"one that has no name is kept, so that it does not pass for none")
		require.False(t, c.Compliant)
	})
	t.Run("no extension, and two", func(t *testing.T) {
		cert := stating(seq(good))
		other := cert.Extensions[0]
		other.Id = asn1.ObjectIdentifier{2, 5, 29, 15}
		cert.Extensions = append(cert.Extensions, other)
		_, err := eidas.Parse(cert)
		require.NoError(t, err)
		cert.Extensions[0].Id = other.Id
		_, err = eidas.Parse(cert)
		require.Equal(t, eidas.NoStatement, eidas.ReasonOf(err))
		cert = stating(seq(good))
		cert.Extensions = append(cert.Extensions, cert.Extensions[0])
		_, err = eidas.Parse(cert)
		require.Equal(t, eidas.Malformed, eidas.ReasonOf(err))
	})
}

// FuzzStatement reads any bytes as qcStatements: they are refused with a reason,
// or give a third party with a name and a role.
func FuzzStatement(f *testing.F) {
	for _, extension := range golden(f) {
		f.Add(extension)
	}
	f.Fuzz(func(t *testing.T, extension []byte) {
		cert := stating(extension)
		cert.Subject.Names[0].Value = "any organisation" // so that any authority will do
		checkParsed(t, cert)
	})
}

// checkParsed asserts what holds whatever a certificate says.
func checkParsed(t *testing.T, cert *x509.Certificate) {
	t.Helper()
	c, err := eidas.Parse(cert)
	if err != nil {
		require.Nil(t, c)
		require.Contains(t, []eidas.Reason{eidas.Malformed, eidas.NoStatement}, eidas.ReasonOf(err))
		return
	}
	require.NotEmpty(t, c.Roles)
	for i, r := range c.Roles {
		known, err := eidas.ParseRole(string(r))
		require.NoError(t, err)
		require.Equal(t, known, r)
		require.NotContains(t, c.Roles[:i], r)
	}
	require.NotEmpty(t, c.Organisation)
	nca, organisation, _ := strings.Cut(c.ID(), ":")
	require.NotEmpty(t, nca)
	require.Equal(t, c.NCAID, nca, "the id falls apart as it was put together")
	require.Equal(t, c.Organisation, organisation)
	require.Regexp(t, `^[0-9a-f]{64}$`, c.Fingerprint)
	for _, domain := range c.Domains() {
		require.Equal(t, !strings.HasPrefix(domain, "*."), c.Covers(domain))
	}
	require.False(t, c.Covers(""))
}

// golden is what testdata has, by name.
func golden(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/statements/*.hex")
	require.NoError(tb, err)
	found := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(tb, err)
		der, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		require.NoError(tb, err)
		found[strings.TrimSuffix(filepath.Base(file), ".hex")] = der
	}
	return found
}

// stating is a certificate, as parsed, with these qcStatements.
func stating(extension []byte) *x509.Certificate {
	return &x509.Certificate{
		Raw: []byte("any"),
		Subject: pkix.Name{
			CommonName: "Acme",
			Names:      []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 97}, Value: "PSDDE-BAFIN-125314"}},
		},
		Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}, Value: extension}},
	}
}

func tlv(tag byte, content ...byte) []byte {
	head := []byte{tag, byte(len(content))}
	switch {
	case len(content) > 0xff:
		head = []byte{tag, 0x82, byte(len(content) >> 8), byte(len(content))}
	case len(content) > 0x7f:
		head = []byte{tag, 0x81, byte(len(content))}
	}
	return append(head, content...)
}

func seq(parts ...[]byte) []byte { return tlv(0x30, slices.Concat(parts...)...) }

func utf8(s string) []byte { return tlv(0x0c, []byte(s)...) }

func oid(dotted string) []byte {
	id, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	der, err := id.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return tlv(0x06, der...)
}
