package handoff

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"consentd/pkg/sca"
)

const (
	// pollAfter is long: the bank's backend says when something has happened.
	pollAfter = time.Hour
	// place stands in Config.URL for the handle.
	place = "{handle}"

	fieldPSU    = "psu"
	fieldResult = "result"

	resultAuthorised = "authorised"
	resultRefused    = "refused"
	resultFailed     = "failed"
)

// Config is what the flow needs.
type Config struct {
	// URL is that of the bank's page, https, or http on a loopback address, with
	// {handle} in its path or query where the handle of the walk goes.
	URL string
}

// Flow implements sca.Flow.
type Flow struct{ url string }

var (
	_ sca.Flow    = (*Flow)(nil)
	_ sca.Limited = (*Flow)(nil)
	_ sca.Linked  = (*Flow)(nil)
)

// New makes a Flow. Fails with words for an operator when the URL will not do.
func New(cfg Config) (*Flow, error) {
	if err := check(cfg.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &Flow{url: cfg.URL}, nil
}

// check tells what is wrong with the address of a page.
func check(text string) error {
	_, fragment, _ := strings.Cut(text, "#")
	one, err := url.Parse(strings.ReplaceAll(text, place, "a"))
	if err != nil || !one.IsAbs() {
		return errors.New("must be an absolute URL")
	}
	two, err := url.Parse(strings.ReplaceAll(text, place, "b"))
	switch {
	case err != nil || one.Host == "" || one.Host != two.Host || one.Scheme != two.Scheme || one.User != nil:
		return errors.New("must have a host, without user-info and without " + place)
	case !strings.Contains(text, place):
		return errors.New("must have " + place + " in it")
	case strings.Contains(fragment, place):
		return errors.New("must have " + place + " in its path or query: the fragment, which browsers keep to themselves, does not reach the page's server")
	case !sca.Protected(one):
		return errors.New("must be https; http is for loopback addresses only")
	}
	return nil
}

// Link is the address of the bank's page for the walk that a handle opens.
func (f *Flow) Link(handle string) string {
	return strings.ReplaceAll(f.url, place, handle)
}

// Approaches implements sca.Limited: there must be a browser to hand off.
func (f *Flow) Approaches() []sca.Approach { return []sca.Approach{sca.InRedirect} }

// Start implements sca.Flow.
func (f *Flow) Start(ctx context.Context, req sca.Request) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("start: %w", err)
	}
	return state{Stage: stagePSU}.wait(req)
}

// Continue implements sca.Flow. What the bank says out of turn changes nothing.
func (f *Flow) Continue(ctx context.Context, req sca.Request, raw []byte, in sca.Input) (sca.Step, error) {
	if err := ctx.Err(); err != nil {
		return sca.Step{}, fmt.Errorf("continue: %w", err)
	}
	s, err := parse(raw)
	if err != nil {
		return sca.Step{}, err
	}
	waits := s.Stage != stageReview
	switch {
	case in.Kind == sca.Cancel:
		return sca.Step{Outcome: sca.Denied}, nil
	case in.Kind == sca.Approved && s.Stage == stageReview:
		return state{Stage: stageResult, PSU: s.PSU}.wait(req)
	case in.Kind == sca.Poll && waits:
		return s.wait(req)
	case in.Kind == sca.Callback && waits:
		return s.told(req, in.Fields)
	default:
		return sca.Step{}, fmt.Errorf("hand-off flow: input %q at %q: %w", in.Kind, s.Stage, errors.ErrUnsupported)
	}
}

// told is where it goes on after the bank has said something.
func (s state) told(req sca.Request, fields map[string]string) (sca.Step, error) {
	psu, result := strings.TrimSpace(fields[fieldPSU]), fields[fieldResult]
	switch {
	case result == resultRefused:
		return sca.Step{Outcome: sca.Denied}, nil
	case result == resultFailed:
		return sca.Step{Outcome: sca.Denied, Blocked: true}, nil
	case s.Stage == stagePSU && psu != "" && result == "":
		return state{Stage: stageReview, PSU: psu}.in(sca.Step{Outcome: sca.Identified, PSU: psu})
	case s.Stage == stageResult && result == resultAuthorised && (psu == "" || psu == s.PSU):
		return sca.Step{Outcome: sca.Done, PSU: s.PSU}, nil
	default:
		return s.wait(req)
	}
}
