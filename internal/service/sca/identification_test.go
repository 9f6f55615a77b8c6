package sca_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/sca"
)

func identify(psu string) sca.Update {
	return sca.Update{Kind: sca.Identification, Hint: service.Hint{PSU: psu}}
}

// fault asserts a code and where the fault lies.
func fault(t *testing.T, err error, code consent.Code, path string) {
	t.Helper()
	e, ok := errors.AsType[*consent.Error](err)
	require.True(t, ok, err)
	require.Equal(t, []any{code, path}, []any{e.Code, e.Path})
}

// TestIdentification names the PSU in each approach, again, and as somebody else.
func TestIdentification(t *testing.T) {
	for approach, x := range map[consent.Approach]struct {
		status consent.ScaStatus
		before sca.Next
		after  sca.Next
	}{
		consent.Redirect:  {consent.ScaReceived, sca.NextNothing, sca.NextNothing},
		consent.Embedded:  {consent.ScaPSUIdentified, sca.NextIdentity, sca.NextPassword},
		consent.Decoupled: {consent.ScaPSUIdentified, sca.NextIdentity, sca.NextNothing},
	} {
		t.Run(string(approach), func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(approach, dedicated("DE00ANNA"), service.Hint{Language: "de"})
				for range 2 {
					st := b.puts(id, started, identify("anna"))
					require.Equal(t, sca.Standing{Status: x.status, Approach: approach, Next: x.after}, st)
				}
				_, err := b.put(id, started, identify("enzo"))
				fault(t, err, consent.CodeCredentials, "Header.PSU-ID")
				require.Equal(t, []any{consent.Received, x.status}, b.states(id))
				require.NotContains(t, string(named(b.get(id))), "anna", "a digest")
			})
		})
	}
}

func named(c *consent.Consent) []byte { return c.Authorisations[0].Named[:] }

// TestIdentificationShowsOnThePage tells the PSU's own page who the TPP says that
// they are.
func TestIdentificationShowsOnThePage(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(offered(), service.Hint{Language: "de"})
		b.puts(id, started, identify("anna"))
		v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageLogin, v, err)
		require.Equal(t, []any{"anna", "de"}, []any{v.Hint, v.Language})
		b.puts(id, started, identify("anna"))
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Step: v.Step, Fields: map[string]string{"password": "anna"}})
		b.page(sca.PageAccounts, v, err) // the page that was answered is still the current one
	})
}

// login is an answer to the form with both of its fields.
func login(name, word string) sca.Answer {
	return sca.Answer{Fields: map[string]string{"psuId": name, "password": word}}
}

// TestIdentificationWhileABrowserWalks names the PSU, as the TPP may until they
// have logged in: the page that they look at stays, and so does their answer.
func TestIdentificationWhileABrowserWalks(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00ANNA"), service.Hint{})
		v, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		b.page(sca.PageLogin, v, err)
		b.puts(id, started, identify("anna"))
		answer := login("anna", "sandbox")
		answer.Step = v.Step
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), answer)
		b.page(sca.PageConsent, v, err)

		for _, psu := range []string{"anna", "enzo"} {
			_, err = b.put(id, started, identify(psu))
			require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), "the PSU has logged in")
		}
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), sca.Answer{Approve: true, Step: v.Step})
		b.page(sca.PageFactor, v, err)
		_, err = b.put(id, started, identify("anna"))
		require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err))
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), word("right"))
		b.page(sca.PageEnded, v, err)
	})
}

// TestIdentificationWhileAPasswordIsJudged names the PSU and their company in the
// midst of the log-in: they log in again, for that company.
func TestIdentificationWhileAPasswordIsJudged(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.create(dedicated("DE00FIRM"), service.Hint{})
		_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
		require.NoError(t, err)
		seen := make(chan *sca.View, 1)
		go func() {
			v, _ := b.walks.Answer(b.ctx, started.Handle, by("browser"), login("ceo", "slowly sandbox"))
			seen <- v
		}()
		<-b.flow.begun
		b.puts(id, started, sca.Update{Kind: sca.Identification, Hint: service.Hint{PSU: "ceo", Corporate: "852126789"}})
		close(b.flow.release)
		v := <-seen
		require.Equal(t, []any{sca.PageLogin, 3}, []any{v.Page, v.TriesLeft}, "no try is used up")
		v, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), login("ceo", "sandbox"))
		b.page(sca.PageConsent, v, err)
		require.Equal(t, "The Firm", v.Customer)
	})
}

