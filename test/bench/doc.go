// Command bench measures the program against the floors of the machine that it
// runs on: what PostgreSQL and Echo alone can do there. It is started by
// bench.sh, which `make bench` runs, and is no test: it fails only when
// something answers wrongly.
//
// What is measured, in rounds that go from one to the next so that all see the
// same machine:
//
//   - create, floor: pgbench inserts the rows that one POST /v1/consents inserts,
//     in one statement, over as many connections as the server has clients. The
//     statement is made of a consent that the server has stored, so both write
//     the same bytes; only ids are fresh.
//   - create: wrk posts consents, each with a request id of its own.
//   - status, floor: wrk on an Echo server that answers a constant (floor/).
//   - status: wrk reads the status of some hundred consents.
//   - decision, PSU present, floor: wrk sends the questions of a resource server to
//     the Echo server, which answers another constant.
//   - decision, PSU present: wrk asks whether a TPP may read balances, of some
//     hundred consents, over the listener for the bank's own systems.
//   - decision, counted, floor: pgbench counts by one upsert, in a table like the
//     program's, of as many rows.
//   - decision, counted: the same questions while the PSU is away. Each answer must
//     have been counted.
//   - mixed: decisions, statuses and new consents at a fixed rate, each measured from
//     the moment at which it was due.
//   - create, unsigned, over plain HTTP, and create, signed, over mutual TLS: a
//     client of our own posts consents to the same server as wrk, and to a second
//     one on the same database that verifies TPPs: client certificate (QWAC),
//     signature and its certificate (QSEAL), and both certificates' revocation, by
//     a list that the benchmark serves. All that the client sends is prepared and
//     signed, and its connections are open, before the clock starts: signing is
//     the TPP's cost, and connections are kept. The one beside the other is the
//     price of trust.
//   - verification by itself: the Go benchmark SignedCall of internal/tpp.
//   - lists, once all that has ended: a third server, of a bank with a database of its
//     own and 100,000 consents in it (staged by a hub with and without payments, and
//     asked for by TPPs), lists them by its Consent Manager API: pages at both ends and
//     in the middle, by status, user, account, group, TPP and period, and what has
//     changed since an instant. One client reads one list after the other; each read is
//     whole, its total included, and each list's total is what the database counts.
//
// Everything shares the machine: client, server and database. PostgreSQL is
// durable, as in production: a consent that was answered 201 is on disk. So the
// absolute figures say little elsewhere, and the ratios are what counts: the
// median of each round's own.
package main
