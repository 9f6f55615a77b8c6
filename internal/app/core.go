package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"consentd/internal/api/aspsp"
	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/flows/persona"
	"consentd/internal/flows/push"
	"consentd/internal/jobs"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/consents"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/internal/service/tokens"
	"consentd/internal/storage"
	flow "consentd/pkg/sca"
)

// bankSystems is everything that consentd asks of the bank.
type bankSystems interface {
	service.Accounts
	service.Signers
	service.Funds
	service.Logins
	service.Phones
	service.Approvals
}

// parts are what the two programs, sandbox and server, build differently.
type parts struct {
	db     *storage.DB
	keys   *secret.Keys
	bank   bankSystems
	policy consent.Policy
	now    func() time.Time
	log    *slog.Logger
	flows  map[string]flow.Flow
	serves map[consent.Approach]string // which of them serves an approach
}

// core is the use cases.
type core struct {
	consents *consents.Consents
	walks    *sca.Dispatcher
	funds    *funds.Funds
	ledger   *ledger.Ledger
	register *register.Register
	tokens   *tokens.Tokens
}

func (p parts) core() core {
	walks := &sca.Dispatcher{
		Store: p.db, Identities: p.db, Accounts: p.bank, Signers: p.bank, Keys: p.keys,
		Flows: p.flows, Serves: p.serves, Policy: p.policy, Now: p.now, Log: p.log,
	}
	return core{
		walks:    walks,
		consents: &consents.Consents{Store: p.db, Runs: walks, Keys: p.keys, Policy: p.policy, Now: p.now},
		funds:    &funds.Funds{Store: p.db, Bank: p.bank, Now: p.now},
		ledger:   p.ledger(),
		register: &register.Register{Store: p.db, Now: p.now, Log: p.log},
		tokens:   p.tokens(),
	}
}

// aspsp is what the bank's own systems call.
func (p parts) aspsp(c core, callers bankauth.Authenticator) *aspsp.Handler {
	return &aspsp.Handler{
		Register: c.register, Gate: &bankauth.Gate{Callers: callers, Ledger: c.ledger, Log: p.log}, Now: p.now, Log: p.log,
	}
}

func (p parts) ledger() *ledger.Ledger {
	return &ledger.Ledger{Store: p.db, Keys: p.keys, Now: p.now, Zone: p.policy.Zone, Log: p.log}
}

func (p parts) tokens() *tokens.Tokens {
	return &tokens.Tokens{Store: p.db, Keys: p.keys, Now: p.now}
}

// runner is the jobs of the program. They look often, since what they find due
// depends on the injected clock; a look that finds nothing is one index probe.
func (c core) runner(log *slog.Logger) *jobs.Runner {
	return &jobs.Runner{Log: log, Jobs: []jobs.Job{
		{Name: "expire consents", Every: 10 * time.Second, Work: c.consents.Expire},
		{Name: "ask waiting flows", Every: time.Second, Work: c.walks.Poll},
		{Name: "end consents of blocked TPPs", Every: 10 * time.Second, Work: c.register.Finish},
		{Name: "settle refusals", Every: time.Minute, Work: c.ledger.Settle},
		{Name: "forget answers", Every: time.Minute, Work: c.ledger.Forget},
	}}
}

// factories are the flows that the program brings along, to which a bank's own
// main may add.
func factories(bank bankSystems, keys *secret.Keys, now func() time.Time, release persona.Release) map[string]flow.Factory {
	return map[string]flow.Factory{
		"persona": func(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
			if err := noSettings(section); err != nil {
				return nil, err
			}
			return persona.New(persona.Config{
				Directory: directory{bank}, Phone: phone{bank}, Release: release,
				Key: keys.MAC("key of the persona flow"), Now: now,
			})
		},
		"push": func(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
			if err := noSettings(section); err != nil {
				return nil, err
			}
			return push.New(app{bank})
		},
	}
}

// noSettings refuses settings for a flow that has none.
func noSettings(section json.RawMessage) error {
	var settings map[string]json.RawMessage
	if err := json.Unmarshal(section, &settings); err != nil {
		return fmt.Errorf("not a section: %w", err)
	}
	for key := range settings {
		return fmt.Errorf("%s: no such key", key)
	}
	return nil
}

// build makes the flows that a configuration names.
func build(sections map[string]json.RawMessage, all map[string]flow.Factory, db *storage.DB) (map[string]flow.Flow, error) {
	flows := map[string]flow.Flow{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		factory, ok := all[name]
		if !ok {
			errs = append(errs, fmt.Errorf("sca.flows.%s: no such flow", name))
			continue
		}
		f, err := factory(sections[name], db.FlowStore(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("sca.flows.%s: %w", name, err))
			continue
		}
		flows[name] = f
	}
	return flows, errors.Join(errs...)
}

// ready reports whether the program can serve: the database answers and its
// schema is the one that the program needs.
func ready(ctx context.Context, db *storage.DB) error {
	behind, err := db.Behind(ctx)
	if err != nil {
		return err
	}
	if behind {
		return errBehind
	}
	return nil
}