// TestWhoSignedCounts lets another signer log in than the one that the TPP named:
// whoever has signed may not begin again, however they are spelt, and the other may.
func TestWhoSignedCounts(t *testing.T) {
	for name, hint := range map[string]service.Hint{
		"another was named": {PSU: "cfo", Corporate: "852126789"},
		"nobody was named":  firm(),
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.create(dedicated("DE00FIRM"), hint)
				_, err := b.walks.Open(b.ctx, started.Handle, by("browser"))
				require.NoError(t, err)
				for _, a := range []sca.Answer{login(" CEO ", "ceo"), {Approve: true}, word("right")} {
					_, err = b.walks.Answer(b.ctx, started.Handle, by("browser"), a)
					require.NoError(t, err)
				}
				require.Equal(t, []any{consent.PartiallyAuthorised, consent.ScaFinalised}, b.states(id))
				for _, who := range []string{"ceo", "Ceo"} {
					_, err = b.consents.StartAuthorisation(b.ctx, caller(), id, consents.Wish{Approach: consent.Redirect, Hint: service.Hint{PSU: who}}, nil)
					require.Equal(t, consent.CodeStatusInvalid, consent.CodeOf(err), who)
				}
				second := b.start(id, service.Hint{PSU: "cfo", Corporate: "852126789"})
				b.authorise(second.Handle, "cfo")
				require.Equal(t, consent.Valid, b.get(id).Status)
			})
		})
	}
}

// TestIdentificationAgainstWhoWasNamed holds the PSU against the consent's.
func TestIdentificationAgainstWhoWasNamed(t *testing.T) {
	for name, x := range map[string]struct {
		made, named service.Hint
		code        consent.Code
		path        string
	}{
		"the PSU of the consent": {service.Hint{PSU: "anna"}, service.Hint{PSU: "anna"}, "", ""},
		"another PSU":            {service.Hint{PSU: "anna"}, service.Hint{PSU: "enzo"}, consent.CodeCredentials, "Header.PSU-ID"},
		"another company":        {firm(), service.Hint{PSU: "ceo", Corporate: "1"}, consent.CodeCorporate, "Header.PSU-Corporate-ID"},
		"a signer of the firm":   {firm(), service.Hint{PSU: "ceo", Corporate: "852126789"}, "", ""},
		"a signer, firm unsaid":  {firm(), service.Hint{PSU: "cfo"}, "", ""},
		"the firm, and nobody":   {firm(), firm(), consent.CodeFormat, "Header.PSU-ID"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(consent.Embedded, dedicated("DE00FIRM"), x.made)
				before := b.states(id)
				st, err := b.put(id, started, sca.Update{Kind: sca.Identification, Hint: x.named})
				if x.code != "" {
					fault(t, err, x.code, x.path)
					require.Equal(t, before, b.states(id))
					return
				}
				require.NoError(t, err)
				require.Equal(t, consent.ScaPSUIdentified, st.Status)
			})
		})
	}
}

// TestCompanyOfAnAuthorisation is named once, whether the consent was made for
// one or not.
func TestCompanyOfAnAuthorisation(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.createBy(consent.Embedded, dedicated("DE00FIRM"), service.Hint{})
		b.puts(id, started, sca.Update{Kind: sca.Identification, Hint: service.Hint{PSU: "ceo", Corporate: "852126789"}})
		_, err := b.put(id, started, sca.Update{Kind: sca.Password, Value: "sandbox", Hint: service.Hint{PSU: "ceo", Corporate: "1"}})
		fault(t, err, consent.CodeCorporate, "Header.PSU-Corporate-ID")
		require.Zero(t, b.flow.judged.Load())
	})
}

// TestUpdatesThatAreNotTaken sends what the authorisation does not wait for.
func TestUpdatesThatAreNotTaken(t *testing.T) {
	direct := []sca.UpdateKind{sca.Password, sca.Method, sca.Data}
	for name, x := range map[string]struct {
		approach consent.Approach
		kinds    []sca.UpdateKind
		code     consent.Code
	}{
		"a password by redirect":      {consent.Redirect, direct, consent.CodeServiceInvalid},
		"a password to the app":       {consent.Decoupled, direct, consent.CodeServiceInvalid},
		"a code to the app":           {consent.Decoupled, []sca.UpdateKind{sca.Confirmation}, consent.CodeServiceInvalid},
		"a code, embedded":            {consent.Embedded, []sca.UpdateKind{sca.Confirmation}, consent.CodeServiceInvalid},
		"too early":                   {consent.Embedded, []sca.UpdateKind{sca.Method, sca.Data}, consent.CodeStatusInvalid},
		"nothing to be confirmed yet": {consent.Redirect, []sca.UpdateKind{sca.Confirmation}, consent.CodeStatusInvalid},
		"what does not exist":         {consent.Redirect, []sca.UpdateKind{"poem"}, consent.CodeServiceInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(x.approach, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
				before := b.states(id)
				for _, kind := range x.kinds {
					_, err := b.put(id, started, sca.Update{Kind: kind, Value: "sandbox"})
					require.Equal(t, x.code, consent.CodeOf(err), "%s: %v", kind, err)
				}
				require.Equal(t, before, b.states(id))
				require.Zero(t, b.flow.judged.Load())
			})
		})
	}
}

