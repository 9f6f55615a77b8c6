// Package consent is the domain: what a consent is, which states it may take,
// who may move it and what else moves with it.
//
// It owns the [Consent] aggregate with its [Authorisation]s and its [Access],
// the two transition tables, the [Run] (the PSU's walk through a flow of
// strong customer authentication) and the error type that every dialect
// translates. It does no I/O, reads no clock and knows no dialect: time comes
// in as an argument, and the words of Berlin Group, STET or the Consent
// Manager are projections made at the edge.
//
// State that depends on time alone is computed, never waited for: [Consent.Settle]
// brings a consent to where it stands at an instant, and every read and every
// change begins with it. A worker persists what Settle would say anyway.
package consent
