package staff_test

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/secret"
	"consentd/internal/staff"
	"consentd/test/idp"
)

// A provider of another make, over the network.
func TestProviderOfAnotherMake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options func(*idp.Options)
		groups  []string
		want    error
	}{
		"as usual":                   {func(*idp.Options) {}, []string{"supervisors"}, nil},
		"the secret in the body":     {func(o *idp.Options) { o.SecretInBody = true }, []string{"supervisors"}, nil},
		"without iss in the answer":  {func(o *idp.Options) { o.Anonymous = true }, []string{"supervisors"}, nil},
		"somebody of another branch": {func(*idp.Options) {}, []string{"traders"}, staff.ErrNoRole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := idp.Options{
				RedirectURIs: []string{callback},
				Users:        map[string]idp.User{"sam": {Password: "x", Subject: "u-17", Claims: map[string]any{"name": "Sam", "groups": c.groups}}},
			}
			c.options(&o)
			p := idp.Start(t, o)
			keys, err := secret.New(secret.NewMaster())
			require.NoError(t, err)
			s, err := staff.New(staff.Config{
				Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: callback,
				Groups: map[staff.Role][]string{staff.Supervisor: {"supervisors"}}, Keys: keys, Now: time.Now,
			})
			require.NoError(t, err)
			w := world{Staff: s, jar: setup(t).jar, t: t}
			rec := httptest.NewRecorder()
			address, err := w.Begin(rec, w.request("/back-office/login"), "/back-office")
			require.NoError(t, err)
			w.keep(rec)
			brought, err := p.LogIn(t.Context(), address, "sam", "x")
			require.NoError(t, err)
			fields := url.Values{}
			for name, value := range brought {
				fields.Set(name, value)
			}
			_, err = w.finish(fields)
			require.ErrorIs(t, err, c.want)
			if c.want == nil {
				session, err := w.who()
				require.NoError(t, err)
				require.Equal(t, staff.Person{Subject: "u-17", Name: "Sam", Roles: []staff.Role{staff.Supervisor}}, session.Person)
			}
		})
	}
}
