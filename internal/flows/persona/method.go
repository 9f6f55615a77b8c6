package persona

import (
	"context"
	"fmt"
	"slices"

	"consentd/pkg/sca"
)

// kind is a sort of method by what the flow does for it.
type kind string

// The kinds of method: the types of those that the flow keeps itself. All others
// are the bank's, which brings a code to the PSU by them.
const (
	byPhone   kind = ""
	byApp     kind = "TOTP"
	byPasskey kind = "PASSKEY"
)

// noneSent is a type of code that nobody sends.
const noneSent = "CHIP_OTP"

func kindOf(m sca.Method) kind {
	switch k := kind(m.Type); k {
	case byApp, byPasskey:
		return k
	default:
		return byPhone
	}
}

// offer lets the PSU choose how to authenticate. Where there is no choice, it
// begins at once.
func (f *Flow) offer(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	all, err := f.c.Phone.Methods(ctx, s.PSU)
	if err != nil {
		return refused("list methods", err)
	}
	if len(all) == 0 { // the bank names none, and brings codes all the same
		return f.send(ctx, req, s, textsFor(req.Language).Sent)
	}
	if s.Methods, err = f.usable(ctx, req, s.PSU, all); err != nil {
		return sca.Step{}, err
	}
	switch len(s.Methods) {
	case 0:
		return none(req), nil
	case 1:
		s.Method = s.Methods[0].ID
		return f.begin(ctx, req, s, false)
	default:
		s.Stage = stageMethod
		return s.in(sca.Step{Outcome: sca.Prompt, Methods: s.Methods})
	}
}

// usable are those of a PSU's methods that can be used in this run: a passkey only
// where a browser of this origin is, and what is not set up only on a page and
// beside a way to protect the setting up.
func (f *Flow) usable(ctx context.Context, req sca.Request, psu string, all []sca.Method) ([]sca.Method, error) {
	var list []sca.Method
	protected := slices.ContainsFunc(all, func(m sca.Method) bool { return kindOf(m) == byPhone })
	for _, m := range all {
		k := kindOf(m)
		if k == byPasskey && (!req.Paged || !hasParty(req)) {
			continue
		}
		ready, err := f.ready(ctx, req, psu, k)
		if err != nil {
			return nil, err
		}
		if ready || req.Paged && protected {
			m.Name = textsFor(req.Language).name(m)
			list = append(list, m)
		}
	}
	return list, nil
}

// ready tells whether a method needs no setting up.
func (f *Flow) ready(ctx context.Context, req sca.Request, psu string, k kind) (bool, error) {
	switch k {
	case byApp:
		a, err := read[app](ctx, f.c.Store, psu, keyApp)
		return a != nil, err
	case byPasskey:
		keys, err := read[passkeys](ctx, f.c.Store, psu, keyPasskeys)
		return keys.has(partyOf(req).id), err
	default:
		return true, nil
	}
}

// prompt is a page on which the chosen method is used. Once the run may send no
// more codes, only ways that need none are offered beside it, and not a new code.
func (f *Flow) prompt(ctx context.Context, req sca.Request, s state, step sca.Step) (sca.Step, error) {
	step.Outcome, step.Methods = sca.Prompt, s.choice(req.Paged)
	if s.Sent < maxCodes || !req.Paged {
		return s.in(step)
	}
	others, err := f.codeless(ctx, req, s)
	switch {
	case err != nil:
		return sca.Step{}, err
	case len(others) == 0 || len(step.Methods) == 0:
		step.Methods = nil
	default:
		// The first is the one in use, which pages offer as a new code unless its
		// type says that none is sent.
		step.Methods = append(step.Methods[:1], others...)
		if s.Stage == stageCode {
			step.Methods[0].Type = noneSent
		}
	}
	return s.in(step)
}

// codeless are the methods besides the one in use that need no code to be sent:
// those of the flow's own that are set up.
func (f *Flow) codeless(ctx context.Context, req sca.Request, s state) ([]sca.Method, error) {
	var list []sca.Method
	for _, m := range s.Methods {
		k := kindOf(m)
		if m.ID == s.Method || k == byPhone {
			continue
		}
		ready, err := f.ready(ctx, req, s.PSU, k)
		if err != nil {
			return nil, fmt.Errorf("look for other methods: %w", err)
		}
		if ready {
			list = append(list, m)
		}
	}
	return list, nil
}

// choose takes the method that the PSU chose, anew or again.
func (f *Flow) choose(ctx context.Context, req sca.Request, s state, id string) (sca.Step, error) {
	i := s.find(id)
	if id == "" || i < 0 || kindOf(s.Methods[i]) == byPasskey && !hasParty(req) {
		return wrong(textsFor(req.Language).Choose), nil
	}
	again := s.Stage == stageCode && s.Method == id
	s.Method = id
	return f.begin(ctx, req, s, again)
}

// begin asks for the chosen factor, and first protects its setting up where it is
// used for the first time. again says that the PSU wants a new code.
func (f *Flow) begin(ctx context.Context, req sca.Request, s state, again bool) (sca.Step, error) {
	k := kindOf(s.chosen())
	ready, err := f.ready(ctx, req, s.PSU, k)
	if err != nil {
		return sca.Step{}, err
	}
	s.First, s.Key, s.Ceremony = byPhone, "", nil
	switch {
	case ready && k == byApp:
		return f.askApp(ctx, req, s)
	case ready && k == byPasskey:
		return f.askPasskey(ctx, req, s, textsFor(req.Language).Key)
	case !ready:
		if s.First = k; !req.Paged || s.way() < 0 { // it was taken away since it was offered
			return none(req), nil
		}
	}
	page := textsFor(req.Language).sent(s.First)
	if again {
		page = textsFor(req.Language).Again
	}
	return f.send(ctx, req, s, page)
}

// none ends a run in which the PSU has no way to authenticate. The consent stays,
// since nobody has said no.
func none(req sca.Request) sca.Step {
	return sca.Step{Outcome: sca.Denied, Blocked: true, Message: textsFor(req.Language).NoMethod}
}
