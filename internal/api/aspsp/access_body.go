package aspsp

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/access"
)

const (
	memberChecks = "checks"
	memberPage   = "page"

	maxChecks = 100
	maxList   = 2000
)

// The members of a check that are texts, as places in sent.
const (
	theConsent = iota
	theTPP
	theOperation
	theAccount
	thePSUIP
	theRequestID
	theList
	theToken
	theThumbprint
	texts
)

var checkTexts = [...]string{
	theConsent: "consentId", theTPP: "tpp", theOperation: "operation", theAccount: "account",
	thePSUIP: "psuIpAddress", theRequestID: "requestId", theList: "list",
	theToken: "accessToken", theThumbprint: "certificateThumbprint",
}

// sent is a check as it came.
type sent struct {
	text  [texts]string
	there [texts]bool
	page  bool
}

// check is one question of the bank's. What is wrong with what the TPP has sent,
// which the bank hands on as it came, is a denial and no fault of the bank's.
type check struct {
	question  access.Question
	requestID string // the TPP's; empty where none was handed on
	token     string // the TPP's; empty where none was handed on
	// fingerprint is that of the certificate which the TPP showed, in hexadecimal
	// digits; empty where that was not said.
	fingerprint string
	fault       error
}

// readChecks reads a batch.
func readChecks(body []byte) ([]check, consent.Faults) {
	members, faults := object(body, memberChecks)
	if members == nil {
		return nil, faults
	}
	raw, ok := members[memberChecks]
	if !ok {
		return nil, append(faults, fault(memberChecks, "is required"))
	}
	var each []json.RawMessage
	if err := json.Unmarshal(raw, &each); err != nil || len(each) == 0 || len(each) > maxChecks {
		return nil, append(faults, fault(memberChecks, "must be an array of 1 to "+strconv.Itoa(maxChecks)+" checks"))
	}
	checks := make([]check, len(each))
	for i := range each {
		var wrong consent.Faults
		checks[i], wrong = readCheck(each[i])
		place := memberChecks + "[" + strconv.Itoa(i) + "]"
		for _, f := range wrong {
			if f.Path == edge.PathBody {
				faults = append(faults, fault(place, f.Text))
				continue
			}
			faults = append(faults, fault(place+"."+f.Path, f.Text))
		}
	}
	return checks, faults
}

// readCheck reads one check.
func readCheck(body []byte) (check, consent.Faults) {
	s, ok := readPlain(body)
	if !ok {
		var faults consent.Faults
		if s, faults = readSent(body); len(faults) > 0 {
			return check{}, faults
		}
	}
	return s.check()
}

// readPlain reads a check of printable ASCII without escapes, which nearly all
// are, in a fifth of the time that readSent takes. What it does not take says
// nothing: readSent judges.
func readPlain(body []byte) (s sent, ok bool) {
	p := plainJSON{rest: string(body)}
	pageThere := false
	for first := true; ; first = false {
		if open := first && p.token('{') || !first && p.token(','); !open {
			break
		}
		name, named := p.text()
		if !named || !p.token(':') {
			return s, false
		}
		i := slices.Index(checkTexts[:], name)
		switch {
		case i >= 0 && !s.there[i]:
			if s.text[i], s.there[i] = p.text(); !s.there[i] {
				return s, false
			}
		case name == memberPage && !pageThere:
			if s.page, pageThere = p.boolean(); !pageThere {
				return s, false
			}
		default:
			return s, false
		}
	}
	ok = p.token('}') && p.blank() == ""
	return s, ok && s.there[theConsent] && s.there[theTPP] && s.there[theOperation]
}

// plainJSON reads the simplest JSON from its beginning.
type plainJSON struct{ rest string }

// blank skips what may stand between tokens.
func (p *plainJSON) blank() string {
	n := 0
	for n < len(p.rest) && (p.rest[n] == ' ' || p.rest[n] == '\t' || p.rest[n] == '\r' || p.rest[n] == '\n') {
		n++
	}
	p.rest = p.rest[n:]
	return p.rest
}

