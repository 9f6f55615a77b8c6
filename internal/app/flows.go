package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"consentd/internal/config"
	"consentd/internal/consent"
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
	if err := strictly(section, &struct{}{}); err != nil {
		return nil, err
	}
	return persona.New(persona.Config{
		Directory: directory{w.bank}, Phone: phone{w.bank}, Release: w.release,
		Store: store, Issuer: w.brand,
		Key: w.key("persona"), Now: w.now,
	})
}

func (w workshop) push(section json.RawMessage, _ flow.Store) (flow.Flow, error) {
	settings := pushSettings{NumberMatching: true}
	if err := strictly(section, &settings); err != nil {
		return nil, err
	}
	return push.New(push.Config{Approvals: app{w.bank}, Key: w.key("push"), NumberMatching: settings.NumberMatching})
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
	if err := strictly(section, &cfg); err != nil {
		return nil, err
	}
	return handoff.New(cfg)
}

// pushSettings is the section of the flow push.
type pushSettings struct {
	NumberMatching bool `json:"numberMatching"` // default true
}

// strictly reads a flow's section, and refuses keys that the flow does not know.
func strictly(section json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(section))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if name, ok := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); ok {
		return fmt.Errorf("%s: no such key", strings.Trim(name, `"`))
	}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && typed.Field != "" {
		return fmt.Errorf("%s: must not be a %s", typed.Field, typed.Value)
	}
	if err != nil {
		return fmt.Errorf("not a section: %w", err)
	}
	return nil
}

// build makes the flows that a configuration names, and wants each approach that
// it offers to be served.
func build(cfg config.SCA, all map[string]flow.Factory, memory func(flow string) flow.Store) (map[string]flow.Flow, error) {
	flows := map[string]flow.Flow{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Flows)) {
		factory, ok := all[name]
		if !ok {
			errs = append(errs, fmt.Errorf("sca.flows.%s: no such flow; there are %s", name, strings.Join(slices.Sorted(maps.Keys(all)), ", ")))
			continue
		}
		f, err := factory(cfg.Flows[name], memory(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("sca.flows.%s: %w", name, err))
			continue
		}
		flows[name] = f
	}
	serves := serving(cfg)
	for _, approach := range cfg.Approaches {
		name := serves[consent.Approach(approach)]
		limited, ok := flows[name].(flow.Limited)
		if ok && !slices.Contains(limited.Approaches(), flow.Approach(approach)) {
			errs = append(errs, fmt.Errorf("sca.%s: the flow %s does not serve this approach", approach, name))
		}
	}
	return flows, errors.Join(errs...)
}
