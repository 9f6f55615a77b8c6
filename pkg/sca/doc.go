// Package sca is the contract between consentd and a flow of strong customer
// authentication. It depends on the standard library alone, so a bank can write
// a flow in a module of its own and hand it to consentd/pkg/server.
//
// A flow says how a customer (PSU) is authenticated. consentd does the rest: it
// shows the pages, counts the tries, lets the PSU choose accounts and read what
// they agree to, and moves the consent. The conformance kit is package scatest.
//
// A typical walk through a flow that asks for a password and then for a code:
//
//	Start                       → Prompt(password)
//	Continue(Form, password)    → Identified       consentd shows the review
//	Continue(Approved)          → Prompt(code)
//	Continue(Form, code)        → Done             consentd ends the run
//
// A flow that authenticates in one trip goes from Start to Done; consentd shows
// the review after that, and the PSU's approval ends the run.
//
// Without a page of consentd's (decoupled and embedded) the same calls come in
// the same order, and Identified is followed by Approved at once: the PSU has
// read what they agree to elsewhere. A decoupled flow asks for nothing: it goes
// from Start to Wait, and from a Poll to Done, with the Accounts that the PSU
// chose in the app where the consent leaves the choice to them.
//
// A flow that sends the browser elsewhere, to an identity provider for instance,
// answers Redirect. consentd first shows who asks, then sends the browser there
// and, when it comes back to Request.ReturnURL, hands on what it brought:
//
//	Start                       → Redirect(URL)
//	Continue(Returned, query)   → Done, or Identified
//
// Cancel comes when the PSU or consentd has ended a run that the flow had not,
// and when the time of a Wait is over, so that the flow can take back what it
// asked of the world.
//
// # Writing a flow
//
// This is for an engineer of a bank who has an afternoon. The example of this
// package is a whole flow, with a password and a code that the bank sends; it is
// compiled and run by the tests. Copy it and follow these steps.
//
// First make sure that you need one. An identity provider that speaks OpenID
// Connect is served by the flow oidc, the bank's app by push, pages of the bank's
// own by handoff, a program in another language by remote; each needs settings
// and no code.
//
// 1. Write down the walk: what the PSU is asked for, in which order, and where
// they are known. Answer Identified as soon as you know who it is by a factor that was
// right, never by what the TPP says alone, and ask for the
// last factor after Approved: so the PSU reads what they agree to before they
// type the code, and the code is for that (dynamic linking, [Request].Summary).
//
// 2. Decide what stands in [Step].State: the place in the walk, the PSU, the key
// under which something was sent. JSON will do. No password and no code belongs
// there, right or wrong. In Continue, refuse with an error what you would not have
// written; the same goes for an input that does not fit the place.
//
// 3. Say what an answer means, and use each word for one thing only:
//
//	right                     the next Step
//	wrong password or code    Step{Outcome: Prompt, Wrong: true}
//	the PSU says no           Step{Outcome: Denied}
//	blocked, or no such PSU   Step{Outcome: Denied, Blocked: true}
//	the bank does not answer  an error
//
// A login name that nobody has is a wrong answer like any other, or it can be
// found out who banks with you. Do not count tries: consentd does, before it calls
// Continue, in the database; an error gives the try back. The lifetime of a code
// is yours, with the time at which it ends in State.
//
// 4. Make calls repeatable. consentd calls again after a crash, with the same
// [Request].StepKey, and State is then as it was. Hand that key on to what sends
// the SMS, so that a key's message goes out once, or derive from it what you send.
// Return when the context has ended, before anything takes effect.
//
// 5. Take Cancel at every place, more than once: withdraw what still asks the PSU
// for something, and answer Denied.
//
// 6. Test it with package scatest. You give it a bank with one PSU, and a right
// and a wrong answer; it walks through the flow as consentd does, repeats calls,
// overtakes them, makes them in parallel, and says in words which rule is broken.
//
// 7. Register it in a main of your own, and name it in the configuration:
//
//	err := server.Run(ctx, "/etc/consentd/consentd.yaml", server.WithFlow("mybank", factory))
//
//	sca:
//	  redirect: mybank
//	  flows:
//	    mybank: {url: https://core.bank.example, tokenFile: core.token}
//
// The factory gets that section as JSON. Let it refuse keys that it does not know,
// and secrets that stand in clear. A relative file under a key that ends in File
// has been found by then, where other secrets lie.
//
// # What else a flow can do
//
// Let the PSU choose a method: list [Step].Methods in a Prompt, and read
// [Input].MethodID. With a Prompt that has Fields too, the choice is another way
// to go on: send a new code, void the old one. List the one in use first: pages
// offer it as a new code to be sent, unless its Type says that nothing is sent
// (CHIP_OTP, TOTP, PASSKEY).
//
// Send the browser elsewhere: Redirect, with [Request].ReturnURL and ReturnState
// in the URL. What Returned brings was in the PSU's hands: believe nothing of it
// that you cannot verify. Denied is for a PSU who said no over there; whoever comes
// back with nothing of use gets a new Redirect.
//
// Ask in the bank's app: Wait. consentd polls after PollAfter; the app's backend
// may POST to [Request].CallbackURL instead, and what it says there is a hint to
// look, unless you trust all who hold a token of the bank. Without
// [Request].Paged nobody sees a Prompt: ask whom [Request].Hint names, or answer
// Denied with Blocked.
//
// Remember something of a PSU between runs, such as a passkey or the last counter:
// the [Store] that the factory gets. Use Swap for what may count once only.
//
// Speak to the PSU: Message, labels and the names of methods are in
// [Request].Language, of which the part before the hyphen counts; English is the
// way out. The names psuId, password and otp have texts of consentd's own.
//
// Say where it works: a flow that implements [Limited] is not offered where it
// cannot work, and the start of the program says so.
package sca
