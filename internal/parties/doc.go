// Package parties opens what a TPP says of who pays whom. It comes as a JWE (RFC 7516)
// that only the bank can open, travels and is stored so, and is opened for as long as a
// page or an answer is made of it; nothing here keeps or logs what was in it.
//
// The clear text is JSON (UAE Open Finance Standards 2.1,
// AEBankServiceInitiation PersonalIdentifiableInformation), or a JWS whose payload is
// that JSON, itself or as its member message. The signature of the JWS is not verified:
// it is the TPP's, for whom the hub has vouched, and whoever can change the JWE can
// seal another one.
package parties
