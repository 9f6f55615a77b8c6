package config

import (
	"slices"
	"strconv"
	"strings"
)

// takenPaths are the first segments of what is served elsewhere.
var takenPaths = []string{"v1", "v2", "oauth2", ".well-known", "docs", "openapi", "sca", "psu", "aspsp", "consent-manager", "sandbox", "tpp"}

// checkOAuth looks at what must fit together, and at the other server.
func (l *loader) checkOAuth() {
	c := l.config
	if c.OAuth.Server == TokensNone {
		if c.STET.Enabled {
			l.report("stet.enabled", "needs tokens: set oauth.server")
		}
		if c.OAuth.XS2A != "off" {
			l.report("oauth.xs2a", "needs tokens: set oauth.server")
		}
	}
	if c.OAuth.XS2A == "integrated" && c.SCA.Confirmation {
		l.report("oauth.xs2a", "does not go together with sca.confirmation: the code of OAuth2 is what comes back with the browser")
	}
	switch first, _, _ := strings.Cut(strings.TrimPrefix(c.STET.BasePath, "/"), "/"); {
	case !l.path(c.STET.BasePath):
		l.report("stet.basePath", "must be a path such as /stet/psd2/v1.4.2, without a slash at its end")
	case slices.Contains(takenPaths, first):
		l.report("stet.basePath", "must not begin with /"+first+", where something else is served")
	}
	if c.OAuth.Server == TokensOutside {
		l.checkOutside()
	}
}

func (l *loader) checkOutside() {
	o := l.config.OAuth.Outside
	keys := o.JWKSURL != "" || o.JWKSFile != ""
	switch {
	case keys == (o.IntrospectionURL != "") || o.JWKSURL != "" && o.JWKSFile != "":
		l.report("oauth.outside", "set one of jwksUrl, jwksFile, introspectionUrl")
	case keys && o.Issuer == "":
		l.report("oauth.outside.issuer", "is missing: tokens that are judged by their signature must say who issued them")
	case keys && len(o.Audience) == 0:
		l.report("oauth.outside.audience", "is missing: a token for somebody else must not open anything here")
	}
	for _, x := range []struct{ path, url string }{
		{"oauth.outside.jwksUrl", o.JWKSURL}, {"oauth.outside.introspectionUrl", o.IntrospectionURL}, {"oauth.outside.metadataUrl", o.MetadataURL},
	} {
		if x.url != "" {
			l.checkURL(x.path, x.url)
		}
	}
	for i, name := range o.Audience {
		if strings.TrimSpace(name) == "" {
			l.report("oauth.outside.audience["+strconv.Itoa(i)+"]", "is empty")
		}
	}
	if l.config.OAuth.XS2A == "integrated" && o.MetadataURL == "" {
		l.report("oauth.outside.metadataUrl", "is missing: the link scaOAuth leads there")
	}
	if o.IntrospectionURL == "" {
		return
	}
	if o.ClientID == "" {
		l.report("oauth.outside.clientId", "is missing")
	}
	l.config.OAuth.Outside.ClientSecret = l.resolve("oauth.outside", l.file("oauth.outside.clientSecretFile", o.ClientSecretFile),
		l.variable("oauth.outside.clientSecretEnv", o.ClientSecretEnv))
}
