// Package remote shows that the flow remote is for any language: server.mjs, in
// JavaScript without packages, passes the conformance kit, and what both sides
// say is as openapi/sca-remote.yaml describes it.
package remote
