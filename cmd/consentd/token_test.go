package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/test/pgtest"
)

// TestToken makes a token, shows it once, and ends it.
func TestToken(t *testing.T) {
	config := configuration(t, pgtest.DSN(t))
	_, err := run(t, "token", "new", "--config", config, "--role", "back-office", "--name", "fraud desk")
	require.ErrorContains(t, err, "consentd migrate up")
	_, err = run(t, "migrate", "up", "--config", config)
	require.NoError(t, err)

	secret, err := run(t, "token", "new", "--config", config, "--role", "back-office", "--name", "fraud desk")
	require.NoError(t, err)
	require.Regexp(t, `^consentd_[A-Za-z0-9_-]{43}\n`, secret)
	list, err := run(t, "token", "list", "--config", config)
	require.NoError(t, err)
	require.Contains(t, list, "back-office")
	require.Contains(t, list, "fraud desk")
	require.Contains(t, list, "good until")
	require.NotContains(t, list, strings.Fields(secret)[0])

	id := regexp.MustCompile(`[0-9a-f-]{36}`).FindString(list)
	for range 2 {
		out, err := run(t, "token", "revoke", id, "--config", config)
		require.NoError(t, err)
		require.Contains(t, out, "is revoked")
	}
	list, err = run(t, "token", "list", "--config", config)
	require.NoError(t, err)
	require.Contains(t, list, "revoked")

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"new", "--role", "boss", "--name", "x"}, "role"},
		{[]string{"new", "--role", "hub", "--name", " "}, "name"},
		{[]string{"new", "--role", "hub", "--name", "x", "--ttl", "-1h"}, "ttl"},
		{[]string{"new", "--role", "hub"}, "name"},
		{[]string{"revoke", "7"}, "not the id of a token"},
		{[]string{"revoke", "00000000-0000-4000-8000-000000000000"}, "no such token"},
	} {
		_, err := run(t, append(append([]string{"token"}, c.args...), "--config", config)...)
		require.ErrorContains(t, err, c.want, c.args)
	}
}

// TestRolesOfTokens: help names every role that there is, and what it may do.
func TestRolesOfTokens(t *testing.T) {
	out, err := run(t, "token", "new", "--help")
	require.NoError(t, err)
	require.Contains(t, app.Roles(), "sca")
	require.Contains(t, out, "what the system may do: "+strings.Join(app.Roles(), ", "))
	require.Len(t, meanings, len(app.Roles()))
	for _, role := range app.Roles() {
		require.NotEmpty(t, meanings[role], role)
		require.Regexp(t, `\n  `+role+` +`+meanings[role]+`\n`, out)
	}
}
