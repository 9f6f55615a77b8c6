package connections

import (
	"context"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Request is an authorization request under way: who asks for what, until a code was
// brought for it.
type Request struct {
	ID       string
	Callback consent.Digest // of the name by which the browser comes back; zero once it has
	Code     consent.Digest // of the authorization code; zero before there is one
	Sealed   []byte         // the rest, which is the library's
	Expires  time.Time
}

// Pair is an access token and, where there is one, the refresh token for it.
type Pair struct {
	ID      string
	Consent uuid.UUID // the grant: a connection, or the consent of scope AIS:<consentId>
	TPP     string
	PSU     uuid.UUID // in whose name the TPP calls
	Scopes  string    // granted, separated by blanks
	Active  string    // those of them that the access token has
	// Access, Refresh and Code are digests of what the TPP holds; Code of the
	// authorization code by which they were issued. Zero for none.
	Access, Refresh, Code consent.Digest
	AccessUntil           time.Time
	IssuedAt              time.Time
	Certificate           string // thumbprint that the tokens are bound to (RFC 8705 §3.1); empty for none
	Sealed                []byte // the rest, which is the library's
	Version               int    // grows with every change
}

// Judge tells whether tokens may rest on a grant. kin are the live consents of the
// rail stet that the same PSU has given to the same TPP for the same customer, the
// grant aside: connections, and what was forwarded, which judge may renew. A grant of
// another rail has none. A judge may run more than once; its error is returned as it is.
type Judge func(grant *consent.Consent, kin []*consent.Consent) error

// Store is what the use cases need of storage. Implementations pass storagetest.
type Store interface {
	// SaveRequest writes a request, new or changed.
	SaveRequest(ctx context.Context, r Request) error
	// RequestByCallback and RequestByCode read one. Fail with CodeNotFound.
	RequestByCallback(ctx context.Context, callback consent.Digest) (*Request, error)
	RequestByCode(ctx context.Context, code consent.Digest) (*Request, error)
	// TakeRequest removes a request. Fails with CodeNotFound for one that somebody
	// else has taken.
	TakeRequest(ctx context.Context, id string) error
	// Issue writes a new pair and takes the request of its code, if it has one, in a
	// transaction that holds the locks of its grant and of the kin. Fails with what
	// judge says, and then everything is as it was; with CodeNotFound without the
	// grant, and with CodeUsed where the request is gone, or a pair was issued for the
	// code before: of several who bring one code, one gets tokens.
	Issue(ctx context.Context, p Pair, judge Judge) error
	// Exchange writes new tokens of a pair in the place of those that it had, unless it
	// has another version by now: then it fails with CodeStale.
	Exchange(ctx context.Context, p Pair) error
	// PairByAccess and PairByRefresh read the pair of a token, with its grant as
	// stored, without accounts and authorisations. Fail with CodeNotFound.
	PairByAccess(ctx context.Context, access consent.Digest) (*Pair, *consent.Consent, error)
	PairByRefresh(ctx context.Context, refresh consent.Digest) (*Pair, *consent.Consent, error)
	// PairByCode is the same for the code by which a pair was issued.
	PairByCode(ctx context.Context, code consent.Digest) (*Pair, *consent.Consent, error)
	// EndPair removes a pair, and with it its grant where that is a connection, which
	// end changes; nil grants no change. One transaction; what rests on the connection
	// ends with it. A pair that is gone is no error.
	EndPair(ctx context.Context, id string, end func(connection *consent.Consent) error) error
	// ForgetOAuth removes at most limit requests that are over at now, and pairs whose
	// grants have ended before that, and returns how many it was.
	ForgetOAuth(ctx context.Context, now time.Time, limit int) (int, error)
}

// Bearers is what judging a call by its token needs: the hot path. Implementations
// pass storagetest.
type Bearers interface {
	// Bearer reads by one statement what a call with an access token rests on. Fails
	// with CodeNotFound.
	Bearer(ctx context.Context, access consent.Digest) (*Bearer, error)
	// Standing reads what a TPP has forwarded for a PSU of a customer last.
	Standing(ctx context.Context, h Holder) (Standing, error)
	// Renew has renew change, in one transaction that holds its locks and those of all
	// that may end with it, what a TPP has forwarded last for a PSU of a customer; where
	// that is nothing, it is not called. It may run more than once.
	Renew(ctx context.Context, h Holder, renew func(forwarded *consent.Consent)) error
}

// Holder is whose forwarded consent it is: one at a time.
type Holder struct {
	TPP           string
	Customer, PSU uuid.UUID
}

// Standing is what was forwarded last.
type Standing struct {
	Consent uuid.UUID // the current one, which may have ended since; zero for none
	// After says that a token of the bank's own OAuth2 server opens nothing unless it
	// was issued later; zero for any.
	After time.Time
	// SCA is when the PSU was authenticated on whom Consent rests, as long as that is
	// valid; zero otherwise. Bearer leaves it out: tokens of ours renew with their issue.
	SCA time.Time
}

// Bearer is who holds a token, and what it is good for.
type Bearer struct {
	Pair  Pair             // without Sealed
	Grant *consent.Consent // as stored, without accounts and authorisations
	// PSU and Customer are the bank's ids.
	PSU, Customer string
	// Standing is what was forwarded for this PSU by the TPP; zero for grants of
	// another dialect than STET.
	Standing Standing
	// Shut says that the bank has blocked the TPP.
	Shut bool
}
