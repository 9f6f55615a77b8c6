package sca

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	flow "consentd/pkg/sca"
)

// UpdateKind is what a TPP sends in the course of an authorisation.
type UpdateKind string

// The kinds of update.
const (
	Identification UpdateKind = "identification" // who the PSU is
	Password       UpdateKind = "password"
	Method         UpdateKind = "method" // the chosen method of authentication
	Data           UpdateKind = "data"   // what the PSU answers to the challenge
	Confirmation   UpdateKind = "confirmation"
)

// Update is what a TPP sends for an authorisation (XS2A IG 1.3.x §5.3).
type Update struct {
	Kind  UpdateKind
	Hint  service.Hint // who the PSU is; with Identification and Password
	Value string       // the password, the id of the method, the answer, the code
}

// Target names the authorisation that is meant.
type Target struct{ Consent, Authorisation uuid.UUID }

// Next is what an authorisation waits for from the TPP.
type Next string

// What an authorisation may wait for.
const (
	NextNothing  Next = ""
	NextIdentity Next = "identity"
	NextPassword Next = "password"
	NextMethod   Next = "method"
	NextData     Next = "data"
)

// Standing is where an authorisation stands after an update.
type Standing struct {
	Status    consent.ScaStatus
	Approach  consent.Approach
	Next      Next
	Methods   []flow.Method // to choose from, with NextMethod; the chosen one, with NextData
	Challenge json.RawMessage
	Message   string // the flow's, for the PSU
}

// Tell makes the receipt of the update that leads to a standing. It runs in the
// transaction, perhaps more than once, and may return nil.
type Tell func(Standing) *consent.Receipt

// Update applies what a TPP sends for an authorisation, and tells where it
// stands then. Fails with CodeNotFound and CodeResourceUnknown for what is not
// the caller's, CodeTimeOver, CodeStatusInvalid and CodeNotConfirmable for an
// authorisation that has ended or waits for something else, CodeServiceInvalid
// for what its approach does not take, CodeCredentials, CodeCorporate,
// CodeMethodUnknown, CodeLocked and CodeBlocked for what is wrong with the
// update, CodeForbidden for a PSU who may not sign, CodeResourceUnknown for
// accounts that are not theirs to share, CodeUnavailable when the bank does not
// answer, or while others judge as many answers as are allowed, CodeRepeated when the receipt is there already,
// CodeCertificateBlocked when the bank has shut the TPP out before the consent could become valid.
func (s *Dispatcher) Update(ctx context.Context, call service.Call, at Target, u Update, tell Tell) (Standing, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for range overtakings {
		st, err := s.updateOnce(ctx, call, at, u, tell)
		if !errors.Is(err, errMoved) {
			return st, err
		}
	}
	return Standing{}, consent.E(consent.CodeUnavailable, "the authorisation is being moved on by others")
}

// overtakings is how often an update begins anew because another one, or a
// worker, moved the run on meanwhile. It is then judged by where the run stands,
// so that the same call sent twice at once ends where it would have ended alone.
const overtakings = 5

func (s *Dispatcher) updateOnce(ctx context.Context, call service.Call, at Target, u Update, tell Tell) (Standing, error) {
	w, err := s.target(ctx, call, at)
	if err != nil {
		return Standing{}, err
	}
	a, err := w.c.Authorisation(at.Authorisation)
	if err != nil {
		return Standing{}, err
	}
	if w.c.Status == consent.Expired {
		return Standing{}, consent.E(consent.CodeExpired, "the consent has expired")
	}
	if err := takes(a, u.Kind); err != nil {
		return Standing{}, err
	}
	if !w.c.Status.Pending() {
		return Standing{}, consent.E(consent.CodeStatusInvalid, "the consent is %s", w.c.Status)
	}
	w.tell = tell
	res := s.update(ctx, w, u)
	if consent.CodeOf(res.err) == consent.CodeExpired { // for a page that is so; a TPP can see what became of the consent
		if cause := errors.Unwrap(res.err); consent.CodeOf(cause) == consent.CodeStatusInvalid {
			res.err = cause
		}
	}
	return w.standing(), res.err
}

// target loads the run of an authorisation that is the caller's.
func (s *Dispatcher) target(ctx context.Context, call service.Call, at Target) (*walk, error) {
	c, err := s.Store.Get(ctx, at.Consent)
	if err != nil {
		return nil, err
	}
	if err := call.Owns(c); err != nil {
		return nil, err
	}
	a, err := c.Authorisation(at.Authorisation)
	if err != nil {
		return nil, err
	}
	r, err := s.Store.RunByID(ctx, a.RunID)
	if err != nil {
		return nil, err
	}
	w, err := s.walk(ctx, r, Visitor{})
	if err != nil {
		return nil, err
	}
	w.cause = call.Cause()
	if r.PSU != uuid.Nil {
		w.known(r.PSU)
	}
	return w, nil
}