func (p *plainJSON) token(c byte) bool {
	if rest := p.blank(); rest == "" || rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *plainJSON) text() (string, bool) {
	if !p.token('"') {
		return "", false
	}
	for i := range len(p.rest) {
		switch c := p.rest[i]; {
		case c == '"':
			text := p.rest[:i]
			p.rest = p.rest[i+1:]
			return text, true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

func (p *plainJSON) boolean() (value, ok bool) {
	p.blank()
	if p.rest, value = strings.CutPrefix(p.rest, "true"); value {
		return true, true
	}
	p.rest, ok = strings.CutPrefix(p.rest, "false")
	return false, ok
}

// readSent reads any check, and says what is wrong with it.
func readSent(body []byte) (s sent, faults consent.Faults) {
	members, faults := object(body, append(checkTexts[:], memberPage)...)
	if members == nil {
		return s, faults
	}
	for i, name := range checkTexts {
		var raw json.RawMessage
		if raw, s.there[i] = members[name]; !s.there[i] {
			continue
		}
		var text *string
		if err := json.Unmarshal(raw, &text); err != nil || text == nil {
			faults = append(faults, fault(name, "must be a string"))
			continue
		}
		s.text[i] = *text
	}
	if raw, ok := members[memberPage]; ok {
		var wrong consent.Faults
		s.page, wrong = boolean(memberPage, raw)
		faults = append(faults, wrong...)
	}
	for _, i := range []int{theConsent, theTPP, theOperation} {
		if !s.there[i] {
			faults = append(faults, fault(checkTexts[i], "is required"))
		}
	}
	return s, faults
}

// check judges what came, first what is the bank's to say.
func (s *sent) check() (check, consent.Faults) {
	op := consent.Operation(s.text[theOperation])
	faults := append(checkText(checkTexts[theTPP], s.text[theTPP], maxID), s.about(op)...)
	fingerprint, wrong := s.fingerprint()
	faults = append(faults, wrong...)
	if len(faults) > 0 {
		return check{}, faults
	}
	c := check{question: access.Question{
		TPP: s.text[theTPP], Operation: op, Account: s.text[theAccount],
		Attended: s.there[thePSUIP], Following: s.page,
	}, token: s.text[theToken], fingerprint: fingerprint}
	if s.there[theList] {
		c.question.List = "?" + s.text[theList] // a query without parameters names a list too
	}
	c.requestID, c.fault = s.hearsay(&c.question)
	return c, nil
}

// about is what is wrong with the operation, or with what it is of.
func (s *sent) about(op consent.Operation) (faults consent.Faults) {
	if !op.Known() {
		return consent.Faults{fault(checkTexts[theOperation], "must be one of "+operations())}
	}
	const missing = "is required for this operation"
	single := !op.List()
	switch there := s.there[theAccount]; {
	case single && !there:
		faults = append(faults, fault(checkTexts[theAccount], missing))
	case !single && there:
		faults = append(faults, fault(checkTexts[theAccount], "must not be there: the operation is of all accounts"))
	}
	switch {
	case s.there[theList] && !op.Paged():
		faults = append(faults, fault(checkTexts[theList], "must not be there: the operation has no pages"))
	case utf8.RuneCountInString(s.text[theList]) > maxList:
		faults = append(faults, fault(checkTexts[theList], "must not be longer than "+strconv.Itoa(maxList)+" characters"))
	}
	return faults
}

// operations lists the operations in words.
func operations() string {
	var names []string
	for _, op := range consent.Operations() {
		names = append(names, string(op))
	}
	return strings.Join(names, ", ")
}

// hearsay judges what the TPP has sent, in the order in which its own request
// would be judged.
func (s *sent) hearsay(q *access.Question) (requestID string, err error) {
	requestID = s.text[theRequestID]
	if s.there[theRequestID] && !edge.IsRequestID(requestID) {
		return "", consent.At(consent.CodeFormat, "Header."+edge.HeaderRequestID, "must be a UUID")
	}
	if s.there[thePSUIP] {
		if ip, err := netip.ParseAddr(s.text[thePSUIP]); err != nil || ip.Zone() != "" {
			return requestID, consent.At(consent.CodeFormat, "Header.PSU-IP-Address", "must be an IP address, version 4 or 6")
		}
	}
	id, err := uuid.Parse(s.text[theConsent])
	if err != nil || id.String() != s.text[theConsent] { // only what was given counts, no other spelling of it
		return requestID, &access.Denial{
			Err:    consent.At(consent.CodeReferenceUnknown, "Header.Consent-ID", "is not known to this TPP"),
			Reason: "the consent id is malformed: it is not spelled as any that was given out",
		}
	}
	q.Consent = id
	if s.there[theAccount] && !edge.IsBankID(s.text[theAccount]) {
		return requestID, &access.Denial{
			Err:    consent.E(consent.CodeAccountUnknown, "there is no such account"),
			Reason: "the account id is malformed: it must be 1 to 100 characters, none of them a control character, without the parts . and ..",
		}
	}
	return requestID, nil
}
