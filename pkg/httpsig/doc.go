// Package httpsig signs and verifies HTTP messages in the two ways of the XS2A
// interface: the Signature header of NextGenPSD2 1.3.x, which is
// draft-cavage-http-signatures-10 in a profile of its own (XS2A IG 1.3.x §12), and
// the detached JWS in x-jws-signature, which is JAdES B-B over HTTP headers (ETSI
// TS 119 182-1). With both, the body is signed through its Digest header.
//
// To verify a request takes four steps, of which the second is not this package's:
//
//	DecodeCertificate  the TPP-Signature-Certificate, or ParseJWS for x5c
//	                   whose certificate it is, and whether it is to be trusted
//	Profile.Verify     keyId, algorithm, what is covered, the signature; or JWS.Verify
//	CheckDigest        the hash of the body
//
// STET signs by the same draft in a profile of its own (STET PSD2 API 1.4):
// [STETProfile] and [STETStrictProfile]. Its requests bring
// no certificate; their keyId names one, as a rule by an URL that ends in the
// fingerprint. [Profile.Named] finds it among those that the receiver has. Nothing
// is ever fetched from there: an URL out of a request that nobody has proven yet
// would lead the receiver wherever the sender likes.
//
// A signature that holds says only that the key of the certificate signed those
// headers. It does not keep a request from being sent twice.
//
// Every fault of a message is an [*Error], which names the header. [Signer] and
// [JWSSigner] are the other side, for clients and, with JWS, for answers.
//
// Where we differ from the texts:
//
//   - Of the draft, algorithm and headers must be there (XS2A asks for both), the
//     scheme "Signature" must not, and of the algorithms hs2019, hmac-* and those
//     with SHA-1 are refused.
//   - XS2A says that no other headers may be covered than it names. Banks and
//     clients differ, so that the profile says; date and (request-target) may be
//     unless it does.
//   - keyId is compared by its meaning, not as text: the serial number in
//     hexadecimal, or in decimal where it has only digits, and the issuer as a set
//     of attributes in any of the notations that libraries write.
//   - STET's signatures in use differ widely in what they cover and how their keyId
//     names the certificate, so that its profile asks for little and takes several
//     forms ([KeyIDSTET]).
//   - The TPP-Signature-Certificate may be a PEM, or base64 of one.
package httpsig
