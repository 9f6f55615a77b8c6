package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/api/aspsp"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/docs"
	"consentd/internal/oauth"
	"consentd/internal/obs"
	"consentd/internal/parties"
	"consentd/internal/points"
	"consentd/internal/sandbox"
	"consentd/internal/sandbox/faults"
	"consentd/internal/secret"
	"consentd/internal/storage"
	"consentd/pkg/eidas/issue"
)

// SandboxOptions say how to run the sandbox. The zero value is usable.
type SandboxOptions struct {
	Listen string // host:port; default 127.0.0.1:8080
	// TLSListen is host:port of the listener that asks for certificates; empty or
	// off for none.
	TLSListen string
	Data      string // folder that is kept between runs; default a temporary one
	Strict    bool   // require signed requests
	// Approaches are how PSUs are reached: redirect, decoupled, embedded, the
	// first as the fallback; default redirect and decoupled.
	Approaches []string
	// Start is when authorisations begin: auto, explicit, implicit; default auto.
	Start string
	// OAuth is what the Berlin Group dialect does with access tokens: integrated or
	// preStep; default off.
	OAuth string
	// Confirmation asks TPPs for the code that comes back with the browser.
	Confirmation bool
	// Exempt lets one-off consents to the list of accounts do without the last factor.
	Exempt bool
	// Configure changes what else the configuration of a server has, such as the
	// flows; nil for nothing.
	Configure func(*config.Config)
	// BasePath stands before the paths of the XS2A interface, such as /psd2.
	BasePath string
	// PublicURL is where a proxy in front of the sandbox is reached; default what
	// each request says.
	PublicURL string
	// RelativeLinks gives links to the XS2A interface as paths.
	RelativeLinks bool
	// Database overrides the embedded one, as storage.Options.URL; tests run the
	// sandbox on PostgreSQL with it.
	Database string
	// Reached is told of the points at which a crash must do no harm; tests stop
	// the program there.
	Reached func(points.Point)
	// Now is the time from which the sandbox's clock starts; default the real one.
	Now func() time.Time
}

// sandboxBrand is the name of the bank of the personas.
const sandboxBrand = "Sandbox Bank"

// NewSandbox builds the whole program on one listener, or two with TLS, with a
// bank in memory and an embedded database.
func NewSandbox(ctx context.Context, o SandboxOptions, log *slog.Logger) (*App, error) {
	a := &App{log: log, grace: 5 * time.Second}
	if err := a.sandbox(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// ground is what a sandbox stands on: what it keeps, and its clock.
type ground struct {
	db    *storage.DB
	keys  *secret.Keys
	ca    *issue.Authority
	clock *sandbox.Clock
	// payments opens who pays whom.
	payments *parties.Opener
}

func (a *App) sandbox(ctx context.Context, o SandboxOptions) error {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8080"
	}
	if o.Now == nil {
		o.Now = Now
	}
	dir, err := a.dataDir(o.Data)
	if err != nil {
		return err
	}
	keys, err := masterKey(filepath.Join(dir, "master.key"))
	if err != nil {
		return err
	}
	ca, err := authority(dir)
	if err != nil {
		return err
	}
	clock := &sandbox.Clock{Real: o.Now}
	if o.Database == "" {
		path := filepath.Join(dir, "consentd.db")
		if err := private(path); err != nil {
			return err
		}
		o.Database = "sqlite:" + path
	}
	db, err := storage.Open(ctx, storage.Options{URL: o.Database, MaxConnections: 8, Keys: keys, Now: clock.Now, Log: a.log})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, db.Close)
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	payments, err := sandboxPaymentKeys(dir)
	if err != nil {
		return err
	}
	return a.mountSandbox(ctx, o, ground{db: db, keys: keys, ca: ca, clock: clock, payments: payments})
}

