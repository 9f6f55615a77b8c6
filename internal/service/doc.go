// Package service holds what the use cases share: the ports through which they
// reach the bank's own systems. The use cases themselves live below it, one
// package each, and own the transaction boundary and the clock; they know
// neither HTTP nor SQL.
//
//	consents   create, read, end, expire
//	sca        walk a PSU through authentication, and finish the consent with it
//	register   which TPPs there are; block one, and end its consents
//	tokens     bearer tokens of the bank's own callers
//
// Ports that only one use case needs are declared beside it. The sandbox
// implements the bank's systems in memory, package bank by HTTP.
package service
