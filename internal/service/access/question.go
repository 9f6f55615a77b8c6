package access

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
)

// Question is one read that a TPP wishes to make.
type Question struct {
	TPP string // who asks, as it is known to consents
	// Rail is the dialect in which the TPP asks; empty where the bank asks of its own,
	// about consents by which the bank itself gives the data.
	Rail      consent.Rail
	Consent   uuid.UUID
	Operation consent.Operation
	Account   string // the bank's id of the account; empty for lists
	// Attended says that the PSU is there: the TPP sent PSU-IP-Address.
	Attended bool
	// Following says that this is a further page of a list that was opened before.
	Following bool
	// List names what is listed, the same for all pages of one list: its query without
	// the page, for instance. Pages of a list that has a name follow no other one.
	List string
	// Quota is what is counted together with the read, where that is more than this
	// consent's: see QuotaOf. Zero: the consent.
	Quota uuid.UUID
	// Token tells for which consent the access token that the call brought was
	// issued, nil for none; nil where it brought no token. It is asked only where the
	// consent takes one, and fails as it is to be answered.
	Token func() (uuid.UUID, error)
}

// about reports whether the question may be about consents that were made in a dialect.
func (q Question) about(rail consent.Rail) bool {
	if q.Rail == "" {
		return rail == consent.RailXS2A || rail == consent.RailManager
	}
	return rail == q.Rail
}

func (q Question) quota() uuid.UUID {
	if q.Quota != uuid.Nil {
		return q.Quota
	}
	return q.Consent
}

// quotas is the name space of QuotaOf.
const quotas = "6d0c0c7e-5f0b-4c7a-9d0e-3b1f6f3f8a51"

// QuotaOf names the quota of a TPP with a customer, whatever consents there are: a
// new one does not begin it anew (STET).
func QuotaOf(rail consent.Rail, tpp string, customer uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(uuid.MustParse(quotas), []byte(string(rail)+"/"+tpp+"/"+customer.String()))
}

// Decision is what may be shown.
type Decision struct {
	Question Question
	Customer string // the bank's id of whose accounts they are
	// Accounts are those that may be shown, with the rights on each that go with it:
	// for one account only that one.
	Accounts []Account
	// OwnerName says that the owner's name may be shown with every account, besides
	// those whose rights say so.
	OwnerName bool
	// Counted says that the read was counted, and Left how many like it remain: today,
	// for a recurring consent.
	Counted bool
	Left    int
}

// Denial is a decision against a read. It is the domain's error for the TPP, with
// a reason for the bank alone.
//
//nolint:errname // a denial is what the bank's interface calls it
type Denial struct {
	Err    error
	Reason string
	// Until is when the same read may be made again; zero where it may not, or that
	// is not known.
	Until time.Time
}

func (d *Denial) Error() string { return d.Err.Error() + " (" + d.Reason + ")" }

func (d *Denial) Unwrap() error { return d.Err }

// RetryAt is when a read that was denied may be made again; zero where that is not known.
func RetryAt(err error) time.Time {
	if d, ok := errors.AsType[*Denial](err); ok {
		return d.Until
	}
	return time.Time{}
}

// ReasonOf is why a read was denied, in words for the bank; empty where the error
// has none.
func ReasonOf(err error) string {
	if d, ok := errors.AsType[*Denial](err); ok {
		return d.Reason
	}
	return ""
}