func (a *App) mountSandbox(ctx context.Context, o SandboxOptions, g ground) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	bank := &sandbox.Bank{Store: g.db.FlowStore("sandbox"), Now: g.clock.Now, Anchor: g.clock.Real, Zone: cfg.Zone}
	p, err := a.sandboxParts(o, g, cfg, bank)
	if err != nil {
		return err
	}
	tpps, err := a.tppsOf(ctx, g)
	if err != nil {
		return err
	}
	core, watch := p.core(), obs.NewObserver(a.log, time.Now)
	a.jobs = core.runner(p.db, p.now, a.log)
	a.atStop(ctx, core.access.Flush)
	tpps.Clients = core.register
	this := sandboxed{o: o, cfg: cfg, ca: g.ca, tpps: tpps, reads: decisions{core.access, watch}}
	out, behind, err := a.sandboxOutward(p, core, this)
	if err != nil {
		return err
	}
	api := out.xs2a
	backOffice := p.aspsp(core, sandboxBank(), gateOf(out, cfg.Access.CertificateHeader, behind))
	own, err := p.sandboxBankSide(core, out, this, g.payments)
	if err != nil {
		return err
	}
	e := newEcho(plainFront, watch, slices.Concat(out.dialects(), own.dialects(), []dialect{backOffice})...)
	out.mountTPP(e)
	backOffice.Mount(e)
	out.mountPSU(e)
	own.mountBank(e)
	own.mountPSU(e)
	(&docs.Handler{BasePath: o.BasePath, Origin: strings.TrimSuffix(o.PublicURL, "/"), Sandbox: true}).Mount(e)
	mountOps(e, g.db, watch, a.log)
	sb := &sandbox.Sandbox{
		Faults: &faults.Faults{Dialects: []faults.Dialect{api, out.stet, own.manager}, Stop: ctx.Done()}, Tokens: minterOf(p, core, out.tokens.server),
		Bank: bank, Clock: g.clock, Zone: cfg.Zone, TPPs: tpps, Users: users{g.db}, Recent: g.db, Strict: o.Strict, Log: a.log,
		Public: strings.TrimSuffix(o.PublicURL, "/"), Waits: underWay(g.db),
		BasePath: o.BasePath, STETPath: cfg.STET.BasePath, Owns: func(path string) bool { return out.owns(path) || backOffice.Owns(path) || own.manager.Owns(path) }, Watched: oauth.Owns, Base: a.plain, Secure: a.secure,
		HTTP: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: a.dialSandbox}},
	}
	if err := own.sealing(sb, g.payments); err != nil {
		return err
	}
	if err := o.answering(sb); err != nil {
		return err
	}
	sb.Mount(e)
	(&sandbox.Data{Bank: bank, Admission: api, BasePath: o.BasePath, Base: base(o.PublicURL), Log: a.log}).Mount(e)
	sb.DemoTPP(strings.TrimSuffix(o.PublicURL, "/"), a.dialSecure).Mount(e)
	return a.openSandbox(ctx, o, sb, e, g.ca)
}

// sandboxParts are what a sandbox builds differently from a server.
func (a *App) sandboxParts(o SandboxOptions, g ground, cfg *config.Config, bank *sandbox.Bank) (parts, error) {
	made := workshop{bank: bank, brand: sandboxBrand, keys: g.keys, now: g.clock.Now, release: bank, env: os.Getenv}
	flows, err := build(cfg.SCA, made.factories(), memory(g.db, o.Reached))
	if err != nil {
		return parts{}, err
	}
	return parts{
		db: g.db, keys: g.keys, bank: bank, policy: policy(cfg), pages: cfg.Dashboard, fourEyes: cfg.BackOffice.FourEyes,
		now: g.clock.Now, log: a.log, flows: flows, serves: serving(cfg.SCA), reached: o.Reached,
		callbacks: func() string { return a.URL(plainFront) + aspsp.PathCallbacks },
	}, nil
}

// openSandbox binds the listeners, and greets.
func (a *App) openSandbox(ctx context.Context, o SandboxOptions, sb *sandbox.Sandbox, e *echo.Echo, ca *issue.Authority) error {
	if err := a.listen(ctx, plainFront, o.Listen, e, nil); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use; choose another address with --listen 127.0.0.1:8081", o.Listen)
		}
		return err
	}
	if err := a.listenTLS(ctx, o, e, ca); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use; choose another address with --tls-listen 127.0.0.1:8444, or --tls-listen off", o.TLSListen)
		}
		return err
	}
	secure := ""
	if a.Address(secureFront) != "" {
		secure = a.URL(secureFront)
	}
	var err error
	a.greeting, err = sb.Greeting(ctx, a.URL(plainFront), secure)
	return err
}

