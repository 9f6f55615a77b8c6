// Package pgtest starts a real PostgreSQL for tests, without a container and
// without a service that somebody must have set up: it makes a temporary cluster
// with the machine's own initdb, serves it on a free loopback port and removes it
// when the test process is gone.
//
// Most tests want one line:
//
//	dsn := pgtest.DSN(t) // a fresh, empty database
//
// All calls of one test process share one server, started by the first of them. A
// go test process ends without running any hook, and may be killed, so a watcher
// process guards the cluster: it holds the reading end of a pipe whose other end is
// ours, and when that end closes, however we ended, it stops the server and removes
// its directory. No goroutine stays behind, so goleak needs no exception.
//
// A missing PostgreSQL fails the test; it is never skipped. test/prerequisites.sh
// installs one.
package pgtest