// TestUpdatesAfterTheEnd are told what has happened.
func TestUpdatesAfterTheEnd(t *testing.T) {
	for name, x := range map[string]struct {
		end  func(b *bundle, id uuid.UUID)
		code consent.Code
	}{
		"the TPP ended it": {func(b *bundle, id uuid.UUID) {
			require.NoError(b.t, b.consents.Terminate(b.ctx, caller(), id, nil))
		}, consent.CodeStatusInvalid},
		"its time is over": {func(b *bundle, _ uuid.UUID) { b.advance(15 * time.Minute) }, consent.CodeTimeOver},
		"long ago": {func(b *bundle, _ uuid.UUID) {
			b.advance(48 * time.Hour)
			_, err := b.consents.Expire(b.ctx, 9)
			require.NoError(b.t, err)
		}, consent.CodeTimeOver},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bundle) {
				id, started := b.createBy(consent.Embedded, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
				x.end(b, id)
				for _, u := range []sca.Update{identify("anna"), password("sandbox"), {Kind: sca.Method}, {Kind: sca.Data}} {
					_, err := b.put(id, started, u)
					require.Equal(t, x.code, consent.CodeOf(err), err)
				}
				_, err := b.put(id, started, sca.Update{Kind: sca.Confirmation})
				require.Equal(t, consent.CodeNotConfirmable, consent.CodeOf(err))
			})
		})
	}
}

// TestUpdatesOfAnExpiredConsent says so, whatever became of its authorisation.
func TestUpdatesOfAnExpiredConsent(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		var started *consents.Started
		c, err := b.consents.Create(b.ctx, caller(), consent.Draft{
			Access: dedicated("DE00ANNA"), FrequencyPerDay: 1, ValidUntil: consent.DateOf(begin, time.UTC), RedirectURI: "https://tpp.example/ok",
		}, consents.Wish{Approach: consent.Embedded, Hint: service.Hint{PSU: "anna"}}, func(_ *consent.Consent, s *consents.Started) *consent.Receipt {
			started = s
			return nil
		})
		require.NoError(t, err)
		b.advance(12 * time.Hour)
		for _, u := range []sca.Update{identify("anna"), password("sandbox"), {Kind: sca.Confirmation}} {
			_, err := b.put(c.ID, started, u)
			require.Equal(t, consent.CodeExpired, consent.CodeOf(err), err)
		}
		require.Zero(t, b.flow.judged.Load())
	})
}

// TestUpdatesOfOthers tells nothing of what is not the caller's.
func TestUpdatesOfOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bundle) {
		id, started := b.createBy(consent.Embedded, dedicated("DE00ANNA"), service.Hint{PSU: "anna"})
		stranger, otherKind := caller(), caller()
		stranger.TPP, otherKind.Kind = "B", consent.FundsConfirmation
		at := sca.Target{Consent: id, Authorisation: started.Authorisation}
		for name, call := range map[string]service.Call{"another TPP": stranger, "another kind": otherKind} {
			_, err := b.walks.Update(b.ctx, call, at, password("sandbox"), nil)
			require.Equal(t, consent.CodeNotFound, consent.CodeOf(err), name)
		}
		_, err := b.walks.Update(b.ctx, caller(), sca.Target{Consent: uuid.New(), Authorisation: at.Authorisation}, password("sandbox"), nil)
		require.Equal(t, consent.CodeNotFound, consent.CodeOf(err))
		_, err = b.walks.Update(b.ctx, caller(), sca.Target{Consent: id, Authorisation: uuid.New()}, password("sandbox"), nil)
		require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(err))
		other, _ := b.create(offered(), service.Hint{})
		_, err = b.walks.Update(b.ctx, caller(), sca.Target{Consent: other, Authorisation: at.Authorisation}, password("sandbox"), nil)
		require.Equal(t, consent.CodeResourceUnknown, consent.CodeOf(err), "of another consent")
		require.Zero(t, b.flow.judged.Load())
	})
}
