package xs2a

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"consentd/internal/consent"
)

// A key in another spelling would never be found in a request.
func TestKeysAreAsNetHTTPSpellsThem(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		assert.Equal(t, http.CanonicalHeaderKey(r.name), r.key)
		assert.Equal(t, r.must, r.must&r.on, "%s is required where it is not taken", r.name)
	}
}

// A language list that no browser sends is not kept.
func TestLongLanguageIsNoHint(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Set("PSU-Accept-Language", strings.Repeat("fr,", 100))
	assert.Empty(t, wishOf(header).Hint.Language)
	header = http.Header{keyLanguage: {"fr", "de"}}
	assert.Equal(t, "fr, de", wishOf(header).Hint.Language)
}

// net/http refuses most control characters before us; other servers in front
// may not.
func TestControlCharactersInHeaders(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a\x00b", "a\tb", "a\x7fb", "a\r\nb", "a\u0085b", "a\xffb"} {
		header := http.Header{keyRequestID: {"99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}, "Psu-User-Agent": {value}}
		faults := checkHeaders(DefaultOptions(), header, onRead)
		if assert.Len(t, faults, 1, "%q", value) {
			assert.Equal(t, consent.CodeFormat, faults[0].Code)
			assert.Equal(t, "Header.PSU-User-Agent", faults[0].Path)
		}
	}
}
