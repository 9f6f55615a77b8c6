// Package idp is an OpenID provider for tests: a certified server library with
// a log-in page that needs no scripts, on http loopback. It authenticates for
// one client, tells who logged in, how and when, and can be told to do it wrong.
//
//	p := idp.Start(t, idp.Options{RedirectURIs: []string{origin + "/sca/return"}})
//	p.Set(idp.Expired)
//
// A test without a browser goes through the page with [Provider.LogIn].
package idp
