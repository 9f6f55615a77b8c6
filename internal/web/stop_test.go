package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/web"
)

func factor(d *web.Dashboard) { d.Confirm = true }

func TestStoppingAtOnce(t *testing.T) {
	t.Parallel()
	v := open(t)
	path := "/psu/consents/" + v.id.String()
	res := v.submitTo(t, path+"/stop")
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, path+"/receipt?of=ended", location(res))
	require.Equal(t, []uuid.UUID{v.id}, v.boards.stopped)
	require.Equal(t, consent.ByPSU, v.boards.causes[0].By)
	require.Equal(t, v.boards.owner.String(), v.boards.causes[0].Who)
	require.Empty(t, v.logins.confirms, "no second factor")

	receipt := read(t, v.see(location(res)))
	require.Equal(t, "receipt", receipt.attribute("main", "data-page"))
	require.Contains(t, receipt.text, "You ended it with Sandbox Bank.")
	require.Contains(t, receipt.text, "14 May 2026, 15:30", "in the bank's time")

	require.Equal(t, path, location(v.see(path+"/stop")), "there is nothing to stop any more")
}

// TestStoppingWhatHasEnded: somebody else was faster; the page says how it ended.
func TestStoppingWhatHasEnded(t *testing.T) {
	t.Parallel()
	v := open(t)
	path := "/psu/consents/" + v.id.String()
	page := read(t, v.see(path+"/stop"))
	v.boards.own[v.id].Stops = false
	res := v.put(path+"/stop", page.hidden(url.Values{}))
	require.Equal(t, http.StatusSeeOther, res.Code)
	require.Equal(t, path, location(res))
	require.Empty(t, v.boards.stopped)
}

func TestForgedStops(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields  func(url.Values)
		headers []string
		change  func(*visitors)
	}{
		"no token":          {fields: func(f url.Values) { f.Del("csrf") }},
		"a wrong token":     {fields: func(f url.Values) { f.Set("csrf", "AAAA") }},
		"another site":      {headers: []string{"Origin", "https://evil.example"}},
		"a sandboxed frame": {headers: []string{"Origin", "null"}},
		"a token of before": {change: func(v *visitors) {
			v.cookies[sessionName], v.logins.cookie = strings.Repeat("t", 43), strings.Repeat("t", 43)
		}},
		"a token of elsewhere":   {change: func(v *visitors) { v.cookies["consentd-browser"] = strings.Repeat("c", 43) }},
		"no form but plain text": {headers: []string{"Content-Type", "text/plain"}},
	} {
		for _, confirm := range []bool{false, true} {
			v := open(t, func(d *web.Dashboard) { d.Confirm = confirm })
			path := "/psu/consents/" + v.id.String() + "/stop"
			fields := read(t, v.see(path)).hidden(url.Values{})
			if c.fields != nil {
				c.fields(fields)
			}
			if c.change != nil {
				c.change(v)
			}
			res := v.put(path, fields, c.headers...)
			want := http.StatusForbidden
			if strings.Contains(name, "plain") {
				want = http.StatusUnsupportedMediaType
			}
			require.Equal(t, want, res.Code, name)
			read(t, res).wellMade(t)
			require.Empty(t, v.boards.stopped, name)
			require.Empty(t, v.logins.confirms, name)
		}
	}
}

func TestStoppingWithASecondFactor(t *testing.T) {
	t.Parallel()
	v := open(t, factor)
	path := "/psu/consents/" + v.id.String()
	res := v.submitTo(t, path+"/stop")
	require.Equal(t, "/sca/"+handle, location(res))
	require.Empty(t, v.boards.stopped, "not before it is confirmed")
	require.Equal(t, []string{"Stop sharing with Acme Budget (consent " + v.id.String() + ")"}, v.logins.confirms)

	res = v.see("/psu/confirmed/"+handle, "Accept-Language", "ar") // whatever the language is by now
	require.Equal(t, path+"/receipt?of=ended", location(res))
	require.Equal(t, []uuid.UUID{v.id}, v.boards.stopped)
	require.Equal(t, v.logins.confirms, v.logins.confirmed)

	require.Equal(t, http.StatusForbidden, v.see("/psu/confirmed/"+handle).Code, "the browser has forgotten it")
}

// TestConfirmedSomethingElse: what counts is what was confirmed, not what the browser says.
func TestConfirmedSomethingElse(t *testing.T) {
	t.Parallel()
	v := open(t, factor)
	other := uuid.New()
	v.boards.own[other] = sharing(other)
	v.submitTo(t, "/psu/consents/"+v.id.String()+"/stop")
	for _, planted := range []string{other.String() + ".en", "x", "", uuid.NewString() + ".en"} {
		v.cookies["consentd-stop"] = planted
		res := v.see("/psu/confirmed/" + handle)
		require.Contains(t, []int{http.StatusForbidden, http.StatusNotFound}, res.Code)
		read(t, res).wellMade(t)
	}
	v.cookies["consentd-stop"] = v.id.String() + ".en"
	require.Equal(t, http.StatusForbidden, v.see("/psu/confirmed/another").Code)
	require.Empty(t, v.boards.stopped)
}

// TestStoppingALine: what ends with a consent is said first, and confirmed with it.
func TestStoppingALine(t *testing.T) {
	t.Parallel()
	v := open(t, factor)
	const said = "The other permissions that belong together with it, and are still in force, end too."
	path := "/psu/consents/" + v.id.String() + "/stop"
	require.NotContains(t, read(t, v.see(path)).text, said)
	former := uuid.New()
	v.boards.own[v.id].With = []uuid.UUID{former}
	page := read(t, v.see(path))
	require.Contains(t, page.text, said)
	require.Contains(t, page.text, "All else that you have allowed Acme Budget stays as it is.")
	require.NotContains(t, page.text, "Other permissions that you have given")
	v.submitTo(t, path)
	require.Equal(t, []string{"Stop sharing with Acme Budget (consent " + v.id.String() + ", " + former.String()[:8] + "..." + former.String()[32:] + ")"}, v.logins.confirms)
}

// TestConsequencesFirst: what is lost and what stays is said before anything ends.
func TestConsequencesFirst(t *testing.T) {
	t.Parallel()
	for _, confirm := range []bool{false, true} {
		v := open(t, func(d *web.Dashboard) { d.Confirm = confirm })
		page := read(t, v.see("/psu/consents/"+v.id.String()+"/stop"))
		require.Equal(t, "consent-stop", page.attribute("main", "data-page"))
		for _, text := range []string{
			"Stop sharing", "Acme Budget can read nothing of your accounts by this permission any more", "has received already stays there", "Confirm stop sharing", "Go back",
		} {
			require.Contains(t, page.text, text)
		}
		require.Equal(t, confirm, strings.Contains(page.text, "We then ask you to confirm it with one more step."))
		require.Len(t, page.all("button"), 2, "to log out, and the one confirmation")
	}
}
