// Package overview is what a customer sees of their consents, and how they stop them:
// those that count and those that are over, line by line, with what was shared and paid
// by them, and what happened to them.
//
// A viewer sees what is in their [service.Sight], which is found anew at every call: for
// whom they may act is for the bank to say. All of a sight is read, brought to where it
// stands now, and sorted out here: a customer has tens of consents, at most a few
// thousand. Nothing but Stop changes anything.
//
// What a consent is called, and which of it is masked, is for the pages to say.
package overview
