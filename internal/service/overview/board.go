package overview

import (
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Viewer is who looks: a PSU who is logged in.
type Viewer struct {
	PSU    uuid.UUID
	BankID string // the bank's id of them
}

// Tab parts the consents that count from those that are over.
type Tab string

// The tabs.
const (
	Current Tab = "current"
	History Tab = "history"
)

// Type is what a consent is to its customer.
type Type string

// The types.
const (
	DataSharing   Type = "dataSharing"
	SinglePayment Type = "singlePayment"
	FlexiPay      Type = "flexiPay"   // several payments
	Funds         Type = "funds"      // yes or no to an amount
	Connected     Type = "connection" // a TPP is connected, and nothing is shared by it yet
)

// Payment reports whether the type is about paying.
func (t Type) Payment() bool { return t == SinglePayment || t == FlexiPay }

// Wish is which cards are looked at. What is empty does not count.
type Wish struct {
	Tab    Tab
	Pays   bool // payments; otherwise data sharing and the like
	TPP    string
	Type   Type
	Status consent.Status
	Page   int // from 1
}

// Board is one page of a tab: of each line of consents the newest one that belongs
// there. The choices are made of all that is in the tab.
type Board struct {
	Cards       []Card
	Page, Pages int // from 1; there is one page of nothing
	Total       int // cards on all pages
	// Counts of the tabs, and within this tab of data sharing and of payments.
	Current, History, Shares, Pays int
	TPPs                           []TPP
	Types                          []Type
	// Statuses has received for partiallyAuthorised too, and so has Wish.Status: it is one
	// state to choose.
	Statuses []consent.Status
}

// TPP is one to choose.
type TPP struct{ ID, Name string }

// Card is a consent as its customer sees it.
type Card struct {
	*consent.Consent // as it stands now

	Type     Type
	Customer string // whose accounts they are, where the viewer acts for several; else empty
	Accounts []Account
	All      bool // all accounts that the customer has, also later ones
	// LastUsed is when data was shared last, or a payment tried; zero for never.
	LastUsed time.Time
	// PaidAt is when the last payment was made that was not rejected; zero for none.
	PaidAt time.Time
	// Since is when the first of its line was made, Renewed when this one was; equal
	// where it is the first.
	Since, Renewed time.Time
	Members        int // of its line, of any state, this one included
	// Sum is what its payments come to; of no meaning for other types.
	Sum consent.Consumption
}

// Account is one that a consent opens. What the bank does not know any more has the
// reference by which it was given.
type Account struct {
	ID        string // the bank's; empty where it was erased
	Name      string // what the customer calls it; may be empty
	Owner     string
	Reference consent.Reference
	Rights    consent.Rights
}

// Detail is all there is to say of a consent.
type Detail struct {
	Card

	// Payments are those that were made by it, the newest first.
	Payments []Payment
	// Parties are who pays whom by the consent; nil where nobody is named, or Sealed is
	// set: somebody is, and could not be read.
	Parties *Parties
	Sealed  bool
	// Line are the others of its line, the newest first.
	Line []Card
	// Events are what happened in its line, the newest first.
	Events []Event
	// Stops says that it can be stopped; With are the others of its line that end with it
	// then.
	Stops bool
	With  []uuid.UUID
	// Signers is how many PSUs have to agree to it, the viewer among them.
	Signers int
}

// Payment is one that was made, with whom it was made to.
type Payment struct {
	consent.Payment

	Parties *Parties
}

// Parties are who pays whom.
type Parties struct {
	CreditorName, CreditorIBAN, CreditorAgent string
	DebtorName, DebtorIBAN                    string
}

// EventKind is what happened.
type EventKind string

// The kinds of event.
const (
	EventAsked     EventKind = "asked" // it was made, and nobody has agreed yet
	EventGiven     EventKind = "given" // the customer has agreed
	EventRenewed   EventKind = "renewed"
	EventSuspended EventKind = "suspended"
	EventResumed   EventKind = "resumed"
	EventRefused   EventKind = "refused"
	EventStopped   EventKind = "stopped"
	EventExpired   EventKind = "expired"
	EventConsumed  EventKind = "consumed"
	EventReplaced  EventKind = "replaced" // by a newer one of the line
)

// Event is one line of a history.
type Event struct {
	At      time.Time
	Kind    EventKind
	Consent uuid.UUID
	By      consent.Actor
	Reason  consent.Reason
	// Former is which one a renewal goes on from.
	Former uuid.UUID
	// Added and Removed are what a renewal changed: codes of a hub's permissions, or
	// rights for all others.
	Added, Removed Change
}

// Change is what came or went with a renewal.
type Change struct {
	Permissions []string // of consents that a hub has staged
	Rights      consent.Rights
	Accounts    []Account
}
