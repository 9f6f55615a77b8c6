package dn_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"

	"consentd/pkg/dn"
)

func TestType(t *testing.T) {
	t.Parallel()
	for keyword, want := range map[string]string{
		"CN": "2.5.4.3", "cn": "2.5.4.3", "organizationIdentifier": "2.5.4.97", "2.5.4.97": "2.5.4.97", "OID.2.5.4.97": "2.5.4.97",
		"": "", "CNN": "", "3.1": "", "2.5.": "", "2.05": "", "2": "",
	} {
		oid, known := dn.Type(keyword)
		assert.Equal(t, want, oid, keyword)
		assert.Equal(t, want != "", known, keyword)
	}
	oid, known := dn.Type(" CN ")
	assert.True(t, known, "blanks around it")
	assert.Equal(t, "2.5.4.3", oid)
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	name := pkix.Name{Names: []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "Größte  Bank "}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "CA"},
	}}
	assert.Equal(t, []string{"2.5.4.10=größte bank", "2.5.4.3=ca"}, dn.Attributes(name))
	assert.Equal(t, "2.5.4.10=größte bank", dn.Attribute("2.5.4.10", "Gr\xf6\xdfte Bank"), "Latin-1")
}

func TestSplit(t *testing.T) {
	t.Parallel()
	const text = `CN=a\,b,O="c,d"+OU=e;C=XX`
	for separators, want := range map[string][]string{
		",+":  {`CN=a\,b`, `O="c,d"`, `OU=e;C=XX`},
		",;+": {`CN=a\,b`, `O="c,d"`, `OU=e`, `C=XX`},
		"":    {text},
	} {
		var got []string
		for _, p := range dn.Split(text, separators) {
			got = append(got, text[p.From:p.To])
		}
		assert.Equal(t, want, got, separators)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`plain`: "plain", `a\,b`: "a,b", `a\\b`: `a\b`, `\c3\bc`: "ü", `a\`: `a\`, `\4`: "4", `\4z`: "4z", ``: "",
	} {
		assert.Equal(t, want, dn.Unescape(value), value)
	}
	for digits, want := range map[string]string{"0c024445": "DE", "13024445": "DE", "0c0244": "", "zz": "", "02010a": "", "0c02444500": ""} {
		text, ok := dn.DER(digits)
		assert.Equal(t, want != "", ok, digits)
		if ok {
			assert.Equal(t, want, text)
		}
	}
}
