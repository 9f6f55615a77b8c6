// Package xs2a speaks the Berlin Group's XS2A interface (NextGenPSD2, version
// 1.3.x, and its confirmation of funds consent 2.0) over the use cases of
// consents. It owns everything that a TPP sees:
// which headers and members a request may hold and what they mean, the answers,
// the links, and the one table from domain codes to HTTP statuses and codes of
// the standard. It decides nothing about a consent; who is calling is package
// tpp's to say, and the pages of the PSU are package web's.
//
// A request is judged in one order, and the first step that refuses it answers:
//
//	path 404, method 405 → Accept 406 → caller 401 → signature 400, 401 →
//	role 401 → access token 401 → Content-Type 415 → size 400 → headers and body, all faults in one
//	400 → repeated call → ownership 403 → state 401, 409
//
// Each step leaves a note (package explain), and the one that refuses ends with the
// code of the standard: "role: PSP_AI needed, the certificate has PSP_PI →
// ROLE_INVALID".
//
// # Reads of account data
//
// /v1/accounts, /v1/card-accounts and /v1/trusted-beneficiaries are served by the
// bank's own systems, so that Mount knows nothing of them and answers 404. Who serves
// them hands the request of the TPP, as it came, to [Handler.Admit] (the bank's
// gateway by way of package aspsp, the sandbox directly), which judges it in the same
// order, and then
//
//	Consent-ID 400 → state 401, 403 → its access token 401 →
//	operation and account 401, 404 → quota 429
//
// by package access, the same decision that the bank gets who asks in its own words.
// Nothing else of a TPP's request is judged here: what dateFrom or bookingStatus say
// is for who has the data, who may say so before the decision, so that it costs no
// access.
//
// # OAuth2
//
// Access tokens are package oauth's, and who holds one is told by [tpp.Bearers]. This
// package uses them in one of two ways (§13), or in none:
//
//	integrated   What would be authorised by redirect is authorised at the OAuth2
//	             server: POST /v1/consents answers scaOAuth and starts nothing, the
//	             authorization endpoint starts the authorisation by the scope
//	             AIS:<consentId>, and the consent is marked (ByToken). Package access
//	             opens it to the token that was issued for it alone.
//	preStep      Every call about account information brings a token of the scope aisp;
//	             all else is as without.
//
// Without such a mark and such a mode a token is not looked at.
//
// # Divergences
//
// Where we differ from the standard, had to choose because it is silent, or
// chose among what peers do:
//
//	matter                      what we do, and why
//	--------------------------  ------------------------------------------------
//	Signature                   Must cover digest and x-request-id, psu-id,
//	                            psu-corporate-id and tpp-redirect-uri where they
//	                            are sent; may cover date and (request-target), which
//	                            many banks ask for, though the standard allows
//	                            nothing else. All three lists are the bank's; the
//	                            first two hold for x-jws-signature as well. Also
//	                            rsa-sha512 and ecdsa-sha256. The names of keyId are
//	                            compared by what they say, not by their spelling.
//	x-jws-signature             Where the bank takes it: as TS 119 182-1 has it,
//	                            with x5c, or with x5t#S256 of what stands in
//	                            TPP-Signature-Certificate. Not older than a minute,
//	                            unless the bank says otherwise.
//	the seal                    Must be of the same authority and organisation as
//	                            the client certificate, otherwise 401
//	                            SIGNATURE_INVALID.
//	revocation not to be told   503: who should know does not answer, which is not
//	                            the TPP's fault, but nobody is let in on a doubt.
//	                            The bank may choose to let in.
//	organizationIdentifier      Of any form, since ETSI TS 119 495 knows others than
//	                            PSDxx-NCA-id; one of that form must name the NCA of
//	                            the statement. The actor is both together.
//	age of a Signature          Not judged, though date may be covered: a request
//	                            that is sent again within 24 hours is answered as
//	                            before, and only who holds the key of the QWAC can.
//	QcType                      A certificate that says no type is taken for
//	                            either; one that says another type is
//	                            CERTIFICATE_INVALID.
//	CERTIFICATE_REVOKE          As the official list spells it; certificateRevoked
//	                            adds the D of later versions.
//	domains of URIs             TPP-Redirect-URI, TPP-Nok-Redirect-URI and
//	                            TPP-Notification-URI are held against CN and
//	                            SubjectAltName: off, a WARNING in tppMessages, or
//	                            400. A certificate without a domain covers none (a
//	                            peer: all). Schemes of apps have no domain.
//	roles                       As in the certificate: PSP_AI for account
//	                            information, PSP_IC for the confirmation of funds.
//	body over 64 KiB            400 FORMAT_ERROR with path body. 413 is no status
//	                            of the standard. Its Digest is not judged, since
//	                            the rest is never read.
//	GET and DELETE with a body  It is ignored, but for Digest and size.
//	PSU-IP-Address              Version 6 is taken too (official: ipv4). An
//	                            address with a zone is refused.
//	X-Request-ID                A UUID of any version, also as 32 digits without
//	                            dashes, as real TPPs send it. A missing or
//	                            malformed one is 400, and a fresh one comes back.
//	requests beneath us         What net/http itself refuses (NUL in a header, bad
//	                            percent-encoding, two Hosts) gets a bare 400
//	                            without X-Request-ID.
//	repeated calls              POST, PUT and DELETE with an X-Request-ID that the
//	                            TPP used before for the same method and path
//	                            within 24 hours: the stored answer, if body and
//	                            headers are the same, otherwise 400 FORMAT_ERROR at
//	                            Header.X-Request-ID. 401, 429, 5xx and the 400 of
//	                            headers and body are not kept, so a password that
//	                            is sent twice counts twice.
//	TPP-Redirect-URI            Required on creation even when the TPP prefers
//	                            another approach, since redirect is the fallback;
//	                            absolute https (http on loopback, app schemes by
//	                            a list), characters of RFC 3986, no user-info, no
//	                            fragment. The host is a DNS name, without
//	                            underscores, or an IP address without zone: what
//	                            is taken, the pages follow. On POST …/authorisations
//	                            it may be left out: then that of the creation holds.
//	header values               Blank, repeated, not UTF-8 or with control
//	                            characters: 400. PSU-Accept and the like may be
//	                            repeated. Limits where the standard has none:
//	                            PSU-ID and its kin 50, brand 255, URIs 500
//	                            characters.
//	conditional PSU-ID types    PSU-ID-Type without PSU-ID is taken and unused.
//	SCA approach                Fixed with every start, so scaMethods never come
//	                            before the PSU has authenticated, and there is no
//	                            startAuthorisationWithAuthenticationMethodSelection.
//	                            TPP-Redirect-Preferred: false means decoupled, with
//	                            TPP-Decoupled-Preferred: false embedded; what is
//	                            not offered falls back to the bank's first.
//	preferences                 Those of the creation hold for later starts that say
//	                            nothing. For the confirmation of funds there is no
//	                            TPP-Decoupled-Preferred: no redirect is decoupled.
//	start                       Where the bank has no page of its own for the PSU
//	                            and PSU-ID is not sent, the TPP starts in mode auto.
//	PSU of an authorisation     Another PSU-ID than at the creation: 401, unless
//	                            PSU-Corporate-ID came with it or somebody has
//	                            signed: then any signer may start. PSU-IDs are
//	                            compared as digests; none is kept in clear. By
//	                            redirect PSU-ID fills in the log-in form and decides
//	                            nothing: it may be another name of who logs in.
//	PUT                         At most one of psuData, authenticationMethodId,
//	                            scaAuthenticationData, confirmationCode; without
//	                            any it identifies the PSU. Only
//	                            psuData.password is taken: others are 400
//	                            PARAMETER_NOT_SUPPORTED. Limits where the standard
//	                            has none: password and confirmationCode 500,
//	                            scaAuthenticationData 4096 characters. What the
//	                            approach does not take: 400 SERVICE_INVALID.
//	ended authorisations        409 STATUS_INVALID, but 403 RESOURCE_EXPIRED where
//	                            its time ran out. A consent takes 20; one more is
//	                            429 ACCESS_EXCEEDED.
//	confirmation code           The browser brings it as confirmationCode. A wrong
//	                            one fails the authorisation, with 200 and
//	                            scaStatus failed; the consent may be tried anew.
//	scaOAuth                    Comes with the creation, whatever was preferred or is
//	                            configured about the start, with ASPSP-SCA-Approach:
//	                            REDIRECT and without scaStatus: there is one
//	                            authorisation, and the authorization endpoint starts
//	                            it, a further signer's and one after a failure too.
//	                            POST …/authorisations of such a consent: 400
//	                            SERVICE_INVALID, whatever the approach, since only the
//	                            OAuth2 server issues the token without which nothing
//	                            can be read. Another consent keeps its approach where
//	                            a start prefers redirect. TPP-Redirect-URI is required
//	                            all the same; the browser goes to the redirect_uri of
//	                            the authorization request. Links are absolute.
//	scaOAuth and confirmation   Not combined, though the standard has it: the exchange
//	                            of the code by its TPP confirms as much.
//	access tokens               Missing, unknown, ended, another TPP's or bound to
//	                            another certificate: 401 TOKEN_UNKNOWN; expired:
//	                            TOKEN_EXPIRED; without the scope, or of another
//	                            consent: TOKEN_INVALID. All with WWW-Authenticate
//	                            (RFC 6750), whose metadata, a parameter of ours, is
//	                            the URL of the OAuth2 server's description. RFC 6750
//	                            has 403 for the scope, the standard 401. Of a consent
//	                            that has ended its end is told, not the token's.
//	tokens that nobody asked    Ignored, bad ones too (a peer: 403).
//	for
//	pre-step token              For the consents to account information and the reads;
//	                            the confirmation of funds takes none: who asks there
//	                            has no PSU at hand. Its PSU stands in for PSU-ID where
//	                            that is not sent, and decides nothing else. A call
//	                            that is repeated with another PSU's token is another
//	                            one. A read may bring the token of its own consent
//	                            instead, made while the bank had integrated OAuth2.
//	OAuth2, funds               By redirect as ever: no scope PIIS:<consentId>.
//	exempted                    With exemptAvailableAccounts a one-off list of
//	                            accounts needs the log-in alone. Where the TPP has
//	                            to confirm it, the answer to that says exempted
//	                            too, though its schema lists finalised and failed.
//	psuMessage                  In decoupled it names the number that the PSU has to
//	                            repeat in the bank's app, from the POST on, in the
//	                            first language of PSU-Accept-Language.
//	authenticationType          TOTP is none of the list of 1.3.16: an authenticator
//	                            app, which the embedded approach offers to who has
//	                            set it up.
//	confirmation of funds       Consents to it have no end date and replace none.
//	                            TPP-Redirect-URI is required. partiallyAuthorised
//	                            shows as received. Switched off, all of it is 405.
//	                            Without Consent-ID any consent of the TPP will do
//	                            that names the account; for another account than
//	                            its own: 401 CONSENT_INVALID.
//	notifications               TPP-Notification-URI and -Content-Preferred are
//	                            checked and not used: no ASPSP-Notification-Support.
//	one 400                     Faults of headers and body come together, at most
//	                            50, each with a path: Header.PSU-IP-Address,
//	                            access.accounts[0].iban, or body for the whole.
//	media type of errors        application/json, unless Accept prefers
//	                            application/problem+json by its q-value, or at
//	                            the same one by naming it where application/json
//	                            comes by a wildcard. Successes are always
//	                            application/json. The type of a problem is
//	                            about:blank: the code says it all.
//	combinedServiceIndicator    May be missing, though the schema requires it: the
//	                            official examples leave it out.
//	JSON types                  Strict: "true", "4", 4.0 and 4e0 are 400, though
//	                            some official examples quote; null is not the
//	                            same as absent.
//	JSON form                   UTF-8, one object, no member twice (two readers
//	                            could take different ones), at most 16 deep.
//	                            Members that we don't know are ignored,
//	                            access.statements of 1.3.16 among them.
//	validUntil                  A timestamp is 400; with lenientDates it counts as
//	                            the date that it is written with. In the past:
//	                            400 FORMAT_ERROR (peers: 401, TIMESTAMP_INVALID).
//	frequencyPerDay             Above 1 for a one-off consent: 400 (a peer lowers
//	                            it in silence).
//	access                      {} is 400 (a peer takes it for bank-offered). Two
//	                            flags, a flag with lists or additionalInformation,
//	                            empty with filled lists, restrictedTo with named
//	                            accounts, an empty restrictedTo: 400 FORMAT_ERROR.
//	additionalInformation       Without one of the three lists, or with an account
//	                            that none of them names: 400 FORMAT_ERROR (a peer:
//	                            SERVICE_INVALID). An account without currency
//	                            covers its sub-accounts. What the bank does not
//	                            offer is left out of the consent.
//	cashAccountType             Of a named account it is kept and shown, and decides
//	                            nothing. Currency XXX means all sub-accounts.
//	card data (funds)           For the PSU to read: neither cardExpiryDate nor a
//	                            cardNumber of a question is judged.
//	account references          Exactly one identifier; patterns hold for the
//	                            whole value; the check digits of an IBAN must fit.
//	                            A kind that the bank does not take is 400
//	                            PARAMETER_NOT_SUPPORTED (a peer: FORMAT_ERROR).
//	models not offered          400 SERVICE_INVALID.
//	one account, several lists  One account with the rights of all of them; GET
//	                            shows each list in the order of first naming.
//	implied rights              balances or transactions imply that the account
//	                            may be listed; GET shows what was asked for, the
//	                            decision on use adds what it implies.
//	malformed ids in the path   As unknown ones: 403 CONSENT_UNKNOWN, one text.
//	                            Only the spelling that we gave out counts.
//	terminatedByAspsp           A consent that the bank ended: an extension, which
//	                            the standard lets a bank document. strictStatus
//	                            answers expired instead.
//	suspended consents          valid: the standard knows no pause. Every access
//	                            is refused with SERVICE_BLOCKED meanwhile.
//	DELETE of an ended consent  204, and it stays as it was.
//	links                       Absolute, or paths where the bank prefers that;
//	                            self and status are always there.
//	                            No Location for an authorisation: none is declared.
//	GET of a bank-offered       The lists that were asked for: empty before the
//	consent                     PSU has chosen, with the chosen accounts after.
//	Cache-Control               no-store on every body: links in it are secret.
//	message codes               By status as version 1.3.6 lists them; 1.3.12 lists
//	                            none. ROLE_INVALID and SCA_INVALID on the paths of
//	                            2.0 as well.
//	errors                      Without _links and Location. 406 and 429 of
//	                            funds-confirmations have a body.
//	headers of answers          Allow and Retry-After as HTTP wants them;
//	                            ASPSP-Multiple-Consent-Support on the 201 of
//	                            POST /v1/consents where it is supported. No
//	                            Location on funds-confirmations.
//	links for credentials       updatePsuIdentification and updatePsuAuthentication
//	                            on a started authorisation, where the official
//	                            file of POST authorisations has startAuthorisation…
//	members of answers          No fees, trustedBeneficiaryFlag and psuName.
//	consents 2.0 (funds)        In the words of 1.3.12: references with other and
//	                            cashAccountType, tppMessages, texts up to 500,
//	                            confirmation codes.
//	Consent-ID of reads         Missing, blank or repeated: 400 FORMAT_ERROR.
//	                            Malformed: as unknown, 400 CONSENT_UNKNOWN, once
//	                            the other headers are right.
//	PSU-IP-Address of reads     Sent: the PSU is there, and the read is not counted;
//	                            malformed: 400, never taken for either. Of a one-off
//	                            consent it changes nothing.
//	further pages of a read     A list that is asked for with a parameter of the
//	                            bank's paging (page) belongs to the read that began
//	                            it, for ten minutes and a hundred pages unless the
//	                            bank says otherwise. Path and all other parameters
//	                            must be those of that read (the last four of a day
//	                            are known), otherwise it is one of its own. Without
//	                            a value the parameter says nothing; two of them, or
//	                            one twice: 400 FORMAT_ERROR.
//	details of transactions     Belong, as further pages do and counted among them, to
//	                            the read that opened a list of the account's
//	                            transactions, whichever. Without one they are an
//	                            operation of their own of the account, whichever
//	                            transaction it is.
//	pages of a used-up consent  What the last read of a one-off consent began may be
//	                            read to its end, within the same bounds and not after
//	                            its end date. The consent is over: nobody can revoke
//	                            it any more, so that only a block of the TPP stops
//	                            the pages. Of a consent that has ended otherwise
//	                            there are none, nor of one by OAuth2 whose token our
//	                            own server has issued: it ends with the consent.
//	end of a one-off consent    With the last read that it was asked for by name: of
//	                            each account its details, balances, transactions,
//	                            and the trusted beneficiaries. Lists of accounts, and
//	                            details that are only implied, are not waited for: a
//	                            TPP that wants them reads them first.
//	cards, available accounts   A consent to the list of accounts is to both lists,
//	                            GET /v1/accounts and GET /v1/card-accounts. A one-off
//	                            one ends with the first of them, whichever it is, and
//	                            the other may follow as a further page does.
//	lists without an account    Empty, not refused, where the consent opens accounts
//	                            for it but none of the sort, such as cards.
//	Accept of transactions      Of lists, whoever has the data judges it: a bank may
//	                            offer camt.053 or MT940. The sandbox has JSON alone.
//	ids of accounts and         Any text of 1 to 100 characters, percent-encoded. One
//	transactions                with the part . or .. is 404: what serves the data
//	                            could take it for a path.
//	account that is unknown     404 RESOURCE_UNKNOWN; one of the customer's that the
//	                            consent leaves out 401 CONSENT_INVALID.
//	reads with another method   405 SERVICE_INVALID, HEAD too.
//	429 of reads                ACCESS_EXCEEDED. Retry-After says when the next day
//	                            begins in the bank's time zone, for a recurring
//	                            consent; a one-off one has none.
//	repeated funds questions    POST /v1/funds-confirmations changes nothing and is
//	                            answered anew each time.
package xs2a
