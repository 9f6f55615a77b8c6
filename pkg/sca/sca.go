package sca

import (
	"context"
	"encoding/json"
	"time"
)

// Flow drives one PSU through authentication.
//
// A Flow keeps nothing in memory between calls: what it must remember it
// returns in [Step].State and is handed back, so any replica can serve any step.
// A call may be repeated with the same [Request].StepKey, after a crash for
// instance, and must then not take effect twice. Calls run in parallel.
//
// An error means that the flow is broken, not that the PSU is: a wrong
// password is a Step with Wrong set, a refusal the outcome Denied. The text of
// an error is logged and never shown.
type Flow interface {
	// Start opens a run and says what comes first.
	Start(ctx context.Context, req Request) (Step, error)
	// Continue applies one input to the state that the last step returned.
	Continue(ctx context.Context, req Request, state []byte, in Input) (Step, error)
}

// Factory builds a Flow from its own section of the configuration.
type Factory func(config json.RawMessage, store Store) (Flow, error)

// Approach is how the PSU is reached. A flow says how they are authenticated,
// and need not know; one that cannot do without, or with, a page implements
// [Limited].
type Approach string

// The approaches.
const (
	InRedirect  Approach = "redirect"  // in a browser, on pages of consentd's or of the bank's
	InDecoupled Approach = "decoupled" // away from any page, in the bank's app for instance
	InEmbedded  Approach = "embedded"  // by the TPP, which brings what the PSU says
)

// Limited is implemented by a flow that cannot serve every approach, so that a
// configuration which asks for more is refused at once.
type Limited interface {
	// Approaches lists those that the flow serves.
	Approaches() []Approach
}

// Linked is implemented by a flow for pages of the bank's own, such as the built-in
// handoff: browsers are sent there, not to consentd's, and the bank's backend
// goes on with the authorisation through consentd's interface for it
// (openapi/aspsp.yaml). The flow hears of it as Callback: psu, who has logged in,
// is answered with Identified, and result, authorised, refused or failed, with
// Done or Denied; in between it waits.
type Linked interface {
	// Link is where the browser is sent; handle is escaped for a query.
	Link(handle string) string
}

// Announcing is implemented by a flow that knows what a PSU must be told before it
// asks them, away from any page: the number to repeat in the bank's app. The TPP
// has it at once then, and not only when it looks how far the PSU is.
type Announcing interface {
	// Announce is the Message of the Wait with which Start will answer req, of which
	// only RunID, StepKey, Purpose, Hint and Language are there; empty for none. It
	// does nothing.
	Announce(req Request) string
}

// Store is a flow's own memory per PSU, for passkeys and the like. Values are
// sealed at rest.
type Store interface {
	// Get returns nil without an error when nothing was put.
	Get(ctx context.Context, psu, key string) ([]byte, error)
	Put(ctx context.Context, psu, key string, value []byte) error
	// Swap puts value if what is there is old, nil for nothing, and reports
	// whether it was. Of several at once with the same old one succeeds.
	Swap(ctx context.Context, psu, key string, old, value []byte) (bool, error)
}

// Purpose says what the PSU is authenticated for.
type Purpose string

// The purposes of a run.
const (
	ForConsent Purpose = "consent" // authorise a consent
	ForLogin   Purpose = "login"   // enter the dashboard
	ForGrant   Purpose = "grant"   // log in for an OAuth2 grant
	ForAction  Purpose = "action"  // confirm an act, such as ending a consent
)

// Request is what a flow may know about the run that it serves.
type Request struct {
	RunID string
	// StepKey names this call; the same when it is repeated. Each Poll and each
	// Callback is a look of its own, with a key of its own, even if the former one
	// was through and its answer got lost: looking must change nothing.
	StepKey string
	Purpose Purpose
	// Hint is who the TPP says that the PSU is (PSU-ID). It may be empty or wrong.
	Hint string
	// PSU is who the flow said that the PSU is, from Identified on.
	PSU     string
	Summary string // what the PSU agrees to, short enough for a message to them: at least who asks
	// ReturnURL is where the browser comes back to after a Redirect, the same for
	// every run, so that it can be registered with an identity provider. Its
	// origin is that of consentd's pages. ReturnState must come back with the
	// browser as the query parameter state. Both are empty where no browser is.
	ReturnURL, ReturnState string
	// CallbackURL is where the bank's backend may POST, as one of consentd's bank
	// callers, when a Wait is answered; without it consentd polls. It belongs to
	// this run and is a secret.
	CallbackURL string
	Language    string // BCP 47
	// Paged says that the PSU is before a page of consentd's, which shows Prompts,
	// and Waits with their Number. Without, a flow of the decoupled approach has
	// nobody who could answer a Prompt, and the TPP passes Message on.
	Paged bool
	// Choose says that the PSU chooses the accounts. A flow that has a place for
	// that, such as the bank's app, may bring them with Done as Accounts; on pages
	// of consentd's it need not.
	Choose bool
}

