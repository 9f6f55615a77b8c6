package app

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"consentd/internal/api/aspsp"
	"consentd/internal/api/xs2a"
	"consentd/internal/bankauth"
	"consentd/internal/config"
	"consentd/internal/consent"
	"consentd/internal/jobs"
	"consentd/internal/points"
	"consentd/internal/secret"
	"consentd/internal/service"
	"consentd/internal/service/access"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/funds"
	"consentd/internal/service/ledger"
	"consentd/internal/service/office"
	"consentd/internal/service/payments"
	"consentd/internal/service/register"
	"consentd/internal/service/sca"
	"consentd/internal/service/sessions"
	"consentd/internal/service/staging"
	"consentd/internal/service/tokens"
	"consentd/internal/storage"
	"consentd/internal/tpp"
	flow "consentd/pkg/sca"
)

// bankSystems is everything that consentd asks of the bank.
type bankSystems interface {
	service.Accounts
	service.Owners
	service.Signers
	service.Funds
	service.Books
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
	// reached is told of the points at which a crash must do no harm; nil: nobody is.
	reached func(points.Point)
	// callbacks is where the bank's backend reports what a flow waits for.
	callbacks func() string
	// pages are for how long a session of the customers' pages lasts.
	pages config.Dashboard
	// fourEyes has another person confirm what one of the bank's staff proposes.
	fourEyes bool
}

// core is the use cases.
type core struct {
	consents *consents.Consents
	walks    *sca.Dispatcher
	funds    *funds.Funds
	ledger   *ledger.Ledger
	register *register.Register
	tokens   *tokens.Tokens
	access   *access.Access
	// connections judges access tokens, and forwarder takes consents by them.
	connections *connections.Connections
	forwarder   *consents.Forwarder
	// sessions knows who is logged in to the pages.
	sessions *sessions.Sessions
	staging  *staging.Staging
	payments *payments.Payments
	office   *office.Office
}

func (p parts) core() core {
	to := p.ports()
	walks := &sca.Dispatcher{
		Store: to.runs, Guesses: to.guesses, Identities: to.identities, Accounts: p.bank, Signers: p.bank, Keys: p.keys,
		Flows: to.flows, Serves: p.serves, Policy: p.policy, Callbacks: p.callbacks, Now: p.now, Log: p.log,
	}
	own := &consents.Consents{Store: to.consents, Runs: walks, Keys: p.keys, Policy: p.policy, Now: p.now}
	return core{
		walks:    walks,
		consents: own,
		funds:    &funds.Funds{Store: p.db, Bank: p.bank, Now: p.now},
		ledger:   p.ledger(),
		register: &register.Register{Store: p.db, Now: p.now, Log: p.log},
		tokens:   p.tokens(),
		access:   &access.Access{Store: p.db, Accounts: p.bank, Identities: to.identities, Policy: p.policy, Now: p.now},
		connections: &connections.Connections{
			Bearers: p.db.Bearers(), Identities: to.identities, Signers: p.bank, Policy: p.policy, Now: p.now,
		},
		sessions: &sessions.Sessions{Store: p.db, Runs: walks, Signers: p.bank, Keys: p.keys, Now: p.now, Idle: p.pages.Idle, Lifetime: p.pages.Lifetime},
		staging: &staging.Staging{
			Expire: own.Expire, Store: to.staged, Lists: p.db, Uses: p.db, Identities: to.identities, Sights: p.db, Accounts: p.bank, Owners: p.bank, Signers: p.bank, Policy: p.policy, Now: p.now,
		},
		payments:  &payments.Payments{Store: to.payments, Zone: p.policy.Zone, Now: p.now},
		office:    &office.Office{Store: p.db, Signers: p.bank, Owners: p.bank, FourEyes: p.fourEyes, Zone: p.policy.Zone, Now: p.now, Log: p.log},
		forwarder: &consents.Forwarder{Store: to.forwards, Accounts: p.bank, Identities: to.identities, Policy: p.policy, Now: p.now},
	}
}

// gate is how the bank's own systems ask about reads of account data.
type gate struct {
	// dialect judges what a gateway passes on of a TPP's request, and decides.
	dialect *xs2a.Handler
	// certificates is the header in which a gateway hands on the TPP's certificate.
	certificates string
	// tokens judges the access tokens that a resource server hands on; nil for none.
	tokens aspsp.Tokens
}

// gateOf is the gate of what TPPs call. Whoever may ask is believed which certificate
// the TPP has shown, from whatever address.
func gateOf(o outward, header string, tell func(*tpp.Proxy) tpp.Identifier) gate {
	judge := *o.xs2a
	judge.Callers = tell(&tpp.Proxy{Header: header, From: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}})
	return gate{dialect: &judge, certificates: header, tokens: o.tokens.shown}
}

// aspsp is what the bank's own systems call.
func (p parts) aspsp(c core, callers bankauth.Authenticator, g gate) *aspsp.Handler {
	return &aspsp.Handler{
		Access: g.dialect.Reads, Dialect: g.dialect, Tokens: g.tokens, CertificateHeader: g.certificates, Ledger: c.ledger, FourEyes: p.fourEyes,
		Register: c.register, Consents: &consents.Desk{Archive: p.db, Accounts: p.bank, Owners: p.bank, Signers: p.bank, Now: p.now},
		Authorisations: c.walks, Callbacks: c.walks,
		Gate: &bankauth.Gate{Callers: callers, Ledger: c.ledger, Log: p.log}, Now: p.now, Log: p.log,
	}
}

func (p parts) ledger() *ledger.Ledger {
	return &ledger.Ledger{Store: p.db, Keys: p.keys, Now: p.now, Zone: p.policy.Zone, Log: p.log}
}

func (p parts) tokens() *tokens.Tokens {
	return &tokens.Tokens{Store: p.db, Keys: p.keys, Now: p.now, Memory: time.Second}
}

// runner is the jobs of the program. They look often, since what they find due
// depends on the injected clock; a look that finds nothing is one index probe.
func (c core) runner(db *storage.DB, now service.Clock, log *slog.Logger) *jobs.Runner {
	return &jobs.Runner{Log: log, Jobs: []jobs.Job{
		{Name: "expire consents", Every: 10 * time.Second, Work: c.consents.Expire},
		{Name: "ask waiting flows", Every: time.Second, Work: c.walks.Poll},
		{Name: "end consents of blocked TPPs", Every: 10 * time.Second, Work: c.register.Finish},
		{Name: "settle refusals", Every: time.Minute, Work: c.ledger.Settle},
		{Name: "forget answers", Every: time.Minute, Work: c.ledger.Forget},
		{Name: "forget wrong answers", Every: time.Minute, Work: c.walks.ForgetGuesses},
		{Name: "note when data was shared", Every: 30 * time.Second, Work: func(ctx context.Context, _ int) (int, error) { return 0, c.access.Flush(ctx) }},
		{Name: "do what was confirmed", Every: 10 * time.Second, Work: c.office.Finish},
		{Name: "forget sessions", Every: time.Minute, Work: c.sessions.Forget},
		{Name: "forget tokens", Every: time.Minute, Work: func(ctx context.Context, limit int) (int, error) { return db.ForgetOAuth(ctx, now(), limit) }},
		{Name: "forget counts of accesses", Every: time.Minute, Work: c.access.ForgetCounts},
	}}
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
