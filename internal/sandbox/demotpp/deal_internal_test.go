package demotpp

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"consentd/pkg/xs2a"
)

func TestNext(t *testing.T) {
	t.Parallel()
	linked := func(names ...string) xs2a.Links {
		links := xs2a.Links{xs2a.LinkSelf: {Href: "x"}}
		for _, name := range names {
			links[name] = xs2a.Link{Href: "x"}
		}
		return links
	}
	for name, c := range map[string]struct {
		deal deal
		want string
	}{
		"redirect":              {deal{Status: xs2a.Received, Links: linked(xs2a.LinkScaRedirect)}, nextRedirect},
		"explicit start":        {deal{Status: xs2a.Received, Links: linked(xs2a.LinkStartAuthorisation)}, nextStart},
		"start with a name":     {deal{Status: xs2a.Received, Links: linked(xs2a.LinkStartAuthorisationWithPsuIdentification)}, nextStart},
		"start with a password": {deal{Status: xs2a.Received, Links: linked(xs2a.LinkStartAuthorisationWithPsuAuthentication)}, nextStart},
		"name":                  {deal{Status: xs2a.Received, Links: linked(xs2a.LinkUpdatePsuIdentification)}, nextIdentify},
		"password":              {deal{Status: xs2a.Received, Links: linked(xs2a.LinkUpdatePsuAuthentication)}, nextPassword},
		"method":                {deal{Status: xs2a.Received, Links: linked(xs2a.LinkSelectAuthenticationMethod)}, nextMethod},
		"code":                  {deal{Status: xs2a.Received, Links: linked(xs2a.LinkAuthoriseTransaction)}, nextCode},
		"decoupled":             {deal{Status: xs2a.Received, Links: linked(xs2a.LinkScaStatus)}, nextWait},
		"came back":             {deal{Status: xs2a.Received, Authorisation: "a", Sca: xs2a.ScaUnconfirmed, code: "c", Links: linked(xs2a.LinkScaRedirect)}, nextConfirm},
		"failed":                {deal{Status: xs2a.Received, Authorisation: "a", Sca: xs2a.ScaFailed, Links: linked(xs2a.LinkScaRedirect)}, nextAgain},
		"one of two signers":    {deal{Status: xs2a.PartiallyAuthorised, Authorisation: "a", Sca: xs2a.ScaFinalised}, nextAgain},
		"in force":              {deal{Status: xs2a.Valid, Authorisation: "a", Sca: xs2a.ScaFinalised}, nextRead},
		"rejected":              {deal{Status: xs2a.Rejected, Links: linked(xs2a.LinkScaRedirect)}, nextNothing},
		"expired":               {deal{Status: xs2a.Expired}, nextNothing},
	} {
		assert.Equal(t, c.want, c.deal.Next(), name)
		assert.NotEmpty(t, nextMeans[c.want], name)
		assert.NotEmpty(t, c.deal.Means(), name)
	}
}

func TestTakeFollowsAnAnswer(t *testing.T) {
	t.Parallel()
	d := deal{Status: xs2a.Received, Message: "old", polls: 5}
	d.take(turn{sca: xs2a.ScaReceived, links: xs2a.Links{xs2a.LinkScaStatus: {Href: "https://bank.example/v1/consents/c/authorisations/a1"}}})
	assert.Equal(t, []any{"a1", xs2a.ScaReceived, "", 0}, []any{d.Authorisation, d.Sca, d.Message, d.polls})
	d.take(turn{links: xs2a.Links{xs2a.LinkScaStatus: {Href: "https://bank.example/v1/consents/c"}}})
	assert.Equal(t, []any{"a1", xs2a.ScaReceived}, []any{d.Authorisation, d.Sca}, "what is not said stays")
}
