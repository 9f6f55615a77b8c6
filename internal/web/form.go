package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/service/sca"
)

// The fields that are ours; all others are the flow's.
const (
	fieldCSRF     = "csrf"
	fieldStep     = "step"
	fieldDecision = "decision"
	fieldAccount  = "account"
	fieldMethod   = "method"
)

const maxForm = 16 << 10 // bytes

// readForm reads the fields of a POST. Fails with CodeMediaType, CodeTooLarge
// and CodeFormat.
func readForm(c echo.Context) (url.Values, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return nil, consent.E(consent.CodeMediaType, "not a form")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, consent.E(consent.CodeTooLarge, "a form of more than %d bytes", maxForm)
		}
		// ParseForm quotes what it could not read, which may be a password.
		return nil, consent.E(consent.CodeFormat, "the form cannot be read").Because(fmt.Errorf("%T", err))
	}
	return r.PostForm, nil
}

// answerOf makes the answer of a form.
func answerOf(form url.Values) sca.Answer {
	a := sca.Answer{
		Refuse:   form.Get(fieldDecision) == "reject",
		Approve:  form.Get(fieldDecision) == "approve",
		Device:   form.Get(fieldDecision) == "device",
		Accounts: form[fieldAccount],
		Fields:   map[string]string{},
		Method:   form.Get(fieldMethod),
	}
	if n, err := strconv.Atoi(form.Get(fieldStep)); err == nil && n > 0 {
		a.Step = n
	}
	ours := []string{fieldCSRF, fieldStep, fieldDecision, fieldAccount, fieldMethod}
	for name := range form {
		if !slices.Contains(ours, name) {
			a.Fields[name] = form.Get(name)
		}
	}
	return a
}
