// Package usertoken tells for which user a dashboard of the bank's acts, which has shown
// its own credential before: by a JWT that the bank's session has signed, or, where the
// bank trusts the dashboard alone, by the user's id.
package usertoken
