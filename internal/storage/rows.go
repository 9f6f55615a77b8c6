package storage

import (
	"github.com/google/uuid"

	"consentd/internal/consent"
)

// consentRow is a consent as it is stored. It is comparable: two equal rows
// need no write.
type consentRow struct {
	ID              uuid.UUID `gorm:"primaryKey"`
	GroupID         uuid.UUID
	Kind            string
	Rail            string
	TPP             string `gorm:"column:tpp"`
	TPPName         string `gorm:"column:tpp_name"`
	CustomerID      ref
	Status          string
	StatusChangedAt instant
	EndedBy         word
	EndReason       word
	SuspendReason   word
	ReplacedBy      ref
	Scope           string
	OwnerName       bool
	Rights          int
	Asked           document
	OnlyTypes       document
	Recurring       bool
	FrequencyPerDay int
	ValidUntil      day
	EndsAt          instant
	AuthoriseBy     instant
	DueAt           instant
	RedirectURI     string `gorm:"column:redirect_uri"`
	NokRedirectURI  string `gorm:"column:nok_redirect_uri"`
	Approach        string
	Card            document
	PSUNamed        digest `gorm:"column:psu_named"`
	CorporateNamed  digest
	CreatedAt       instant
	LastSCAAt       instant `gorm:"column:last_sca_at"`
	GivenBy         ref
	ConnectionID    ref
	ByToken         bool
	Version         int
	AuditCount      int
	AuditHead       digest // a MAC, which is as long
	// UpdatedAt is when anything about it changed last; NULL for StatusChangedAt.
	UpdatedAt instant `gorm:"autoUpdateTime:false"` // gorm would write the time of the write
}

// TableName implements gorm's Tabler.
func (consentRow) TableName() string { return "consents" }

// consentChanges are the columns that change after a consent was made.
var consentChanges = [...]string{
	"group_id", "customer_id", "given_by", "connection_id", "status", "status_changed_at", "ended_by", "end_reason", "suspend_reason",
	"recurring", "frequency_per_day", "valid_until", "ends_at",
	"replaced_by", "due_at", "last_sca_at", "version", "audit_count", "audit_head", "updated_at",
}

func consentRowOf(c *consent.Consent) (consentRow, error) {
	asked, err := documentOf(c.Access.Asked)
	if err != nil {
		return consentRow{}, err
	}
	only, err := documentOf(c.Access.Only)
	if err != nil {
		return consentRow{}, err
	}
	card, err := documentOf(c.Card)
	if err != nil {
		return consentRow{}, err
	}
	return consentRow{
		ID: c.ID, GroupID: c.GroupID, Kind: string(c.Kind), Rail: string(c.Rail),
		TPP: c.TPP, TPPName: c.TPPName, CustomerID: ref(c.Customer),
		Status: string(c.Status), StatusChangedAt: instantOf(c.StatusChangedAt),
		EndedBy: word(c.Ending.By), EndReason: word(c.Ending.Reason), ReplacedBy: ref(c.ReplacedBy),
		SuspendReason: word(c.Suspension.Reason),
		Scope:         string(c.Access.Scope), OwnerName: c.Access.OwnerName, Rights: int(c.Access.Rights),
		Asked: asked, OnlyTypes: only,
		Recurring: c.Recurring, FrequencyPerDay: c.FrequencyPerDay,
		ValidUntil: day{c.ValidUntil}, EndsAt: instantOf(c.EndsAt),
		AuthoriseBy: instantOf(c.AuthoriseBy), DueAt: instantOf(c.DueAt()),
		RedirectURI: c.RedirectURI, NokRedirectURI: c.NokRedirectURI,
		Approach: string(c.Approach), Card: card, PSUNamed: digest(c.PSU), CorporateNamed: digest(c.Corporate),
		CreatedAt: instantOf(c.CreatedAt), LastSCAAt: instantOf(c.LastSCA), Version: c.Version,
		GivenBy: ref(c.GivenBy), ConnectionID: ref(c.Connection), ByToken: c.ByToken,
	}, nil
}

func (r *consentRow) domain() (*consent.Consent, error) {
	access := consent.Access{
		Scope: consent.Scope(r.Scope), OwnerName: r.OwnerName,
		Rights: consent.Rights(r.Rights), //nolint:gosec // written from a consent.Rights
	}
	if err := r.Asked.into(&access.Asked); err != nil {
		return nil, err
	}
	if err := r.OnlyTypes.into(&access.Only); err != nil {
		return nil, err
	}
	var card consent.Card
	if err := r.Card.into(&card); err != nil {
		return nil, err
	}
	return &consent.Consent{
		ID: r.ID, GroupID: r.GroupID, Kind: consent.Kind(r.Kind), Rail: consent.Rail(r.Rail),
		TPP: r.TPP, TPPName: r.TPPName, Customer: uuid.UUID(r.CustomerID),
		Status: consent.Status(r.Status), StatusChangedAt: r.StatusChangedAt.Time,
		Ending:     consent.Ending{By: consent.Actor(r.EndedBy), Reason: consent.Reason(r.EndReason)},
		Suspension: consent.Suspension{Reason: consent.Reason(r.SuspendReason)},
		ReplacedBy: uuid.UUID(r.ReplacedBy), Access: access,
		Recurring: r.Recurring, FrequencyPerDay: r.FrequencyPerDay,
		ValidUntil: r.ValidUntil.Date, EndsAt: r.EndsAt.Time, AuthoriseBy: r.AuthoriseBy.Time,
		RedirectURI: r.RedirectURI, NokRedirectURI: r.NokRedirectURI,
		Approach: consent.Approach(r.Approach), Card: card, PSU: consent.Digest(r.PSUNamed), Corporate: consent.Digest(r.CorporateNamed),
		CreatedAt: r.CreatedAt.Time, LastSCA: r.LastSCAAt.Time, Version: r.Version,
		GivenBy: uuid.UUID(r.GivenBy), Connection: uuid.UUID(r.ConnectionID), ByToken: r.ByToken,
	}, nil
}

