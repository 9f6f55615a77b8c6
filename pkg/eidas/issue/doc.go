// Package issue is an authority that issues certificates as PSD2 asks for them
// (ETSI TS 119 495): for sandboxes and tests, never for production. Nothing stands
// behind what it signs: it asks nobody who they are and issues whatever an [Order]
// says, be it right or wrong, since tests need certificates that are wrong.
//
//	authority, err := issue.New("Sandbox CA", from, until)
//	qwac, err := authority.Issue(issue.Order{
//		Type: eidas.Web, Name: "Acme", Organisation: "PSDXX-SANDBOX-ACME",
//		NCAName: "Sandbox Authority", NCAID: "XX-SANDBOX", Roles: []eidas.Role{eidas.RoleAI},
//		Domains: []string{"acme.example"}, NotBefore: from, NotAfter: until,
//	})
//
// It also issues what a verifier asks for later: lists of revoked certificates
// ([Authority.RevocationList]) and answers to OCSP requests
// ([Authority.AnswerOCSP]). What was revoked is for the caller to keep.
package issue
