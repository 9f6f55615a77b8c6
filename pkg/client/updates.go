package client

import "consentd/pkg/xs2a"

// Identification says who the customer is, by the options PSUID and
// PSUCorporateID alone: for the link updatePsuIdentification.
func Identification() xs2a.UpdateRequest { return xs2a.UpdateRequest{} }

// Password is the customer's, in the embedded approach: for the link
// updatePsuAuthentication.
func Password(password string) xs2a.UpdateRequest {
	return xs2a.UpdateRequest{PSUData: &xs2a.PSUData{Password: password}}
}

// Method is the id of one of the methods that the bank offered as scaMethods:
// for the link selectAuthenticationMethod.
func Method(id string) xs2a.UpdateRequest {
	return xs2a.UpdateRequest{AuthenticationMethodID: id}
}

// Answer is what the customer answers to the challenge, such as the code that
// they got: for the link authoriseTransaction.
func Answer(data string) xs2a.UpdateRequest {
	return xs2a.UpdateRequest{ScaAuthenticationData: data}
}

// Confirmation is the query parameter confirmationCode that the customer's
// browser brought back: for the link confirmation.
func Confirmation(code string) xs2a.UpdateRequest {
	return xs2a.UpdateRequest{ConfirmationCode: code}
}
