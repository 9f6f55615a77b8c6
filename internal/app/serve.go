package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"consentd/internal/api/aspsp"
	"consentd/internal/bank"
	"consentd/internal/bankauth"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/docs"
	"consentd/internal/obs"
	"consentd/internal/points"
	"consentd/internal/secret"
	"consentd/internal/storage"
	"consentd/internal/tpp"
	flow "consentd/pkg/sca"
)

// Now is the program's clock: UTC, in microseconds, as the database keeps them.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// unverified is whom callers are taken for while they are not verified.
func unverified() tpp.TPP { return tpp.TPP{ID: "UNVERIFIED", Name: "Unverified TPP"} }

// Surroundings are what a server finds around it.
type Surroundings struct {
	Env   func(string) string
	Log   io.Writer
	Flows map[string]flow.Factory // those that a bank brings along
	// Reached is told of the points at which a crash must do no harm; nil: nobody is.
	Reached func(points.Point)
}

// FromFile builds the production program that a configuration file describes.
// It fails when the configuration has problems, all of which the error names,
// and when the database schema is behind.
func FromFile(ctx context.Context, path string, around Surroundings) (*App, error) {
	cfg, err := config.Load(path, around.Env)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	log, err := obs.NewLog(around.Log, cfg.Log.Level, cfg.Log.Format)
	if err != nil {
		return nil, err
	}
	a := &App{log: log, grace: cfg.ShutdownGrace}
	if err := a.serve(ctx, cfg, around); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if cfg.Insecure {
		log.WarnContext(ctx, "callers are not verified: every TPP is taken for the same one (insecure: true)")
	}
	for _, f := range a.fronts {
		log.InfoContext(ctx, "listening", "surface", f.name, "address", f.listener.Addr().String())
	}
	return a, nil
}

func (a *App) serve(ctx context.Context, cfg *config.Config, around Surroundings) error {
	keys, err := secret.New([]byte(cfg.MasterKey.Reveal()))
	if err != nil {
		return err
	}
	db, err := OpenDatabase(ctx, cfg, a.log)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, db.Close)
	if err := ready(ctx, db); err != nil {
		return err
	}
	p := parts{
		db: db, keys: keys, policy: policy(cfg), pages: cfg.Dashboard, fourEyes: cfg.BackOffice.FourEyes, now: Now, log: a.log, serves: serving(cfg.SCA), bank: bankOf(cfg), reached: around.Reached,
	}
	p.callbacks = func() string { return cfg.URLs.Bank + aspsp.PathCallbacks }
	all := workshop{bank: p.bank, brand: cfg.Brand, keys: keys, now: Now, env: around.Env}.factories()
	maps.Copy(all, around.Flows)
	if p.flows, err = build(cfg.SCA, all, memory(db, around.Reached)); err != nil {
		return err
	}
	return a.mountServer(ctx, cfg, p)
}

func bankOf(cfg *config.Config) *bank.Client {
	return &bank.Client{BaseURL: cfg.Bank.URL, Token: cfg.Bank.Token.Reveal(), HTTP: &http.Client{Timeout: cfg.Bank.Timeout}}
}

// Check finds what only building the parts of a configuration shows: flows that
// this program does not have, settings that they do not know, and files of
// certificates and keys that are not. It reaches for nothing.
func Check(cfg *config.Config, env func(string) string) error {
	keys, err := secret.New(secret.NewMaster()) // the real one may be among what is wrong
	if err != nil {
		return err
	}
	made := workshop{bank: bankOf(cfg), brand: cmp.Or(cfg.Brand, "Bank"), keys: keys, now: Now, env: env}
	_, err = build(cfg.SCA, made.factories(), memory(&storage.DB{}, nil))
	_, files := loadTrust(cfg, Now)
	_, payments := paymentKeys(cfg.Manager.PaymentKeys.Reveal())
	_, users := usersOf(core{}, cfg.Manager, Now)
	_, people := staffOf(cfg, keys, Now)
	return errors.Join(err, files, checkOutside(cfg.OAuth), payments, users, people)
}

// ownExample stands for the listener of the bank's own systems where TPPs read:
// its address is none of their business.
const ownExample = "https://consentd.bank.internal"

