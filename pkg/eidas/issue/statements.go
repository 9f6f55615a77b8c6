package issue

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"consentd/pkg/eidas"
)

// Object identifiers: RFC 3739 §3.2.6, ETSI EN 319 412-5, ETSI TS 119 495 §5.1.
//
//nolint:gochecknoglobals // constant in fact
var (
	oidQcStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidQcCompliance = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}
	oidQcType       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}
	oidPSD2         = asn1.ObjectIdentifier{0, 4, 0, 19495, 2}
)

var (
	roleOIDs = map[eidas.Role]asn1.ObjectIdentifier{
		eidas.RoleAS: {0, 4, 0, 19495, 1, 1},
		eidas.RolePI: {0, 4, 0, 19495, 1, 2},
		eidas.RoleAI: {0, 4, 0, 19495, 1, 3},
		eidas.RoleIC: {0, 4, 0, 19495, 1, 4},
	}
	typeOIDs = map[eidas.Type]asn1.ObjectIdentifier{
		eidas.Esign: {0, 4, 0, 1862, 1, 6, 1},
		eidas.Seal:  {0, 4, 0, 1862, 1, 6, 2},
		eidas.Web:   {0, 4, 0, 1862, 1, 6, 3},
	}
)

// statements encodes the value of the extension qcStatements.
func (o *Order) statements() ([]byte, error) {
	typeOID, ok := typeOIDs[o.Type]
	if !ok {
		return nil, fmt.Errorf("unknown type of certificate %q", o.Type)
	}
	for _, r := range o.Roles {
		if _, err := eidas.ParseRole(string(r)); err != nil {
			return nil, err
		}
	}
	var b cryptobyte.Builder
	if o.Encoding == Bare && !o.NoStatement {
		sequence(&b, o.psd2)
		return b.Bytes()
	}
	sequence(&b, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidQcCompliance) })
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidQcType)
			sequence(b, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(typeOID) })
		})
		if !o.NoStatement {
			sequence(b, o.psd2)
		}
	})
	return b.Bytes()
}

// psd2 adds the content of the PSD2 statement.
func (o *Order) psd2(b *cryptobyte.Builder) {
	b.AddASN1ObjectIdentifier(oidPSD2)
	if o.Encoding == Unwrapped {
		o.info(b)
		return
	}
	sequence(b, o.info)
}

func (o *Order) info(b *cryptobyte.Builder) {
	sequence(b, func(b *cryptobyte.Builder) {
		for _, r := range o.Roles {
			role := func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(roleOIDs[r])
				text(b, string(r))
			}
			if o.Encoding == Flat {
				role(b)
				continue
			}
			sequence(b, role)
		}
	})
	text(b, o.NCAName)
	text(b, o.NCAID)
}

func sequence(b *cryptobyte.Builder, content cryptobyte.BuilderContinuation) {
	b.AddASN1(casn1.SEQUENCE, content)
}

func text(b *cryptobyte.Builder, s string) {
	b.AddASN1(casn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}
