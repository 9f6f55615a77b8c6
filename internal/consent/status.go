package consent

import "slices"

// Status is the lifecycle state of a consent, in no dialect's words.
type Status string

// The states of a consent.
const (
	Received            Status = "received"
	PartiallyAuthorised Status = "partiallyAuthorised"
	Valid               Status = "valid"
	Suspended           Status = "suspended"
	Rejected            Status = "rejected"
	Revoked             Status = "revoked"
	Expired             Status = "expired"
	Consumed            Status = "consumed" // payments only
)

// Transitions is the whole state machine of a consent. The diagram in
// ARCHITECTURE.md shows the same table; a test holds them together.
func Transitions() map[Status][]Status {
	return map[Status][]Status{
		Received:            {PartiallyAuthorised, Valid, Rejected, Revoked, Expired},
		PartiallyAuthorised: {Valid, Rejected, Revoked, Expired},
		Valid:               {Suspended, Revoked, Expired, Consumed},
		Suspended:           {Valid, Revoked, Expired},
		Rejected:            nil,
		Revoked:             nil,
		Expired:             nil,
		Consumed:            nil,
	}
}

// Final reports whether the state is never left again.
func (s Status) Final() bool {
	switch s {
	case Received, PartiallyAuthorised, Valid, Suspended:
		return false
	default:
		return true
	}
}

// Pending reports whether the consent still waits for an authorisation.
func (s Status) Pending() bool { return s == Received || s == PartiallyAuthorised }

// Live reports whether the consent counts as the customer's current one: in
// use, or paused.
func (s Status) Live() bool { return s == Valid || s == Suspended }

func (s Status) mayBecome(to Status) bool { return slices.Contains(Transitions()[s], to) }

// Kind says what the customer consents to.
type Kind string

// The kinds of consent.
const (
	AccountAccess     Kind = "accountAccess"
	FundsConfirmation Kind = "fundsConfirmation"
	Payments          Kind = "payment"
	// Connection is an OAuth2 grant: a TPP may call in the name of a PSU, within its
	// scopes, which are Rights here.
	Connection Kind = "connection"
)

// BankReasons are those that the bank may give for pausing or ending a consent.
func BankReasons() []Reason {
	return []Reason{ReasonBank, ReasonIdentity, ReasonFraud, ReasonTPPTrouble, ReasonLegal, ReasonAsked}
}

// Rail is the dialect in which a consent was made. Rails never end one another's consents.
type Rail string

// The rails.
const (
	RailXS2A    Rail = "xs2a"
	RailSTET    Rail = "stet"
	RailManager Rail = "manager"
)

// Actor is who ended a consent.
type Actor string

// Who can act on a consent.
const (
	ByPSU    Actor = "psu"
	ByTPP    Actor = "tpp"
	ByASPSP  Actor = "aspsp"
	BySystem Actor = "system"
)

// Reason is why a consent ended.
type Reason string

// The reasons of an ending.
const (
	ReasonDate          Reason = "date"          // validUntil is over
	ReasonReplaced      Reason = "replaced"      // a newer recurring consent was authorised
	ReasonUsedUp        Reason = "usedUp"        // a one-off access was made
	ReasonRefused       Reason = "refused"       // the PSU, or the bank, said no
	ReasonNotAuthorised Reason = "notAuthorised" // nobody authorised it within the window
	ReasonNotEntitled   Reason = "notEntitled"   // it asks for accounts that are not the customer's to share
	ReasonTerminated    Reason = "terminated"    // the TPP ended it
	ReasonWithdrawn     Reason = "withdrawn"     // the customer ended it
	ReasonBank          Reason = "bank"          // the bank ended it
	ReasonTPPBlocked    Reason = "tppBlocked"    // the bank ended it when it blocked the TPP

	// ReasonAtTPP is that of the customer who ended it with the TPP.
	ReasonAtTPP Reason = "withdrawnAtTPP"

	// Why the bank has paused a consent, or ended it. The customer is told.
	ReasonIdentity   Reason = "identityExpired" // an identity document is to be renewed
	ReasonFraud      Reason = "suspectedFraud"
	ReasonTPPTrouble Reason = "tppIncident"   // something is wrong at the TPP
	ReasonLegal      Reason = "legal"         // a law, or an authority, demands it
	ReasonAsked      Reason = "customerAsked" // the customer has asked the bank to

	// Why a consent was made, or went on, without an authorisation of its own.
	ReasonForwarded Reason = "forwarded" // the TPP brought it
	ReasonRenewed   Reason = "renewed"   // the PSU was authenticated anew

	// What an entry of the audit tells that leaves the state as it is.
	ReasonAmended Reason = "amended" // something else about the consent has changed
	ReasonPayment Reason = "payment" // one was made by it, or has moved on
)
