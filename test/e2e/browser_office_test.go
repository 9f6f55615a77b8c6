package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/app"
	"consentd/internal/config"
)

// works logs one of the bank's staff in.
func (b *tab) works(person string) {
	b.t.Helper()
	b.visit(b.base + "/back-office")
	b.press(fmt.Sprintf(`button[value=%q]`, person))
	b.at("office-search", http.StatusOK)
}

// moves pauses, resumes or ends the consent whose page stands.
func (b *tab) moves(verb, reason, note string) {
	b.t.Helper()
	b.tick("#verb-" + verb)
	b.pick("#reason", reason)
	b.write("#note", note)
	b.press(`main form[method="post"] button.primary`)
	b.at("office-confirm", http.StatusOK)
	b.press(`main form[method="post"] button`)
}

// TestBrowserOffice is customer care: MIA looks a customer up and pauses a consent; the
// bank wants four eyes, so that SAM confirms it; ADA may look only.
func TestBrowserOffice(t *testing.T) {
	p := start(t, "postgres", func(o *app.SandboxOptions) {
		o.Configure = func(c *config.Config) { c.BackOffice.FourEyes = true }
	})
	hub := p.hub()
	id, _ := hub.given(p.sharing("", "ReadAccountsBasic", "ReadBalances"))
	pictures, mia := p.gallery("office-", fewViews), p.browse()
	mia.works("mia")
	mia.write("#customer", "omar")
	mia.press(`main form button.primary`)
	mia.at("office-search", http.StatusOK)
	require.Contains(t, mia.where(), "customer="+p.userID("omar"), "no address holds the bank's id")
	pictures.judge(mia, "search")
	mia.visit(mia.base + "/back-office/consents/" + id)
	mia.at("office-consent", http.StatusOK)
	mia.holds("recurring, as often as the TPP asks")
	pictures.judge(mia, "consent")
	mia.moves("suspend", "suspectedFraud", "call 4711")
	require.Equal(t, "Authorized", hub.status(id), "another person has to confirm it")

	sam := p.browse()
	sam.works("sam")
	sam.visit(sam.base + "/back-office/approvals")
	sam.at("office-approvals", http.StatusOK)
	pictures.judge(sam, "approvals")
	sam.press(`button[name="decision"][value="confirm"]`)
	require.Equal(t, "Suspended", hub.status(id))
	require.False(t, p.permitted(id))
	sam.visit(sam.base + "/back-office/consents/" + id)
	sam.holds("call 4711")
	sam.visit(sam.base + "/back-office/bulk")
	pictures.judge(sam, "bulk")

	ada := p.browse()
	ada.works("ada")
	ada.visit(ada.base + "/back-office/consents/" + id)
	ada.at("office-consent", http.StatusOK)
	require.Zero(t, ada.count("#verb-resume"), "she looks only")
	ada.visit(ada.base + "/back-office/bulk")
	ada.at("office-problem", http.StatusForbidden)
	require.NotContains(t, p.log.String(), omarsIBAN)
}

// TestBrowserStories holds every page in every state against what is asked of a page, in
// six languages by turns; who wants pictures gets each on a phone and at a desk.
func TestBrowserStories(t *testing.T) {
	p := start(t, "sqlite")
	b := p.browse()
	galleries := []*gallery{p.gallery("story-", []view{{phone, "light"}}), p.gallery("story-", []view{{desk, "dark"}})}
	b.visit(b.base + "/sandbox/pages")
	stories := ask[[]string](b, `[...document.querySelectorAll('main a')].map(a => a.getAttribute('href').replace(/\?.*/, ''))`)
	require.Greater(t, len(stories), 30)
	for i, story := range stories {
		language := []string{"en", "ar", "de", "fr", "es", "it"}[i%6]
		b.visit(b.base + story + "?lang=" + language)
		b.expect(b.status)
		for j, g := range galleries {
			if j == i/6%2 || g.folder != "" {
				g.judge(b, fmt.Sprintf("%s-%s", story[len("/sandbox/pages/"):], language))
			}
		}
	}
}
