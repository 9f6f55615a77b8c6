package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/config"
)

// example is the commented configuration that a bank starts from.
const example = "../../deployments/consentd.yaml"

// commented is a key that is commented out, as opposed to prose.
var commented = regexp.MustCompile(`(?m)^( *)# ([a-z][A-Za-z0-9]*: \S.*)$`)

// load reads a configuration with secrets as systemd would hand them over.
func load(t *testing.T, path string) *config.Config {
	t.Helper()
	credentials := filepath.Dir(write(t, "", files()))
	c, err := config.Load(path, environment("CREDENTIALS_DIRECTORY", credentials))
	require.NoError(t, err)
	return c
}

func TestExampleCanBeUsed(t *testing.T) {
	t.Parallel()
	c := load(t, example)
	require.False(t, c.Insecure, "the example is of a server that verifies who calls")
	require.Equal(t, filepath.Join(filepath.Dir(example), "anchors"), c.TPPs.Anchors[0])
	require.Equal(t, "tpp.key", filepath.Base(c.TLS.TPP.KeyFile))
	require.True(t, filepath.IsAbs(c.TLS.TPP.KeyFile), "credentials come by systemd")
	require.Equal(t, "Europe/Paris", c.Zone.String())
	require.Equal(t, key, c.MasterKey.Reveal())
	require.Equal(t, dsn, c.Database.URL.Reveal())
	require.Equal(t, token, c.Bank.Token.Reveal())
}

// What is commented out shows the defaults: without the comment signs, nothing changes.
func TestExampleShowsDefaults(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(example)
	require.NoError(t, err)
	require.Greater(t, len(commented.FindAll(content, -1)), 20)
	all := commented.ReplaceAllString(string(content), "$1$2")

	want, got := load(t, example), load(t, write(t, all, nil))
	for _, c := range []*config.Config{want, got} { // two places
		c.TLS.TPP, c.TPPs.Anchors = config.KeyPair{}, nil
	}
	staff := &got.BackOffice.Staff
	for _, list := range []*[]string{&staff.Care, &staff.Supervisor, &staff.Auditor, &got.XS2A.RedirectSchemes, &got.SCA.Onward, &got.TPPs.BlockedIssuers, &got.OAuth.Outside.Audience, &got.OAuth.Outside.Algorithms} {
		if len(*list) == 0 {
			*list = nil // [] and nothing are the same list
		}
	}
	require.Equal(t, want, got)
}

func TestExampleNamesEveryKey(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(example)
	require.NoError(t, err)
	words := map[string]bool{}
	for _, word := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(string(content), -1) {
		words[word] = true
	}
	for _, path := range paths(reflect.TypeFor[config.Config](), "") {
		name := path[strings.LastIndex(path, ".")+1:]
		require.True(t, words[name], "the example doesn't mention %s", path)
	}
}

// paths lists the keys of a section and of those in it.
func paths(section reflect.Type, prefix string) []string {
	var all []string
	for field := range section.Fields() {
		name := field.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		all = append(all, prefix+name)
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[config.Secret]() {
			all = append(all, paths(field.Type, prefix+name+".")...)
		}
	}
	return all
}
