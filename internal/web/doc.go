// Package web owns the pages on which a PSU meets the bank in a browser: those of
// strong customer authentication, under /sca/{handle}, and the dashboard on which
// customers see and end their consents, under /psu.
//
// It decides nothing about a consent. A handler reads the request once into an
// answer, the use case moves the run, and the View that comes back is worded
// and rendered:
//
//	GET  /sca/{handle}  → Walks.Open   → page
//	POST /sca/{handle}  → Walks.Answer → page, or 303 back to the TPP or on to another site
//	GET  /sca/return    → Walks.Return → 303 to /sca/{handle}: the browser is back from there
//
// What is stable for those who monitor the pages: data-page on <main>, the
// names of the fields (psuId, password, account, otp, passkey, method) and of
// the buttons (decision: approve, reject, device), and the status of each answer:
//
//	200 waits for input · 202 waits for something else · 303 on to another site
//	401 wrong password or code · 403 no CSRF token, another browser's, or not offered
//	404 unknown · 409 used · 410 expired · 429 locked · 503 the bank does not answer
//
// The dashboard asks who is logged in (Sessions), hands the request to Boards, and words
// what comes back:
//
//	GET  /psu/login              → 303 to the run of a log-in · /psu/enter/{handle}: it has ended well
//	POST /psu/logout             → 303
//	GET  /psu/consents           → the list: tab, part, tpp, type, state, page (also .json, .csv: all of them)
//	GET  /psu/consents/{id}      → one consent, with its history
//	GET  /psu/consents/{id}/stop → what ending it means · POST ends it, or has that confirmed
//	                               by a second factor first: /psu/confirmed/{handle}
//	GET  /psu/consents/{id}/receipt?of=given|renewed|ended
//
// Whoever is not logged in is sent to log in (303), and told so instead (401) where they
// have sent an answer. What is another's is answered as what does not exist (404). The
// labels of states, and what permissions mean, are those of package mandated.
//
// The StoryBook shows every page in every state with canned data.
//
// The pages work without JavaScript and forbid it, but for the one that asks for a
// passkey, which no browser gives without. All words come from the catalogues in
// locales; templates hold none. A page in Arabic runs from right to left: styles
// know start and end only, what is read from left to right in any language
// (account numbers, codes, addresses) says so, and names stand isolated.
package web
