package app

import (
	"consentd/internal/points"
	"consentd/internal/service/connections"
	"consentd/internal/service/consents"
	"consentd/internal/service/payments"
	"consentd/internal/service/sca"
	"consentd/internal/service/staging"
	"consentd/internal/storage"
	flow "consentd/pkg/sca"
)

// ports are what the use cases write to and whom they ask.
type ports struct {
	consents   consents.Store
	forwards   consents.Forwards
	runs       sca.Store
	guesses    sca.Guesses
	identities sca.Identities
	staged     staging.Store
	payments   payments.Store
	flows      map[string]flow.Flow
}

// ports are the database and the flows, and report their points where somebody
// wants to know of them.
func (p parts) ports() ports {
	if p.reached == nil {
		return ports{
			consents: p.db, forwards: p.db, runs: p.db, guesses: p.db, identities: p.db, staged: p.db, payments: p.db, flows: p.flows,
		}
	}
	flows := map[string]flow.Flow{}
	for name, f := range p.flows {
		flows[name] = points.Flow(f, p.reached)
	}
	return ports{
		consents: points.Consents(p.db, p.reached), forwards: points.Forwards(p.db, p.reached), runs: points.Runs(p.db, p.reached),
		guesses: points.Guesses(p.db, p.reached), identities: points.Identities(p.db, p.reached),
		staged: points.Staging(p.db, p.reached), payments: points.Payments(p.db, p.reached), flows: flows,
	}
}

// grants is what the OAuth2 server writes to.
func (p parts) grants() connections.Store {
	if p.reached == nil {
		return p.db
	}
	return points.Grants(p.db, p.reached)
}

// memory is where flows keep what they must know of a PSU.
func memory(db *storage.DB, reached func(points.Point)) func(flow string) flow.Store {
	return func(name string) flow.Store {
		if reached == nil {
			return db.FlowStore(name)
		}
		return points.Memory(db.FlowStore(name), reached)
	}
}
