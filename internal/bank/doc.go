// Package bank reaches the bank's own systems over HTTP, as openapi/bank.yaml
// describes them. It holds no rules of consents: it asks, and turns answers
// into what the ports of package service promise.
//
// Errors never carry what a bank wrote, nor what it was asked: both may name a
// customer. What does not answer in time, or not as described, fails with
// [ErrNoAnswer].
package bank
