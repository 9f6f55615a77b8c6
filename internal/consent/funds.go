package consent

// Card is what a TPP says of the card that it issued, in a consent to the
// confirmation of funds (NextGenPSD2 confirmation of funds consent 2.0, POST).
// All of it is optional, and none of it decides anything.
type Card struct {
	Number       string `json:"number,omitempty"`
	Expiry       Date   `json:"expiry,omitzero"`
	Information  string `json:"information,omitempty"`  // such as "My merchant's loyalty card"
	Registration string `json:"registration,omitempty"` // what the PSU has registered with the TPP
}
