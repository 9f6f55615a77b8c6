package persona_test

import (
	"encoding/base32"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/flows/persona"
	"consentd/pkg/sca"
)

// bundle is a run that stands at the step that a test is about.
type bundle struct {
	bank *bank
	flow *persona.Flow
	req  sca.Request
	step sca.Step
	seq  int
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return begin(t, newBank(), "run")
}

// begin starts a run on a page, at a bank that others may share.
func begin(t testing.TB, b *bank, run string) *bundle {
	t.Helper()
	s := &bundle{bank: b, flow: flowFor(t, b), req: sca.Request{
		RunID: run, StepKey: run + "/0", Summary: "Demo TPP", Language: "en", Paged: true, ReturnURL: origin + "/sca/return",
	}}
	var err error
	s.step, err = s.flow.Start(t.Context(), s.req)
	require.NoError(t, err)
	return s
}

// send makes the next call; a refused answer leaves the run where it is.
func (s *bundle) send(t testing.TB, in sca.Input) sca.Step {
	t.Helper()
	s.seq++
	s.req.StepKey = fmt.Sprintf("%s/%d", s.req.RunID, s.seq)
	step, err := s.flow.Continue(t.Context(), s.req, s.step.State, in)
	require.NoError(t, err)
	if !step.Wrong {
		s.step = step
	}
	return step
}

// toCode brings the run to where the code is asked for.
func (s *bundle) toCode(t testing.TB) *bundle {
	t.Helper()
	s.send(t, login("lea", "sandbox"))
	s.send(t, sca.Input{Kind: sca.Approved})
	return s
}

// known brings the run of a PSU with these methods to where they have logged in.
func known(t testing.TB, methods []sca.Method) *bundle {
	t.Helper()
	b := newBank()
	b.methods = methods
	s := begin(t, b, "run")
	s.send(t, login("lea", "sandbox"))
	return s
}

// at brings a run to the page of a method.
func at(t testing.TB, b *bank, run, choice string) *bundle {
	t.Helper()
	s := begin(t, b, run)
	s.toCode(t)
	s.send(t, method(choice))
	return s
}

// owning is a bank whose PSU has all methods, and has set one up.
func owning(t testing.TB, choice string) *bank {
	t.Helper()
	b := newBank()
	b.methods = allMethods()
	walk(t, b, choice)
	return b
}

func secretOf(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}