// authorisationRow is an authorisation as it is stored, comparable as well.
type authorisationRow struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	ConsentID uuid.UUID
	RunID     uuid.UUID
	Status    string
	Approach  string
	PSUID     ref `gorm:"column:psu_id"`
	// Whom the TPP named.
	PSUNamed       digest `gorm:"column:psu_named"`
	CorporateNamed digest
	RedirectURI    string `gorm:"column:redirect_uri"`
	NokRedirectURI string `gorm:"column:nok_redirect_uri"`
	CreatedAt      instant
	ChangedAt      instant
	Deadline       instant
}

// TableName implements gorm's Tabler.
func (authorisationRow) TableName() string { return "authorisations" }

func authorisationRowOf(consentID uuid.UUID, a consent.Authorisation) authorisationRow {
	return authorisationRow{
		ID: a.ID, ConsentID: consentID, RunID: a.RunID, Status: string(a.Status),
		Approach: string(a.Approach), PSUID: ref(a.PSU),
		PSUNamed: digest(a.Named), CorporateNamed: digest(a.Corporate),
		RedirectURI: a.RedirectURI, NokRedirectURI: a.NokRedirectURI, CreatedAt: instantOf(a.CreatedAt),
		ChangedAt: instantOf(a.ChangedAt), Deadline: instantOf(a.Deadline),
	}
}

func (r *authorisationRow) domain() consent.Authorisation {
	return consent.Authorisation{
		ID: r.ID, RunID: r.RunID, Status: consent.ScaStatus(r.Status),
		Approach: consent.Approach(r.Approach), PSU: uuid.UUID(r.PSUID),
		Named: consent.Digest(r.PSUNamed), Corporate: consent.Digest(r.CorporateNamed),
		RedirectURI: r.RedirectURI, NokRedirectURI: r.NokRedirectURI,
		CreatedAt: r.CreatedAt.Time, ChangedAt: r.ChangedAt.Time, Deadline: r.Deadline.Time,
	}
}

// grantRow is one account of a consent.
type grantRow struct {
	ConsentID uuid.UUID `gorm:"primaryKey"`
	AccountID uuid.UUID `gorm:"primaryKey"`
	Position  int
	Rights    int
}

// TableName implements gorm's Tabler.
func (grantRow) TableName() string { return "consent_grants" }

// runRow is a flow run as it is stored.
type runRow struct {
	ID              uuid.UUID `gorm:"primaryKey"`
	Purpose         string
	ConsentID       ref
	AuthorisationID ref
	Flow            string
	Handle          digest
	Browser         digest
	FormerHandle    digest
	FormerBrowser   digest
	Stage           string
	Approved        bool
	Returned        bool
	PSUID           ref `gorm:"column:psu_id"`
	CustomerID      ref
	Seq             int
	Tries           int
	Memo            []byte
	CreatedAt       instant
	OpenBy          instant
	FinishBy        instant
	PollAt          instant
	EndedAt         instant
	Outcome         word
}

// TableName implements gorm's Tabler.
func (runRow) TableName() string { return "flow_runs" }

func runRowOf(r *consent.Run) runRow {
	return runRow{
		ID: r.ID, Purpose: string(r.Purpose), ConsentID: ref(r.Consent), AuthorisationID: ref(r.Authorisation),
		Flow: r.Flow, Handle: digest(r.Handle), Browser: digest(r.Browser), Stage: string(r.Stage),
		FormerHandle: digest(r.FormerHandle), FormerBrowser: digest(r.FormerBrowser),
		Approved: r.Approved, Returned: r.Returned, PSUID: ref(r.PSU), CustomerID: ref(r.Customer),
		Seq: r.Seq, Tries: r.Tries, Memo: r.Memo, CreatedAt: instantOf(r.CreatedAt),
		OpenBy: instantOf(r.OpenBy), FinishBy: instantOf(r.FinishBy), PollAt: instantOf(r.PollAt),
		EndedAt: instantOf(r.EndedAt), Outcome: word(r.Outcome),
	}
}

func (r *runRow) domain() *consent.Run {
	return &consent.Run{
		ID: r.ID, Purpose: consent.Purpose(r.Purpose), Consent: uuid.UUID(r.ConsentID),
		Authorisation: uuid.UUID(r.AuthorisationID), Flow: r.Flow, Handle: consent.Digest(r.Handle),
		Browser: consent.Digest(r.Browser), Stage: consent.Stage(r.Stage), Approved: r.Approved,
		FormerHandle: consent.Digest(r.FormerHandle), FormerBrowser: consent.Digest(r.FormerBrowser),
		Returned: r.Returned, PSU: uuid.UUID(r.PSUID), Customer: uuid.UUID(r.CustomerID),
		Seq: r.Seq, Tries: r.Tries, Memo: r.Memo, CreatedAt: r.CreatedAt.Time, OpenBy: r.OpenBy.Time,
		FinishBy: r.FinishBy.Time, PollAt: r.PollAt.Time, EndedAt: r.EndedAt.Time,
		Outcome: consent.RunOutcome(r.Outcome),
	}
}