// elsewhere says where the calls are found that TPPs read about, and that their
// listener does not serve.
func elsewhere(cfg *config.Config) map[string]string {
	accounts := cmp.Or(strings.TrimSuffix(cfg.Access.AccountsURL, cfg.XS2A.BasePath+"/v1/accounts"), accountsExample)
	return map[string]string{"aspsp": ownExample, "accounts": accounts}
}

// accountsExample stands for where the bank serves account data, as long as it is
// not said.
const accountsExample = "https://xs2a.bank.example"

// mountServer gives each audience a listener of its own.
func (a *App) mountServer(ctx context.Context, cfg *config.Config, p parts) error {
	trust, err := loadTrust(cfg, p.now)
	if err != nil {
		return err
	}
	core, watch := p.core(), obs.NewObserver(a.log, time.Now)
	a.jobs = core.runner(p.db, p.now, a.log)
	a.jobs.Jobs = append(a.jobs.Jobs, trust.reload(a.log))
	a.atStop(ctx, core.access.Flush)
	o, err := p.outward(core, cfg, trust, decisions{core.access, watch})
	if err != nil {
		return err
	}
	if o.tokens.stop != nil {
		a.atStop(ctx, o.tokens.stop)
	}
	own, err := bankCallers(cfg.BankCallers, core.tokens)
	if err != nil {
		return err
	}
	verifier := trust.verifier(cfg.TPPs, p.now, a.log)
	backOffice := p.aspsp(core, own, gateOf(o, cfg.Access.CertificateHeader, func(gateway *tpp.Proxy) tpp.Identifier {
		return callers(cfg, verifier, gateway, core.register)
	}))
	side, err := p.bankSide(core, o, own, cfg)
	if err != nil {
		return err
	}
	bankFront := newEcho("bank", watch, append(side.dialects(), backOffice)...)
	bankFront.Pre(bankauth.Verify(trust.clients, p.now))
	backOffice.Mount(bankFront)
	side.mountBank(bankFront)
	(&docs.Handler{}).Mount(bankFront)
	opsFront := newEcho("ops", watch)
	mountOps(opsFront, p.db, watch, a.log)
	return errors.Join(
		a.listen(ctx, "tpp", cfg.Listeners.TPP, o.tppFront(cfg, watch, trust), trust.tpp.listen(tls.RequestClientCert)),
		a.listen(ctx, "psu", cfg.Listeners.PSU, o.psuFront(watch, side), trust.psu.listen(tls.NoClientCert)),
		a.listen(ctx, "bank", cfg.Listeners.Bank, bankFront, trust.bank.listen(tls.RequestClientCert)),
		a.listen(ctx, "ops", cfg.Listeners.Ops, opsFront, nil),
	)
}

// OpenDatabase connects to the database of a configuration.
func OpenDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger) (*storage.DB, error) {
	keys, err := secret.New([]byte(cfg.MasterKey.Reveal()))
	if err != nil {
		return nil, err
	}
	return storage.Open(ctx, storage.Options{
		URL: cfg.Database.URL.Reveal(), MaxConnections: cfg.Database.MaxConnections, Keys: keys, Now: Now, Log: log,
	})
}

func policy(cfg *config.Config) consent.Policy {
	return consent.Policy{
		MaxValidityDays:     cfg.Policy.MaxValidityDays,
		MaxFrequencyPerDay:  cfg.Policy.MaxFrequencyPerDay,
		Zone:                cfg.Zone,
		AuthorisationWindow: cfg.Policy.AuthorisationWindow,
		OpenWithin:          cfg.Policy.OpenWithin,
		FinishWithin:        cfg.Policy.FinishWithin,
		MaxTries:            cfg.Policy.MaxTries,
		MaxFailures:         cfg.Policy.MaxFailures,
		LockFor:             cfg.Policy.LockFor,
		MultipleConsents:    cfg.Policy.MultipleConsents,
		ExemptAvailable:     cfg.Policy.ExemptAvailableAccounts,
		PageWalk:            cfg.Access.PageWalk,
		MaxPages:            cfg.Access.MaxPages,
		Confirmation:        cfg.SCA.Confirmation,
		ConnectionDays:      cfg.OAuth.SCAValidityDays,
	}
}
