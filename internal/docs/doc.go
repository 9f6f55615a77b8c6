// Package docs serves our OpenAPI descriptions: as files under /openapi/, and as
// pages for people under /docs.
//
//	openapi/*.yaml ──► node (ordered YAML) ──► Document (what a page shows) ──► html/template
//
// Of the same documents it makes collections of calls, for the programs that send
// them (Postman and its like, the editors that know .http files):
//
//	Document, story (the order, as data) ──► collection ──► postman, restClient, jetBrains
//
// The pages need no script and nothing from elsewhere; a strict
// Content-Security-Policy holds them to that. Everything is parsed on the first
// request, since starting the program must not pay for it.
//
// Of OpenAPI it knows what our own descriptions use, and of Markdown only
// paragraphs and `code` spans. It doesn't judge descriptions: test/contract does.
package docs