// answering tells a sandbox by which names it is reached.
func (o SandboxOptions) answering(sb *sandbox.Sandbox) error {
	for _, address := range []string{o.Listen, o.TLSListen} {
		if address == "" || address == off {
			continue
		}
		hosts, everywhere, err := answering(address)
		if err != nil {
			return err
		}
		sb.Hosts, sb.AnyAddress = append(sb.Hosts, hosts...), sb.AnyAddress || everywhere
	}
	if o.PublicURL != "" {
		sb.Hosts = append(sb.Hosts, publicHost(o.PublicURL))
	}
	return nil
}

// config is the configuration of a sandbox: the default one, and what its
// options change.
func (o SandboxOptions) config() (*config.Config, error) {
	cfg := config.Default()
	cfg.OAuth.Server, cfg.STET.Enabled = config.TokensOwn, true
	cfg.SCA.Approaches = []string{string(consent.Redirect), string(consent.Decoupled)}
	if len(o.Approaches) > 0 {
		cfg.SCA.Approaches = o.Approaches
	}
	if o.Start != "" {
		cfg.XS2A.StartAuthorisationMode = o.Start
	}
	cfg.SCA.Confirmation = o.Confirmation
	if o.OAuth != "" {
		cfg.OAuth.XS2A = o.OAuth
	}
	cfg.XS2A.BasePath, cfg.XS2A.RelativeLinks = o.BasePath, o.RelativeLinks
	if o.PublicURL != "" && publicHost(o.PublicURL) == "" {
		return nil, errors.New("the public URL must be like https://sandbox.example, without a path")
	}
	cfg.Policy.ExemptAvailableAccounts = o.Exempt
	if o.Configure != nil {
		o.Configure(cfg)
	}
	return cfg, cfg.CheckSwitches()
}

// publicHost is the host of a public URL, empty where it is none.
func publicHost(public string) string {
	u, err := url.Parse(strings.TrimSuffix(public, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// answering is by which names a sandbox answers besides loopback ones: that of
// its listen address or, where it listens on all addresses, any of them.
func answering(listen string) (hosts []string, anyAddress bool, err error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, false, fmt.Errorf("%q is no address to listen on, which is host:port: %w", listen, err)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		return nil, true, nil
	}
	return []string{strings.ToLower(host)}, false, nil
}

// dialSandbox reaches the sandbox's own listener, whatever address is asked for:
// the demo TPP takes it from the request's Host, which is the caller's word only
// and no reason to call other machines.
func (a *App) dialSandbox(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, a.Address(plainFront))
}

// users names PSUs by the ids under which consents refer to them.
type users struct{ db *storage.DB }

// UserID implements sandbox.Users.
func (u users) UserID(ctx context.Context, psu string) (string, error) {
	id, err := u.db.PSU(ctx, psu)
	return id.String(), err
}

// underWay tells of the key of a message whether the run that it names waits for the
// code in it.
func underWay(db *storage.DB) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, key string) (bool, error) {
		name, _, _ := strings.Cut(key, "/")
		id, err := uuid.Parse(name)
		if err != nil {
			return false, nil //nolint:nilerr // no run of this program's
		}
		run, err := db.RunByID(ctx, id)
		if err == nil {
			return run.Stage == consent.StageFlow, nil
		}
		if consent.CodeOf(err) == consent.CodeNotFound {
			return false, nil // it was cleaned away
		}
		return false, err
	}
}

// dataDir is the folder to keep, or a temporary one that goes with the program.
func (a *App) dataDir(keep string) (string, error) {
	if keep != "" {
		if err := os.MkdirAll(keep, 0o700); err != nil {
			return "", fmt.Errorf("data folder: %w", err)
		}
		return keep, nil
	}
	dir, err := os.MkdirTemp("", "consentd-sandbox-")
	if err != nil {
		return "", fmt.Errorf("temporary data folder: %w", err)
	}
	a.closers = append(a.closers, func() error { return os.RemoveAll(dir) })
	return dir, nil
}

// private makes the database's file where there is none, and lets nobody but
// this user read it and what SQLite keeps beside it. SQLite gives its other
// files the mode of the first.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // a file of our own
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(file, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("database file: %w", err)
		}
	}
	return nil
}

// masterKey reads the sandbox's master key, and makes one the first time.
func masterKey(path string) (*secret.Keys, error) {
	master, err := os.ReadFile(path) //nolint:gosec // a file of our own
	if errors.Is(err, fs.ErrNotExist) {
		master = secret.NewMaster()
		err = os.WriteFile(path, master, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return secret.New(master)
}
