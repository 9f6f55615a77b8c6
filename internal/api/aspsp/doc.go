// Package aspsp is the interface for the bank's own systems and desks, below
// /aspsp/v1, as openapi/aspsp.yaml describes it. Of what it will hold there is
// the back office's part on third parties: it lists the register of TPPs, shuts
// one out, and lets it in again.
//
// It owns the paths, the JSON and the problem answers (RFC 9457). Who calls is
// told by package bankauth; what a block does is service/register's.
//
// A request is judged in this order: caller 401, then, for whoever is known,
// path 404 and method 405, role 403, Content-Type 415, size 413, headers, query
// and body together 400, and what was asked for 404. Nothing but 401 is told to
// a stranger, not even which paths there are.
//
// # Choices
//
//   - Accept is not judged: all that there is, is JSON.
//   - X-Request-ID may be left out. Calls that are repeated are not known again by
//     it: each has the same effect when it comes twice.
//   - Members and query parameters that are not described are refused, so that a
//     misspelt filter does not list everything, and a misspelt "until" does not
//     shut a TPP out for ever.
//   - JSON's null is no way to leave a member out.
//   - PUT and DELETE are carried to their end even when the client hangs up.
package aspsp
