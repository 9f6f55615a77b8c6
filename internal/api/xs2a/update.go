package xs2a

import (
	"strings"

	"consentd/internal/consent"
	"consentd/internal/edge"
)

// update is what a TPP sends to carry an authorisation on, or to start one
// (NextGenPSD2 1.3.x §7.1, §7.2). Only the field of its kind is set; all of them
// are secret but method.
type update struct {
	kind updateKind
	// password is what the PSU knows; method the id of a method of
	// authentication; data the answer to a challenge; code what came back with the
	// browser.
	password, method, data, code string
}

type updateKind int

// The kinds, told apart by the one member that the body has.
const (
	updateIdentification updateKind = iota // none: the headers say who the PSU is
	updatePassword                         // psuData
	updateMethod                           // authenticationMethodId
	updateData                             // scaAuthenticationData
	updateConfirmation                     // confirmationCode
)

// The members of the bodies that update an authorisation.
const (
	memberPSUData  = "psuData"
	memberPassword = "password"
	memberMethodID = "authenticationMethodId"
	memberSCAData  = "scaAuthenticationData"
	memberCode     = "confirmationCode"
)

// Limits where the standard has none, in characters. What answers a challenge
// may be binary, in base64.
const (
	maxPassword = 500
	maxSCAData  = 4096
	maxCode     = 500
)

// unsupportedSecrets are the members of psuData that are for other ways to send
// a password. They are refused rather than ignored: a TPP that encrypts would
// learn too late that nobody decrypts.
var unsupportedSecrets = []string{"encryptedPassword", "additionalPassword", "additionalEncryptedPassword"}

// updateMembers are how each kind is read, in the order of the kinds.
var updateMembers = []struct {
	name string
	read func(*reader, member) update
}{
	{memberPSUData, (*reader).psuData},
	{memberMethodID, func(r *reader, m member) update {
		method, _ := r.text(m, maxIdentifier)
		return update{kind: updateMethod, method: method}
	}},
	{memberSCAData, func(r *reader, m member) update {
		data, _ := r.text(m, maxSCAData)
		return update{kind: updateData, data: data}
	}},
	{memberCode, func(r *reader, m member) update {
		code, _ := r.text(m, maxCode)
		return update{kind: updateConfirmation, code: code}
	}},
}

// readUpdate reads the body of PUT …/authorisations/{authorisationId} or of POST
// …/authorisations, which may be empty. Two of its members at once would be two
// wishes, and are a fault. Members that it does not know are ignored.
func readUpdate(raw []byte) (update, consent.Faults) {
	if len(raw) == 0 {
		return update{}, nil
	}
	body, wrong := parseObject(raw)
	if wrong != nil {
		return update{}, consent.Faults{wrong}
	}
	var u update
	var there []string
	r := &reader{}
	for _, x := range updateMembers {
		if m := body.at("", x.name); m.present {
			there = append(there, x.name)
			u = x.read(r, m)
		}
	}
	if len(there) > 1 {
		return update{}, consent.Faults{fault(edge.PathBody, "must not hold "+strings.Join(there, " and ")+" at once")}
	}
	return u, r.faults
}

func (r *reader) psuData(m member) update {
	u := update{kind: updatePassword}
	data, ok := r.object(m)
	if !ok {
		return u
	}
	other := false
	for _, name := range unsupportedSecrets {
		if x := data.at(m.path, name); x.present {
			other = true
			r.faults = append(r.faults, consent.At(consent.CodeNotSupported, x.path, "is not supported by this bank"))
		}
	}
	password := data.at(m.path, memberPassword)
	if other && !password.present {
		return u // one fault says it: the password came in a way that is not taken
	}
	if r.must(password) {
		u.password, _ = r.text(password, maxPassword)
	}
	return u
}
