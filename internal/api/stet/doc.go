// Package stet speaks STET's PSD2 interface for those who read accounts (AISP), version
// 1.4.2, in its mixed model: the TPP asks the PSU what it may read, and forwards the
// answer. It owns everything that a TPP sees: which headers and members a request may
// hold and what they mean, the answers, the links, and the one table from domain codes
// to HTTP statuses and the short codes that French banks have in common. It decides
// nothing about a consent. In whose name a TPP calls is for the tokens to say (package
// connections), how they come about for internal/oauth.
//
// Other than XS2A this dialect is served whole, account data included, which the bank's
// books give (service.Books): which members there are depends on what is consented to,
// down to the links of a list.
//
// A consent is the document of PUT /consents. It is in force at once, each takes the
// place of the former one as a whole, and it has no id: the token says whose it is. A
// list without accounts means none. (XS2A means all by the same body; neither dialect
// hands its lists on unread.)
//
// A request is judged in one order, and the first step that refuses it answers:
//
//	path 404, method 405 → X-Request-ID, Signature missing 400 → caller 401 → role
//	403 → signature 401 → token 401 → scope 403 → Accept 406 → size, Content-Type,
//	headers, query and body, all faults in one 400 → the consent 403, 404 → quota 429
//
// Each step leaves a note (package explain), and the one that refuses ends with the
// short code or, where there is none, the status: "scope: aisp needed, the token has
// pisp → BADS".
//
// A read rests on the document that was forwarded last when its token was looked up.
// One that is replaced before the read is decided is no reason to refuse it: then it is
// decided by the next one, and what is shown is always of one document.
//
// # Divergences
//
// Where we differ from the standard, had to choose because it is silent, or chose among
// what banks do:
//
//	matter                      what we do, and why
//	--------------------------  ------------------------------------------------
//	other methods               405 NIMP with Allow, before headers, caller and token,
//	                            HEAD and OPTIONS too: a path has one method.
//	PUT /consents               201 each time, Content-Length: 0, neither body nor
//	                            Location. No 404, 409 and 415, which the standard has
//	                            not: another media type is 400.
//	no data                     No body, {}, null members and empty lists are the
//	                            same, and revoke all: what is not named is not
//	                            granted. The standard requires all four members; with
//	                            the option to refuse, one that is missing or null is
//	                            400, and so is no body.
//	                            Blanks alone are a body that is not JSON, 400.
//	JSON types                  Strict: "true" is 400, though some clients send it. A
//	                            body null is 400, unlike members. No member twice, at
//	                            most 16 deep, 64 KiB (400, for 413 is not foreseen),
//	                            500 accounts in both lists together.
//	unknown members             Ignored, owners and overdrafts of later versions too.
//	account references          By iban or other, not by both; null is absent. IBANs
//	                            by their pattern alone, without spaces: published test
//	                            data fail the check digits. BANK is the resourceId,
//	                            CPAN and MPAN a card. Without currency all accounts
//	                            of the number.
//	unknown accounts            400 AC01 for the whole document, and the former one
//	                            stands: leaving them out would lose grants unnoticed.
//	                            One answer, whether an account is somebody else's,
//	                            closed or none.
//	psuIdentity alone           A consent, to that alone: accounts stay bare.
//	trustedBeneficiaries        Kept, and without effect; alone it grants nothing.
//	                            GET /trusted-beneficiaries is 501 NIMP.
//	end of a consent            With the connection on which it rests: when that is
//	                            revoked by PSU, bank or TPP, or its authentication is
//	                            too old (180 days unless the bank says otherwise). A
//	                            newer authentication before that dates it anew; after
//	                            it the list is bare. What PSU or bank ends of a
//	                            consent ends the connection as well.
//	suspended consents          403 NGAC for reads and for PUT: no TPP gets around the
//	                            bank by forwarding another document.
//	who connects                Whoever acts for the customer by the bank's word, a
//	                            signer or not; not those who can sign only together
//	                            with others. See package oauth.
//	suspended connections       No new tokens for the same PSU and customer, by another
//	                            connection either.
//	other dialects              Their consents of the same PSU and TPP are not touched.
//	parallel documents          The last that is stored stands. A read that finds its
//	                            own replaced ten times in a row is 503.
//	GET /accounts               Without a consent that opens an account: all accounts
//	                            that one may be asked for, cards too, without
//	                            resourceId, balances and links ("_links": {}). With
//	                            one: its accounts. The closing balance is there where
//	                            balances are granted. Neither usage nor psuStatus.
//	name                        The bank's label, but a neutral one where it has a
//	                            word of the holder's name: the standard wants a name
//	                            in bare lists, where nobody has consented to any.
//	no account                  204, or 404 NAAC where the bank prefers that.
//	own and unknown accounts    403 NGAC for the customer's own that is not granted,
//	                            404 AC01 for any other, with and without a consent.
//	cards                       In the same list and under the same paths, by masked
//	                            number (MPAN, of version 1.5). The list counts as one
//	                            of accounts and one of cards.
//	cashAccountType             CACC for all but cards: the standard has two.
//	currency                    XXX where the bank knows none: the member is required.
//	balances                    XPCD is the instant balance, as STET has it; expected
//	                            ones are OTHR. 204 where the bank keeps none.
//	transactions                dateFrom inclusive, dateTo exclusive, dates without
//	                            time, dateTo before dateFrom 400. Without the scope
//	                            extended_transaction_history nothing before the last
//	                            90 days: what is asked for of it is left out, and self
//	                            says from when on. dateType and entryReferenceFrom are
//	                            ignored. An empty list is 200.
//	paging                      The link next, whose page the bank's books make; one
//	                            that they do not know is 400 IPGN. Further pages
//	                            belong to the read that began the list, for ten
//	                            minutes and a hundred pages unless the bank says
//	                            otherwise.
//	end-user-identity           The full name; of a company its number alone.
//	scopes                      All calls take aisp, PUT /consents too, whatever else
//	                            is granted (a bank's page lists more). 403 BADS; the
//	                            token stays good (a bank kills it).
//	quota                       Four a day without the PSU, for customer, TPP, account
//	                            and operation together: another document does not
//	                            begin it anew. Refused reads and PUT do not count.
//	                            429 TMRQ with Retry-After, the bank's midnight.
//	PSU-IP-Address              Sent: the PSU is there. Version 4 or 6; malformed or
//	                            sent twice is 400, never taken for either. The other
//	                            headers about the PSU are not judged.
//	X-Request-ID                1 to 70 visible ASCII characters, echoed as sent.
//	                            Missing or malformed: 400, and a fresh UUID comes back.
//	Signature                   Missing where it is required: 400, by decision of the
//	                            order above; wrong: 401. What it must cover and whose
//	                            it must be is package tpp's.
//	certificates                401 BE05, as XS2A has it; without the role PSP_AI 403.
//	WWW-Authenticate            Where the token is at fault (RFC 6750), with the 403 of
//	                            the scope as well.
//	Accept                      application/hal+json, application/json or what covers
//	                            them, for any call; the answer to GET is
//	                            application/hal+json in any case.
//	errors                      ErrorModel, in application/json but for GET. Of several
//	                            faults the first is told, and how many there are. Where
//	                            no short code fits there is none. 5xx say nothing of
//	                            what is inside.
//	repeated calls              Carried out again: PUT /consents comes to the same.
//	links                       Absolute.
package stet
