// Package manager is the Consent Manager API of the UAE's open finance (version 2.1.9)
// for the bank's own systems and desks, below /consent-manager, as openapi/manager.yaml
// describes it. A hub stages consents and says what becomes of them, the bank's
// dashboard shows a user theirs and ends them, and the back office looks at all and
// acts on them.
//
// It owns the paths, the JSON and the errors of this API, and what only this API knows
// of a consent: how it came (origin) and what the bank has added (extra), which the
// domain keeps unread. What a consent may become is package consent's to say; who sees
// it, service/staging's; which payments it allows, service/payments'; what staff do,
// and that they have looked, is service/office's.
//
// A request is judged in this order: caller 401, then, for whoever is known, path 404
// and method 405, role 403, Content-Type 415, size 413, for whom a dashboard acts 401,
// then path, headers, query and body together 400, and what was asked for 400.
//
// # One domain
//
// Every answer is a projection of a consent of the domain, whichever dialect it was
// made in; no status is kept in this API's words. Those that no hub has staged show a
// request that is made up of what was asked for, the permissions that say its rights,
// ids of their TPP that are derived of its own, and what the standard has no members
// for in supplementaryInformation: recurringIndicator, frequencyPerDay, and
// perAccountScope, which says that accounts differ and the permissions are their union.
// Before such a consent is authorised the PSU may narrow it, and the request with it.
//
// # Divergences and choices
//
//   - The request is kept and answered to the byte of its members type, consent and
//     subscription; see package pkg/manager for how.
//   - Bodies are read strictly, as the description was before its contradictions were
//     taken out of it: a member that is not known is refused by its name.
//   - A patch is taken with dotted keys, nested, and below data; each key once. Other
//     members of psuIdentifiers than userId are not kept: they may name a person.
//   - authorizationChannel is required of the hub, and of nobody else.
//   - updatedAt as a filter leaves out all of the millisecond that it names, since
//     answers have no finer one; whoever must not miss a row asks with one less.
//   - A change counts from when it began, and is seen once it has ended. So a poller of
//     /consents overlaps: it asks again from a minute before the newest updatedAt that it
//     has seen.
//   - Years, and the months of a periodic schedule, are counted from PeriodStartDate; months
//     of payments on demand are those of the calendar. A late payment is taken until the
//     next period begins.
//   - A consent to several payments is Consumed once none of them can be rejected any more:
//     a bank whose payments end at AcceptedSettlementCompleted reports one of the final
//     states after it.
//   - supplementaryInformation is the bank's own: it is kept and answered as it came,
//     whatever is in it.
//   - Amounts of a consent are of one currency, and above zero. Where only numbers of
//     payments are limited, and in files, it is AED, that of the scheme.
//   - Of a request's headers those are kept that name calls, never one that could be a
//     credential or tell of the PSU; of the address that was called neither user nor
//     query nor fragment.
//   - Of tpp and its decodedSsa the members are kept that are described. What a software
//     statement says that could do harm on a page, such as an address that is not https,
//     is left out: nobody here can mend a directory.
//   - Those who must agree are told apart by AuthorizerId; who is not named again stays as
//     they were. TotalRequired stays where it is not there, and never becomes less.
//   - A Berlin Group consent that is revoked before it was authorised is terminatedByTpp,
//     terminatedByAspsp or revokedByPsu there, as any other: who ended it stays visible.
//   - Whether one authorizer does, or several, is what the hub says in Meta; of
//     IsSingleAuthorization nothing follows. A payment with a date is recorded when the
//     TPP sends it, not on that day.
//   - Where the back office gives no reason, it is the bank's own affair: bank.
//   - /hello-mtls and the logs of quotes and openings are not served.
//   - An insurance consent is refused; a list of them is empty.
//   - The permissions ReadFXRemittanceCharges and ReadProductLendingRates, which only
//     the standards of the TPPs know, are taken and answered.
//   - A look of the back office is written down before it is answered, or not answered,
//     and so is an act before it is tried. Of what it typed to name users and accounts
//     there is a digest, which tells whether two looks were for the same.
//   - The back office names by X-Staff for which person it calls. With four eyes an act
//     must; it is confirmed or refused by another person on the pages, never here.
package manager
