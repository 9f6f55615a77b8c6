package idp

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

var page = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="{{.Language}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Example identity provider</title></head>
<body>
<main data-page="idp-login">
<h1>Example identity provider</h1>
{{if .Wrong}}<p role="alert">User name or password is wrong.</p>{{end}}
<form method="post" action="{{.Action}}">
<p><label>User name <input name="username" value="{{.Hint}}" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button name="decision" value="login">Log in</button>
<button name="decision" value="cancel" formnovalidate>Cancel</button></p>
</form>
</main>
</body>
</html>
`))

// languageKey names in a session what language the page is asked for in.
const languageKey = "language"

// view is what the page shows.
type view struct {
	Language, Hint, Action string
	Wrong                  bool
}

// policy is how the library authenticates: always by the page.
func (p *Provider) policy() goidc.AuthnPolicy {
	return goidc.NewPolicy("page",
		func(*http.Request, *goidc.Client, *goidc.AuthnSession) bool { return true },
		p.authenticate)
}

// authenticate shows the page, or judges what was typed there.
func (p *Provider) authenticate(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession) (goidc.AuthnStatus, error) {
	if r.PathValue("callback") == "" {
		as.StoreParameter(languageKey, r.FormValue("ui_locales")) // the library does not keep it
		return show(w, as, http.StatusOK)
	}
	if r.PostFormValue("decision") == "cancel" {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the user cancelled")
	}
	user, known := p.options.Users[r.PostFormValue("username")]
	if !known || user.Password != r.PostFormValue("password") {
		return show(w, as, http.StatusUnauthorized)
	}
	acr, at := p.says(strings.Fields(as.ACRValues))
	as.SetUserID(user.Subject)
	as.GrantScopes(as.Scopes)
	as.SetIDTokenClaimACR(goidc.ACR(acr))
	as.SetIDTokenClaimAuthTime(int(at.Unix()))
	for name, value := range user.Claims {
		as.SetIDTokenClaim(name, value)
	}
	p.spoil(as)
	return goidc.StatusSuccess, nil
}

// show writes the page; with 401 it says that the last answer was wrong.
func show(w http.ResponseWriter, as *goidc.AuthnSession, status int) (goidc.AuthnStatus, error) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	language, _ := as.StoredParameter(languageKey).(string)
	err := page.Execute(w, view{
		Language: cmp.Or(language, "en"), Hint: as.LoginHint, Action: "/authorize/" + as.CallbackID, Wrong: status == http.StatusUnauthorized,
	})
	if err != nil {
		return goidc.StatusFailure, errors.New("the page cannot be shown")
	}
	return goidc.StatusInProgress, nil
}
