package staff

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// idle ends a session in which nothing is done; longest ends any.
	idle    = 15 * time.Minute
	longest = 8 * time.Hour

	sessionCookie = "consentd-staff"
	tripCookie    = "consentd-staff-login"
)

// Session is somebody who is logged in, in one browser.
type Session struct {
	Person

	ID    string    `json:"id"` // 256 random bits
	Began time.Time `json:"began"`
	Seen  time.Time `json:"seen"`
	// Notice is what the next page has to say, once; see Tell.
	Notice string `json:"notice,omitempty"`
}

// Who is the session of a request, which counts as something done: the browser gets its
// cookie anew. Fails with ErrNobody.
func (s *Staff) Who(w http.ResponseWriter, r *http.Request) (*Session, error) {
	var found Session
	if err := s.read(r, sessionCookie, &found); err != nil {
		return nil, err
	}
	now := s.cfg.Now()
	if !now.Before(found.Seen.Add(idle)) || !now.Before(found.Began.Add(longest)) {
		s.drop(w, r, sessionCookie)
		return nil, fmt.Errorf("%w any more: the session is over", ErrNobody)
	}
	// The clock may have gone back; the session does not.
	if now.After(found.Seen) {
		found.Seen = now
	}
	carried := found
	carried.Notice = "" // it was for this page
	return &found, s.renew(w, r, carried)
}

// Tell gives the next page of a session something to say, such as what was done by a
// form. It travels in the session's cookie: nobody else can make a page say anything.
func (s *Staff) Tell(w http.ResponseWriter, r *http.Request, session *Session, notice string) error {
	told := *session
	told.Notice = notice
	return s.renew(w, r, told)
}

// renew gives the browser the cookie of a session.
func (s *Staff) renew(w http.ResponseWriter, r *http.Request, session Session) error {
	left := session.Began.Add(longest).Sub(session.Seen)
	return s.keep(w, r, sessionCookie, session, min(idle, left))
}

// Leave logs out.
func (s *Staff) Leave(w http.ResponseWriter, r *http.Request) { s.drop(w, r, sessionCookie) }

// Token is what a form must carry in this session.
func (s *Staff) Token(session *Session) string {
	return base64.RawURLEncoding.EncodeToString(s.cfg.Keys.MAC("staff csrf", []byte(session.ID)))
}

// Genuine tells whether a form was made for this session.
func (s *Staff) Genuine(session *Session, token string) bool { return equal(token, s.Token(session)) }

// name is that of a cookie. Over https the prefix makes browsers refuse it from anyone
// but this very host.
func (s *Staff) name(r *http.Request, cookie string) string {
	if s.cfg.Secure(r) {
		return "__Host-" + cookie
	}
	return cookie
}

// keep has the browser carry a value that it can neither read nor change.
func (s *Staff) keep(w http.ResponseWriter, r *http.Request, cookie string, value any, lasts time.Duration) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write the cookie %s: %w", cookie, err)
	}
	sealed := base64.RawURLEncoding.EncodeToString(s.cfg.Keys.Seal(cookie, plain))
	http.SetCookie(w, s.cookie(r, cookie, sealed, int(lasts/time.Second)))
	return nil
}

// read opens what the browser carries. Fails with ErrNobody.
func (s *Staff) read(r *http.Request, cookie string, into any) error {
	carried, err := r.Cookie(s.name(r, cookie))
	if err != nil {
		return ErrNobody
	}
	sealed, err := base64.RawURLEncoding.DecodeString(carried.Value)
	if err != nil {
		return ErrNobody
	}
	plain, err := s.cfg.Keys.Open(cookie, sealed)
	if err != nil || json.Unmarshal(plain, into) != nil {
		return ErrNobody
	}
	return nil
}

func (s *Staff) drop(w http.ResponseWriter, r *http.Request, cookie string) {
	http.SetCookie(w, s.cookie(r, cookie, "", -1))
}

func (s *Staff) cookie(r *http.Request, name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the connection; all three are set
		Name: s.name(r, name), Value: value, Path: "/", MaxAge: age,
		Secure:   s.cfg.Secure(r), // a browser takes no Secure cookie over plain http, on which the sandbox runs
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // Strict would hide it when the browser comes from the provider
	}
}
