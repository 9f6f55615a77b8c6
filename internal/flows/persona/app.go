package persona

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"consentd/pkg/sca"
)

const (
	// period is how long an authenticator app shows a code, and skew how many of
	// these its clock may be off (RFC 6238 §5.2).
	period = 30 * time.Second
	skew   = 1
	// seedSize is what RFC 4226 §4 recommends.
	seedSize = 20
)

// app is an authenticator app of a PSU. SHA-1, six digits and 30 seconds are what
// all of them take; of others many ignore the setting and show wrong codes.
type app struct {
	Seed []byte `json:"seed"`
	Used []use  `json:"used"` // the latest last
}

func seedFor(key []byte, step string) []byte { return derive(key, forSeed, step)[:seedSize] }

func secret(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// stepOf finds the time step whose code was typed, among those that count now.
func stepOf(seed []byte, typed string, now time.Time) (step int64, ok bool, err error) {
	current := now.Unix() / int64(period.Seconds())
	for s := current - skew; s <= current+skew; s++ {
		right, err := shows(seed, s, typed)
		if err != nil {
			return 0, false, err
		}
		if right {
			step, ok = s, true
		}
	}
	return step, ok, nil
}

// shows tells whether an app shows the typed code in a time step.
func shows(seed []byte, step int64, typed string) (bool, error) {
	code, err := totp.GenerateCode(secret(seed), time.Unix(step*int64(period.Seconds()), 0))
	if err != nil {
		return false, errors.New("the key of an authenticator app cannot be used") // the cause may quote it
	}
	return equal(typed, code), nil
}

// take judges a code for a call, and remembers it. Each counts once, but for the
// call that used it, when that is repeated.
func (a *app) take(typed, by string, now time.Time) (verdict, error) {
	for _, u := range a.Used {
		if u.By == by {
			if right, err := shows(a.Seed, u.Mark, typed); err != nil || right {
				return repeated, err
			}
		}
	}
	step, ok, err := stepOf(a.Seed, typed, now)
	if err != nil || !ok {
		return refuse, err
	}
	if slices.ContainsFunc(a.Used, func(u use) bool { return u.Mark == step }) {
		return stale, nil
	}
	a.Used = used(a.Used, use{Mark: step, By: by})
	return accept, nil
}

// askApp asks for the code that the PSU's app shows.
func (f *Flow) askApp(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	described, err := challengeFor("")
	if err != nil {
		return sca.Step{}, err
	}
	s.Stage = stageApp
	return f.prompt(ctx, req, s, sca.Step{
		Fields:    []sca.Field{{Name: FieldCode, Kind: sca.Code}},
		Challenge: described,
		Message:   textsFor(req.Language).App,
	})
}

// judgeApp judges the code of an app that is set up.
func (f *Flow) judgeApp(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	result, there := refuse, false
	err := amend(ctx, f.c.Store, s.PSU, keyApp, func(a *app) (*app, error) {
		if there = a != nil; !there {
			return nil, nil
		}
		var err error
		if result, err = a.take(typed, req.StepKey, f.c.Now()); err != nil || result != accept {
			return nil, err
		}
		return a, nil
	})
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("judge the code of an app: %w", err)
	case !there: // it was taken away meanwhile
		return f.begin(ctx, req, s, false)
	case result == stale:
		return wrong(textsFor(req.Language).Used), nil
	case result == refuse:
		return wrong(""), nil
	default:
		return f.through(ctx, req, s)
	}
}

// setUpApp shows the key of an app that is to be set up.
func (f *Flow) setUpApp(ctx context.Context, req sca.Request, s state) (sca.Step, error) {
	s.Stage, s.Key = stageNewApp, req.StepKey
	seed := seedFor(f.c.Key, s.Key)
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: f.c.Issuer, AccountName: plain(s.Account), Period: uint(period.Seconds()), Secret: seed,
	})
	if err != nil {
		return sca.Step{}, errors.New("make the address of an authenticator app") // the cause may quote it
	}
	return f.prompt(ctx, req, s, sca.Step{
		Fields:  []sca.Field{{Name: FieldCode, Kind: sca.Code}},
		QR:      &sca.QR{Content: key.URL(), Text: inFours(secret(seed))},
		Message: textsFor(req.Language).NewApp,
	})
}

// plain leaves out what an otpauth URI cannot have in a name.
func plain(name string) string { return strings.TrimSpace(strings.ReplaceAll(name, ":", " ")) }

// inFours parts a key into groups that can be typed.
func inFours(key string) string {
	var b strings.Builder
	for i, r := range key {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// judgeNewApp judges the first code of an app, which shows that it has the key,
// and keeps the key.
func (f *Flow) judgeNewApp(ctx context.Context, req sca.Request, s state, typed string) (sca.Step, error) {
	seed, result, other := seedFor(f.c.Key, s.Key), refuse, false
	err := amend(ctx, f.c.Store, s.PSU, keyApp, func(a *app) (*app, error) {
		if a == nil {
			a = &app{Seed: seed}
		}
		if other = !bytes.Equal(a.Seed, seed); other {
			return nil, nil
		}
		var err error
		if result, err = a.take(typed, req.StepKey, f.c.Now()); err != nil || result != accept {
			return nil, err
		}
		return a, nil
	})
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("set up an app: %w", err)
	case other: // another run was first: its app counts
		return f.askApp(ctx, req, s)
	case result == stale:
		return wrong(textsFor(req.Language).Used), nil
	case result == refuse:
		return wrong(""), nil
	default:
		return f.through(ctx, req, s)
	}
}
