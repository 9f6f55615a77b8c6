package consent_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
)

func TestRedirectURI(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 63)
	for text, want := range map[string]consent.RedirectURI{
		"https://tpp.example/a?b=%20":         {Scheme: "https", Host: "tpp.example"},
		"https://tpp":                         {Scheme: "https", Host: "tpp"},
		"HTTPS://TPP.Example:8443?x":          {Scheme: "https", Host: "tpp.example", Port: 8443},
		"https://tpp.example.:1/":             {Scheme: "https", Host: "tpp.example.", Port: 1},
		"https://tpp.example:65535/":          {Scheme: "https", Host: "tpp.example", Port: 65535},
		"https://tpp.example:00443/":          {Scheme: "https", Host: "tpp.example", Port: 443},
		"https://7.tpp-1.example/":            {Scheme: "https", Host: "7.tpp-1.example"},
		"https://0xcafe.example/":             {Scheme: "https", Host: "0xcafe.example"},
		"https://0xq/":                        {Scheme: "https", Host: "0xq"},
		"https://xn--bcher-kva.example/":      {Scheme: "https", Host: "xn--bcher-kva.example"},
		"https://Bücher.example/ä":            {Scheme: "https", Host: "bücher.example"},
		"https://b%C3%BCcher.example/":        {Scheme: "https", Host: "bücher.example"},
		"https://उदाहरण.example/":             {Scheme: "https", Host: "उदाहरण.example"},
		"https://" + longest + ".example/":    {Scheme: "https", Host: longest + ".example"},
		"https://192.0.2.7/":                  {Scheme: "https", Host: "192.0.2.7"},
		"https://[2001:DB8::1]:8443/":         {Scheme: "https", Host: "2001:db8::1", Port: 8443},
		"http://LOCALHOST:3000/":              {Scheme: "http", Host: "localhost", Port: 3000},
		"http://127.8.8.8/":                   {Scheme: "http", Host: "127.8.8.8"},
		"http://[::1]/":                       {Scheme: "http", Host: "::1"},
		"app:done":                            {Scheme: "app"},
		"APP://done/*?x":                      {Scheme: "app"},
		"com.example.app:/":                   {Scheme: "com.example.app"},
		"https://tpp.example/;script-src%20*": {Scheme: "https", Host: "tpp.example"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := consent.ParseRedirectURI(text, []string{"app", "com.example.app"})
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestNoRedirectURI(t *testing.T) {
	t.Parallel()
	const absolute, host, web = "must be an absolute URI", "must be an absolute https URI with a host", "must be an absolute https URI"
	tooLong := strings.Repeat("a", 64)
	for said, texts := range map[string][]string{
		absolute: {
			"", "tpp.example", "/cb", "//tpp.example", ":", "https://tpp.example/a b", "https://tpp.example/\x00", "https://tpp.example\r\nX: y",
			"https://tpp.example/\xff", "https://tpp.example/\u0085", "https://tpp.example/\u200b", `https://tpp.example\@evil.example/`,
			"https://tpp.example/%zz", "https://tpp.example/%4", "https://tpp.example/%", "https://tpp%2eexample/", "https://[::1/",
			"https://tpp.example:x/", "https://tpp.example:-1/", "app;script-src:x", "https://<x>/", "https://a|b/", "https://[2001:db8::]./",
		},
		host: {
			"https:", "https://", "https:///cb", "https:tpp.example", "https://:443/", "https://tpp.example:/", "https://tpp.example:0/",
			"https://tpp.example:65536/", "https://tpp.example:000443/", "https://*/x", "https://*.example/", "https://$evil/", "https://tpp..example/cb",
			"https://.tpp.example/", "https://tpp.example../", "https://./", "https://../", "https://'self'/x", "https://(x)/",
			"https://tpp.example;default-src/", "https://tpp.example,evil.example/", "https://tpp_1.example/", "https://-tpp.example/",
			"https://tpp-.example/", "https://xn--/", "https://" + tooLong + ".example/", "https://" + strings.Repeat("a.", 127) + "a/",
			"https://%EF%BC%8E/", "https://tpp／evil.example/", "https://tpp。example/", "https://\u0301tpp.example/",
			"https://[2001:db8::1%25eth0]/x", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://tpp.0x/",
			"https://192.0.2.256/", "https://192.0.2.07/", "https://192.0.2.7./", "https://tpp.example.7/",
		},
		"must be https; http is for loopback": {"http://tpp.example/", "http://192.0.2.1/", "http://[2001:db8::1]/", "http://localhost.tpp.example/", "http://localhost./"},
		"must not hold user-info":             {"https://tpp@bank.example/", "https://a:b@tpp.example/", "https://@tpp.example/", "app://user@done"},
		"must not hold a fragment":            {"https://tpp.example/#", "https://tpp.example/#x", "app://done#x"},
		web:                                   {"ftp://tpp.example/", "javascript:alert(1)", "data:text/html,x", "other://done"},
		"must say more than its scheme":       {"app:", "app://"},
		"must not be longer than 500":         {"https://tpp.example/" + strings.Repeat("x", 481)},
	} {
		for _, text := range texts {
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				got, err := consent.ParseRedirectURI(text, []string{"app"})
				require.ErrorContains(t, err, said)
				require.Equal(t, consent.CodeFormat, consent.CodeOf(err))
				require.Zero(t, got)
				if len(text) > 12 {
					require.NotContains(t, err.Error(), text)
				}
			})
		}
	}
}

func TestLongestRedirectURI(t *testing.T) {
	t.Parallel()
	_, err := consent.ParseRedirectURI("https://tpp.example/"+strings.Repeat("ü", 480), nil)
	require.NoError(t, err, "characters count, not bytes")
}
