package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/flows"
	"consentd/internal/flows/handoff"
	"consentd/internal/flows/oidc"
	"consentd/internal/flows/persona"
	"consentd/internal/flows/push"
	"consentd/internal/flows/remote"
	"consentd/internal/secret"
	flow "consentd/pkg/sca"
)

// workshop is what the flows are made of that the program brings along.
type workshop struct {
	bank    bankSystems
	brand   string // the bank's name, as authenticator apps show it
	keys    *secret.Keys
	now     func() time.Time
	release persona.Release     // nil: nobody waits after the right factor
	env     func(string) string // for secrets that a section names
}

// factories are the flows that the program brings along, to which a bank's own
// main may add.
func (w workshop) factories() map[string]flow.Factory {
	return map[string]flow.Factory{
		"persona": w.persona, "push": w.push, "oidc": w.oidc, "remote": w.remote, "handoff": w.handoff,
	}
}

// key is a flow's own.
func (w workshop) key(name string) []byte { return w.keys.MAC("key of the " + name + " flow") }

func (w workshop) persona(section json.RawMessage, store flow.Store) (flow.Flow, error) {
	if err := flows.Read(section, nil); err != nil {
		return nil, err //nolint:wrapcheck // build says whose section it is
	}
	return persona.New(persona.Config{
		Directory: directory{w.bank}, Phone: phone{w.bank}, Release: w.release,
		Store: store, Issuer: w.brand,
		Key: w.key("persona"), Now: w.now,
	})
}

func (w workshop) push(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
	cfg := push.Config{Approvals: app{w.bank}, Key: w.key("push"), NumberMatching: true}
	if err := flows.Read(section, flows.Keys{"numberMatching": &cfg.NumberMatching}); err != nil {
		return nil, err //nolint:wrapcheck // build says whose section it is
	}
	return push.New(cfg)
}

func (w workshop) oidc(section json.RawMessage, store flow.Store) (flow.Flow, error) {
	cfg, err := oidc.Parse(section, w.env)
	if err != nil {
		return nil, err
	}
	cfg.Key, cfg.Store, cfg.Now = w.key("oidc"), store, Now // the provider's time is the true one, also where the sandbox's is turned
	return oidc.New(cfg)
}

func (w workshop) remote(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
	cfg, err := remote.Parse(section, w.env)
	if err != nil {
		return nil, err
	}
	cfg.Now = Now // signatures go by the true time, a sandbox's too
	return remote.New(cfg)
}

func (w workshop) handoff(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
	var cfg handoff.Config
	if err := flows.Read(section, flows.Keys{"url": &cfg.URL}); err != nil {
		return nil, err //nolint:wrapcheck // build says whose section it is
	}
	return handoff.New(cfg)
}

// build makes the flows that a configuration names, and wants each approach that
// it offers to be served.
func build(cfg config.SCA, all map[string]flow.Factory, memory func(flow string) flow.Store) (map[string]flow.Flow, error) {
	made := map[string]flow.Flow{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Flows)) {
		factory, ok := all[name]
		if !ok {
			errs = append(errs, fmt.Errorf("sca.flows.%s: no such flow; there are %s", name, strings.Join(slices.Sorted(maps.Keys(all)), ", ")))
			continue
		}
		f, err := factory(cfg.Flows[name], memory(name))
		if err != nil {
			errs = append(errs, flows.Under("sca.flows."+name, err))
			continue
		}
		made[name] = f
	}
	serves := serving(cfg)
	for _, approach := range cfg.Approaches {
		name := serves[consent.Approach(approach)]
		limited, ok := made[name].(flow.Limited)
		if ok && !slices.Contains(limited.Approaches(), flow.Approach(approach)) {
			errs = append(errs, fmt.Errorf("sca.%s: the flow %s does not serve this approach", approach, name))
		}
	}
	return made, errors.Join(errs...)
}