// Kind tells where an Input comes from.
type Kind string

// The kinds of input.
const (
	Form     Kind = "form"     // the PSU answered a Prompt
	Approved Kind = "approved" // after Identified: the PSU has read and agreed, now ask for the last factor
	Returned Kind = "returned" // the browser came back from a Redirect
	Callback Kind = "callback" // the bank's backend called CallbackURL
	Poll     Kind = "poll"     // a worker asks whether a Wait is over
	Cancel   Kind = "cancel"   // the PSU or consentd gives up; the answer is ignored
)

// Input is what came back.
type Input struct {
	Kind     Kind
	MethodID string
	// Fields are those of the Prompt with Form, the query's parameters with
	// Returned, and with Callback the members of the JSON body that are text.
	Fields   map[string]string
	Accounts []string // chosen outside the browser, in the bank's app for instance
}

// Outcome is the closed set of things that a step can ask for.
type Outcome string

// The outcomes of a step.
const (
	Prompt Outcome = "prompt" // show Fields, come back with a Form
	// Identified says that the PSU is known by a factor that was right, such as a
	// password, and never by what the TPP says alone: let them read and agree, come
	// back with Approved.
	Identified Outcome = "identified"
	Redirect   Outcome = "redirect" // send the browser to URL, come back with Returned
	Wait       Outcome = "wait"     // come back with Poll after PollAfter, or with Callback
	Done       Outcome = "done"     // PSU is authenticated
	Denied     Outcome = "denied"   // the PSU, or the bank, said no
)

// Step is a flow's answer. State is opaque to consentd, which stores it sealed.
type Step struct {
	Outcome Outcome
	State   []byte
	// PSU is the bank's stable id of the customer who logged in; with
	// Identified and Done, and the same in both.
	PSU string
	// Wrong says that the input was refused, with the outcome Prompt. It changes
	// nothing: State and Fields are ignored, the former ones stand. Message may
	// say more than that it was wrong.
	Wrong bool
	// Blocked says, with Denied, that nobody has said no: the PSU is blocked at the
	// bank on all channels, or there is no such PSU. The authorisation fails, and
	// the consent may be authorised by another.
	Blocked   bool
	Fields    []Field         // what to ask, with Prompt
	Methods   []Method        // among which the PSU may choose, with Prompt; the first is in use where there are Fields
	Challenge json.RawMessage // for the embedded approach
	Accounts  []string        // chosen outside the browser, with Done
	URL       string          // with Redirect: https, or http on loopback
	PollAfter time.Duration   // with Wait
	Message   string          // for the PSU, in Request.Language
	// Number, with Wait, is what the PSU has to repeat in the bank's app. A page
	// shows it large; Message must say it too, for where there is no page.
	Number string
	// QR, with Prompt or Wait, is what a page shows as a QR code.
	QR *QR
}

// QR is something for a PSU to scan.
type QR struct {
	Content string // what the code says, such as an otpauth URI
	Text    string // what to type where it cannot be scanned
}

// Field is one input of a Prompt. The names psuId, password and otp have pages
// of their own with well-known markup.
type Field struct {
	Name  string
	Label string // in Request.Language; empty for the well-known names
	Kind  FieldKind
	// Options are those of navigator.credentials.create or get, as JSON, for the
	// kinds of passkeys.
	Options json.RawMessage
}

// FieldKind says how a field is typed.
type FieldKind string

// The kinds of field.
const (
	Text     FieldKind = "text"
	Password FieldKind = "password"
	Code     FieldKind = "code" // digits, typed once
	// A script of the page asks the browser for these, and sends what it answers
	// as JSON (WebAuthn level 3, toJSON of PublicKeyCredential).
	PasskeyCreate FieldKind = "passkey-create"
	PasskeyGet    FieldKind = "passkey-get"
)

// Method is one way to authenticate, as listed to the PSU or the TPP.
type Method struct{ ID, Type, Name string }
