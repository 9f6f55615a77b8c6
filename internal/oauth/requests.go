package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"consentd/internal/consent"
	"consentd/internal/explain"
	"consentd/internal/secret"
	"consentd/internal/service/connections"
)

// never is when what we have judged expires for the library.
const never = math.MaxInt

// requests keeps authorization requests for the library. Its session is sealed, but
// for the name by which the browser comes back, and the code: these are kept as
// digests, and put back by whoever brings them.
type requests struct{ x *exchange }

var _ goidc.AuthnSessionManager = requests{}

// sealedRequest and sealedPair are for what the sessions are sealed.
func sealedRequest(id string) string { return "oauth request " + id }

func sealedPair(id string) string { return "oauth pair " + id }

// Save implements goidc.AuthnSessionManager.
func (q requests) Save(ctx context.Context, as *goidc.AuthnSession) error {
	x := q.x
	r := connections.Request{ID: as.ID, Expires: x.now.Add(x.Policy.AuthorisationWindow)}
	if as.AuthCode != "" {
		r.Code, r.Expires = secret.Digest(as.AuthCode), x.now.Add(x.codeLifetime())
	} else {
		r.Callback = secret.Digest(as.CallbackID)
	}
	bare := *as
	bare.CallbackID, bare.AuthCode = "", ""
	raw, err := json.Marshal(&bare)
	if err != nil {
		return x.failed(fmt.Errorf("encode an authorization request: %w", err))
	}
	r.Sealed = x.Keys.Seal(sealedRequest(r.ID), raw)
	return x.failed(x.Store.SaveRequest(ctx, r))
}

// open is the session of a request that is alive. Fails with CodeNotFound.
func (q requests) open(r *connections.Request) (*goidc.AuthnSession, error) {
	if !q.x.now.Before(r.Expires) {
		return nil, consent.E(consent.CodeNotFound, "the request has expired")
	}
	raw, err := q.x.Keys.Open(sealedRequest(r.ID), r.Sealed)
	if err != nil {
		return nil, q.x.failed(fmt.Errorf("open an authorization request: %w", err))
	}
	as := &goidc.AuthnSession{}
	if err := json.Unmarshal(raw, as); err != nil {
		return nil, q.x.failed(fmt.Errorf("decode an authorization request: %w", err))
	}
	as.ExpiresAtTimestamp = never
	return as, nil
}

// SessionByCallbackID implements goidc.AuthnSessionManager. Whose request it is
// stands there: only now can it be told whether they are blocked.
func (q requests) SessionByCallbackID(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	r, err := q.x.Store.RequestByCallback(ctx, secret.Digest(id))
	if err != nil {
		return nil, q.x.failed(err)
	}
	as, err := q.open(r)
	if err != nil {
		return nil, err
	}
	as.CallbackID = id
	if q.x.client, err = q.x.known(ctx, as.ClientID); err != nil {
		return nil, q.x.failed(err)
	}
	return as, nil
}

// SessionByAuthCode implements goidc.AuthnSessionManager.
func (q requests) SessionByAuthCode(ctx context.Context, code string) (*goidc.AuthnSession, error) {
	q.x.code = code
	r, err := q.x.Store.RequestByCode(ctx, secret.Digest(code))
	if err != nil {
		return nil, q.x.failed(err)
	}
	as, err := q.open(r)
	if err != nil {
		return nil, err
	}
	if as.ClientID != q.x.client.ID { // whoever else brings it learns nothing, and spoils nothing
		return nil, errNoRequest()
	}
	as.AuthCode = code
	q.x.asked = stored(as.Storage, keyGrant)
	return as, nil
}

// Delete implements goidc.AuthnSessionManager. The request of a code is taken in the
// transaction that issues its tokens, or by burn. That a refused one is gone is as it
// should be.
func (q requests) Delete(ctx context.Context, id string) error {
	if q.x.code != "" {
		q.x.taken = id
		return nil
	}
	return q.x.failed(q.x.take(ctx, id))
}

// take removes a request; somebody else may have done so.
func (x *exchange) take(ctx context.Context, id string) error {
	err := x.Store.TakeRequest(ctx, id)
	if consent.CodeOf(err) == consent.CodeNotFound {
		return nil
	}
	return err
}

// burning is how long taking a code may last whose caller has left.
const burning = 5 * time.Second

// burn takes a code for which there were no tokens by the caller's own fault: whoever
// has not all that belongs to it gets no second guess. Where the fault is ours the
// code stays as it is, for another try.
func (x *exchange) burn(ctx context.Context) error {
	if x.taken == "" || x.trouble != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), burning)
	defer cancel()
	explain.Note(ctx, "oauth2: the code is used up by this")
	if err := x.take(ctx, x.taken); err != nil {
		return err
	}
	return x.drop(ctx)
}

// drop ends the connection for which there will be no tokens any more; a consent of
// scope AIS:<consentId> stays the TPP's to end.
func (x *exchange) drop(ctx context.Context) error {
	id, err := uuid.Parse(x.asked)
	if err != nil {
		return fmt.Errorf("grant of a request: %w", err)
	}
	err = x.Consents.Terminate(ctx, callOf(x.client, x.caller, connections.ScopeAISP), id, nil)
	if consent.CodeOf(err) == consent.CodeNotFound { // no connection
		return nil
	}
	return err
}

// SessionByPushedAuthReqID implements goidc.AuthnSessionManager: nothing is pushed.
func (requests) SessionByPushedAuthReqID(context.Context, string) (*goidc.AuthnSession, error) {
	return nil, errNoRequest()
}

// SessionByCIBAAuthID implements goidc.AuthnSessionManager: nobody is asked without
// a browser.
func (requests) SessionByCIBAAuthID(context.Context, string) (*goidc.AuthnSession, error) {
	return nil, errNoRequest()
}

func errNoRequest() error { return consent.E(consent.CodeNotFound, "no such request") }