// takes tells whether an authorisation takes an update now: neither after its
// end nor in another approach.
func takes(a *consent.Authorisation, kind UpdateKind) error {
	direct := kind == Password || kind == Method || kind == Data
	switch {
	case kind == Confirmation && a.Status == consent.ScaFailed:
		return consent.E(consent.CodeNotConfirmable, "the authentication has failed: there is nothing to confirm")
	case a.Status == consent.ScaFailed && a.ChangedAt.Equal(a.Deadline):
		return consent.E(consent.CodeTimeOver, "the time of the authorisation is over")
	case a.Status.Final():
		return consent.E(consent.CodeStatusInvalid, "the authorisation is %s", a.Status)
	case direct && a.Approach != consent.Embedded, kind == Confirmation && a.Approach != consent.Redirect:
		return consent.E(consent.CodeServiceInvalid, "the %s approach takes no such update", a.Approach)
	case kind == Confirmation && a.Status != consent.ScaUnconfirmed, kind == Identification && a.PSU != uuid.Nil:
		return consent.E(consent.CodeStatusInvalid, "the authorisation is %s", a.Status)
	default:
		return nil
	}
}

func (s *Dispatcher) update(ctx context.Context, w *walk, u Update) result {
	switch u.Kind {
	case Identification:
		return s.name(ctx, w, u.Hint)
	case Confirmation:
		return s.confirm(ctx, w, u.Value)
	case Password, Method, Data:
		return s.direct(ctx, w, u)
	default:
		return result{w: w, err: consent.E(consent.CodeServiceInvalid, "no such update")}
	}
}

// name keeps who the TPP says that the PSU is. In the decoupled approach a
// worker goes on from there.
func (s *Dispatcher) name(ctx context.Context, w *walk, hint service.Hint) result {
	former := w.memo.Hint
	hint = service.Hint{
		PSU:       cmp.Or(hint.PSU, former.PSU),
		Corporate: cmp.Or(hint.Corporate, former.Corporate),
		Language:  cmp.Or(hint.Language, former.Language),
	}
	switch {
	case hint.PSU == "":
		return result{w: w, err: consent.At(consent.CodeFormat, "Header.PSU-ID", "is required: the PSU is not known yet")}
	case former.Corporate != "" && says(hint.Corporate, former.Corporate):
		return result{w: w, err: consent.At(consent.CodeCorporate, "Header.PSU-Corporate-ID", "is not the one that was named before")}
	}
	w.memo.Hint, w.language = hint, cmp.Or(hint.Language, w.language)
	psu, corporate := hint.Digests(s.Keys)
	now := s.Now()
	if w.approach() == consent.Decoupled {
		w.foretell = func() string { return s.announce(w.run, hint) }
	}
	return s.change(ctx, w, func(r *consent.Run, c *consent.Consent, sealed []byte) error {
		a, err := c.Authorisation(r.Authorisation)
		if err != nil {
			return err
		}
		to := consent.ScaPSUIdentified
		if a.Approach == consent.Redirect {
			to = a.Status // it is the page that identifies
		}
		if a.PSU == uuid.Nil && a.Named == psu && a.Corporate == corporate && a.Status == to {
			return nil // said before: whoever is at work on it need not begin again
		}
		begins := a.Approach == consent.Decoupled && a.Status == consent.ScaReceived
		if err := c.Name(a.ID, psu, corporate, to, now); err != nil {
			return err
		}
		if a.Approach == consent.Redirect {
			r.Memo = sealed // the page that the PSU looks at stays the current one
			return nil
		}
		poll := r.PollAt
		r.Step(r.Stage, sealed)
		if r.PollAt = poll; begins {
			r.PollAt = now
		}
		return nil
	})
}

// direct hands the flow what the TPP collected from the PSU.
func (s *Dispatcher) direct(ctx context.Context, w *walk, u Update) result {
	if u.Kind == Password && (w.run.Stage == consent.StageAccounts || w.run.Stage == consent.StageReview) {
		return s.again(ctx, w, u)
	}
	tell := w.tell
	w.tell = nil
	res := s.prepare(ctx, w, u)
	w.tell = tell
	if res.err != nil {
		return res
	}
	if w.run.Tries >= s.Policy.MaxTries {
		return result{w: w, err: errBusy()}
	}
	a, err := fill(w, u)
	if err != nil {
		return result{w: w, err: err}
	}
	if u.Kind == Password {
		w.memo.Proof = s.proof(w, u)
	}
	res = s.judge(ctx, w, a)
	if res.refused {
		res.err = consent.At(consent.CodeMethodUnknown, "authenticationMethodId", "cannot be had, or not any more")
	}
	return s.proceed(ctx, res)
}

// again goes on where the program stopped after a password had been judged right:
// the same one need not be judged again, and no other one is.
func (s *Dispatcher) again(ctx context.Context, w *walk, u Update) result {
	if says(u.Hint.PSU, w.memo.Hint.PSU) || says(u.Hint.Corporate, w.memo.Hint.Corporate) {
		if res := s.name(ctx, w, u.Hint); res.err != nil {
			return res
		}
	}
	if !hmac.Equal(w.memo.Proof, s.proof(w, u)) {
		return result{w: w, err: consent.E(consent.CodeStatusInvalid, "the PSU has logged in with another password")}
	}
	return s.proceed(ctx, result{w: w})
}

// proof tells a password from others without keeping it.
func (s *Dispatcher) proof(w *walk, u Update) []byte {
	return s.Keys.MAC("password", w.run.ID[:], []byte(u.Value))
}

// prepare brings the run to where it can be answered: to its first prompt, or
// on from where the program stopped.
func (s *Dispatcher) prepare(ctx context.Context, w *walk, u Update) result {
	res := result{w: w}
	if says(u.Hint.PSU, w.memo.Hint.PSU) || says(u.Hint.Corporate, w.memo.Hint.Corporate) {
		if res = s.name(ctx, w, u.Hint); res.err != nil {
			return res
		}
	}
	if w.run.Stage == consent.StageStart {
		if u.Kind != Password {
			return result{w: w, err: consent.E(consent.CodeStatusInvalid, "the authorisation waits for the password of the PSU")}
		}
		if w.memo.Hint.PSU == "" {
			return result{w: w, err: consent.At(consent.CodeFormat, "Header.PSU-ID", "is required: the PSU is not known yet")}
		}
		step, err := s.ask(ctx, w, flow.Input{})
		if err != nil {
			return result{w: w, err: err}
		}
		res = s.apply(ctx, w, step)
	}
	return s.proceed(ctx, res)
}

// says reports whether a hint says anything that was not known.
func says(hint, known string) bool {
	return hint != "" && service.Plain(hint) != service.Plain(known)
}

// fill puts an update into the fields that the flow asks for.
func fill(w *walk, u Update) (Answer, error) {
	st := w.standing()
	want := map[UpdateKind]Next{Password: NextPassword, Method: NextMethod, Data: NextData}[u.Kind]
	if st.Next != want {
		return Answer{}, consent.E(consent.CodeStatusInvalid, "the authorisation is %s and waits for something else", st.Status)
	}
	if u.Kind == Method {
		if !slices.ContainsFunc(st.Methods, func(m flow.Method) bool { return m.ID == u.Value }) {
			return Answer{}, consent.At(consent.CodeMethodUnknown, "authenticationMethodId", "is none of the PSU's methods")
		}
		return Answer{Method: u.Value}, nil
	}
	a := Answer{Fields: map[string]string{}}
	for _, f := range w.memo.Step.Fields {
		a.Fields[f.Name] = u.Value
		if f.Kind == flow.Text {
			a.Fields[f.Name] = w.memo.Hint.PSU
		}
	}
	return a, nil
}

// proceed goes on where nobody is asked: without a page of ours the PSU has read
// what they agree to elsewhere, with the TPP or in the bank's app.
func (s *Dispatcher) proceed(ctx context.Context, res result) result {
	for res.err == nil && !res.wrong {
		switch res.w.run.Stage {
		case consent.StageAccounts:
			res = s.pick(ctx, res.w, Answer{Accounts: chosen(res.w.memo)})
			if res.wrong {
				res.err = consent.E(consent.CodeForbidden, "the PSU chose no account")
			}
			if consent.CodeOf(res.err) == consent.CodeForbidden { // nobody is there to choose again
				res = s.refuse(ctx, res.w, consent.BySystem, consent.ReasonNotEntitled, res.err)
			}
		case consent.StageReview:
			res = s.approve(ctx, res.w, Answer{Approve: true})
		default:
			return res
		}
	}
	return res
}

// chosen are the offers that the PSU chose outside the browser. What was not
// offered stays as it is, and is refused.
func chosen(m memo) []string {
	var keys []string
	for _, name := range m.Chosen {
		for _, o := range m.Offered {
			if o.Account.ID == name {
				name = o.Key
			}
		}
		keys = append(keys, name)
	}
	return keys
}

// standing says where a walk stands, for the TPP that drives it.
func (w *walk) standing() Standing {
	a, err := w.c.Authorisation(w.run.Authorisation)
	if err != nil {
		return Standing{}
	}
	st := Standing{Status: a.Status, Approach: a.Approach}
	if w.foretell != nil && a.Status == consent.ScaPSUIdentified {
		st.Message = w.foretell()
	}
	switch {
	case a.Status.Final() || a.Approach == consent.Redirect:
	case w.memo.Hint.PSU == "":
		st.Next = NextIdentity
	case a.Approach == consent.Decoupled || w.memo.Step.Outcome == flow.Wait:
	case w.memo.Step.Outcome == flow.Prompt && w.run.Approved:
		st.Next, st.Methods, st.Challenge, st.Message = NextData, w.memo.Step.Methods, w.memo.Step.Challenge, w.memo.Step.Message
		if len(w.memo.Step.Fields) == 0 {
			st.Next = NextMethod
		}
	default:
		st.Next = NextPassword
	}
	return st
}
