package consent

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// maxAuthorisations bounds how often a consent may be tried, and with it how
// many passwords may be guessed by way of it.
const maxAuthorisations = 20

// Start adds an authorisation. Fails with CodeExpired once the consent's date is
// over, CodeStatusInvalid when it waits for none, or for none of this PSU any
// more, CodeCredentials and CodeCorporate for another PSU and another company
// than the consent was made for, CodeTooOften when it has been tried too often.
func (c *Consent) Start(a Authorisation) error {
	if c.Status == Expired {
		return E(CodeExpired, "the consent has expired")
	}
	if !c.Status.Pending() {
		return E(CodeStatusInvalid, "the consent is %s and takes no further authorisation", c.Status)
	}
	if len(c.Authorisations) >= maxAuthorisations {
		return E(CodeTooOften, "the consent has had %d authorisations and takes no further one", maxAuthorisations)
	}
	if err := c.Access.reachable(a.Approach); err != nil {
		return err
	}
	if err := c.mayStart(a); err != nil {
		return err
	}
	c.Authorisations = append(c.Authorisations, a)
	entries := c.pending.entries
	if n := len(entries); n > 0 && entries[n-1].From == "" && entries[n-1].Authorisation == uuid.Nil {
		entries[n-1].Authorisation = a.ID // made together with the consent: one entry for both
		return nil
	}
	c.record(Entry{At: a.CreatedAt, Authorisation: a.ID, To: string(a.Status)}, "")
	return nil
}

// mayStart holds an authorisation against whom the TPP named before. Before
// anybody has signed, a consent that was made for a PSU is that PSU's, unless it
// was made for a company: then any of its signers may begin.
func (c *Consent) mayStart(a Authorisation) error {
	if a.Corporate != (Digest{}) && c.Corporate != (Digest{}) && a.Corporate != c.Corporate {
		return At(CodeCorporate, "Header.PSU-Corporate-ID", "is not the one that the consent was made for")
	}
	if a.Named == (Digest{}) {
		return nil
	}
	if c.PSU != (Digest{}) && a.Named != c.PSU && c.Corporate == (Digest{}) && c.Status == Received {
		return At(CodeCredentials, "Header.PSU-ID", "is not the one that the consent was made for")
	}
	for _, other := range c.Authorisations {
		if other.Named == a.Named && other.Status.Granted() {
			return E(CodeStatusInvalid, "this PSU has authorised the consent already")
		}
	}
	return nil
}

// Name says who the TPP says that the PSU of an authorisation is. Fails with
// CodeCredentials when it said something else before, with CodeStatusInvalid
// when the PSU has said it themselves, and like Start for another PSU or company
// than the consent was made for.
func (c *Consent) Name(authorisation uuid.UUID, psu, corporate Digest, to ScaStatus, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	if a.Named != (Digest{}) && a.Named != psu {
		return At(CodeCredentials, "Header.PSU-ID", "is not the one that was named before")
	}
	if a.PSU != uuid.Nil {
		return E(CodeStatusInvalid, "the PSU of the authorisation has logged in")
	}
	named := *a
	named.Named, named.Corporate = psu, corporate
	if err := c.mayStart(named); err != nil {
		return err
	}
	*a = named
	return c.step(a, to, "", now)
}

// Identify ties an authorisation to the PSU who logged in to share accounts of
// a customer. Fails with CodeForbidden when another signer has made the consent
// another customer's, or this PSU has authorised it before.
func (c *Consent) Identify(authorisation, psu, customer uuid.UUID, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	if err := c.mayAuthorise(psu, customer); err != nil {
		return err
	}
	a.PSU = psu
	if a.Status == ScaStarted {
		return nil // the bank's app was asking before it was known who answers
	}
	return c.step(a, ScaPSUAuthenticated, "", now)
}

// LoggedInAs keeps by which name the PSU of an authorisation has logged in, in
// place of the one that the TPP gave: whoever signs counts, not who was expected.
func (c *Consent) LoggedInAs(authorisation uuid.UUID, name Digest) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	a.Named = name
	return nil
}

// mayAuthorise tells whether a PSU may authorise the consent for a customer,
// after those who have.
func (c *Consent) mayAuthorise(psu, customer uuid.UUID) error {
	if c.Customer != uuid.Nil && c.Customer != customer {
		return E(CodeForbidden, "the consent belongs to another customer")
	}
	if slices.Contains(c.signed(), psu) {
		return E(CodeForbidden, "this PSU has authorised the consent already")
	}
	return nil
}

// Advance moves an authorisation forward, short of its end. A step that it has
// passed already is no error: steps may be skipped.
func (c *Consent) Advance(authorisation uuid.UUID, to ScaStatus, now time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	return c.step(a, to, "", now)
}

// Extend gives an authorisation until deadline, when its PSU has begun.
func (c *Consent) Extend(authorisation uuid.UUID, deadline time.Time) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	a.Deadline = deadline
	return nil
}

// Agreement is what a PSU has agreed to, and on whose behalf.
type Agreement struct {
	Customer uuid.UUID
	// Grants are the accounts that the PSU was shown and shares; empty for the
	// scopes that are resolved at every decision.
	Grants []Grant
	// Signers are the PSUs who must all agree before the consent is valid.
	Signers []uuid.UUID
	// Exempted says that the bank has let this PSU do without the last factor.
	Exempted bool
	// Terms are what the PSU agrees to where that may be less than was asked for;
	// nil for the terms as they stand.
	Terms *Terms
}

func (a Agreement) status() ScaStatus {
	if a.Exempted {
		return ScaExempted
	}
	return ScaFinalised
}

// Authorise finishes an authorisation: its PSU agrees. Once all signers have
// done so the consent is valid, before that partially authorised. Fails with
// CodeForbidden for a PSU who may not sign, and with CodeStale when the PSU was
// shown other accounts than a former signer has agreed to, or terms that do not
// cover the consent any more.
func (c *Consent) Authorise(authorisation uuid.UUID, agreed Agreement, now time.Time) error {
	if err := c.Check(authorisation, agreed); err != nil {
		return err
	}
	a, err := c.Authorisation(authorisation)
	if err != nil {
		return err
	}
	narrowed := false
	if len(c.signed()) == 0 {
		if narrowed, err = c.narrow(agreed.Terms, now); err != nil {
			return err
		}
		c.Customer, c.Access.Grants = agreed.Customer, agreed.Grants
		if c.Kind == Connection {
			c.GivenBy = a.PSU
		}
	}
	if err := c.step(a, agreed.status(), "", now); err != nil {
		return err
	}
	if narrowed {
		c.markNarrowed(a.ID)
	}
	if !agreed.Exempted {
		c.LastSCA = later(now, c.LastSCA)
	}
	return c.signedBy(agreed.Signers, now)
}

// Check tells whether Authorise would take an agreement as things stand, and
// changes nothing.
func (c *Consent) Check(authorisation uuid.UUID, agreed Agreement) error {
	a, err := c.underway(authorisation)
	if err != nil {
		return err
	}
	if err := c.mayAuthorise(a.PSU, agreed.Customer); err != nil {
		return err
	}
	if !slices.Contains(agreed.Signers, a.PSU) {
		return E(CodeForbidden, "this PSU may not sign for the customer")
	}
	if len(c.signed()) > 0 && !sameGrants(c.Access.Grants, agreed.Grants) {
		return E(CodeStale, "another signer has agreed to other accounts meanwhile")
	}
	return c.agreeTo(agreed.Terms)
}

// signedBy moves the consent to where the signatures bring it. Once it is valid
// nobody else needs to authorise it.
func (c *Consent) signedBy(signers []uuid.UUID, now time.Time) error {
	signed := c.signed()
	to := Valid
	for _, s := range signers {
		if !slices.Contains(signed, s) {
			to = PartiallyAuthorised
		}
	}
	if to == c.Status {
		return nil
	}
	if err := c.moveTo(to, "", "", now); err != nil || to != Valid {
		return err
	}
	return c.failUnfinished(BySystem, now)
}

// failUnfinished ends what has not ended of the authorisations.
func (c *Consent) failUnfinished(by Actor, now time.Time) error {
	for i := range c.Authorisations {
		if a := &c.Authorisations[i]; !a.Status.Final() {
			if err := c.step(a, ScaFailed, by, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fail ends an authorisation without success: tries used up, time over, flow
// broken. The consent stays and may be authorised anew.
func (c *Consent) Fail(authorisation uuid.UUID, now time.Time) error {
	a, err := c.Authorisation(authorisation)
	if err != nil {
		return err
	}
	return c.step(a, ScaFailed, "", now)
}

// Refuse ends an authorisation and with it the consent, which is rejected: the
// PSU or the bank said no, or what it asks for is not the customer's to share.
func (c *Consent) Refuse(authorisation uuid.UUID, by Actor, why Reason, now time.Time) error {
	if _, err := c.underway(authorisation); err != nil {
		return err
	}
	return c.end(Rejected, by, why, now)
}

// step moves an authorisation, in the same way. Where it stands already is no error.
func (c *Consent) step(a *Authorisation, to ScaStatus, by Actor, now time.Time) error {
	from := a.Status
	if err := a.moveTo(to, now); err != nil || from == to {
		return err
	}
	c.record(Entry{At: a.ChangedAt, Authorisation: a.ID, From: string(from), To: string(to)}, by)
	return nil
}

// underway finds an authorisation that has not ended, of a consent that waits for it.
func (c *Consent) underway(id uuid.UUID) (*Authorisation, error) {
	a, err := c.Authorisation(id)
	if err != nil {
		return nil, err
	}
	if a.Status.Final() || !c.Status.Pending() {
		return nil, E(CodeStatusInvalid, "the authorisation is %s, the consent %s", a.Status, c.Status)
	}
	return a, nil
}

// Signatures is how many PSUs have authorised the consent.
func (c *Consent) Signatures() int { return len(c.signed()) }

// signed lists the PSUs who have authorised.
func (c *Consent) signed() []uuid.UUID {
	var psus []uuid.UUID
	for _, a := range c.Authorisations {
		if a.Status.Granted() {
			psus = append(psus, a.PSU)
		}
	}
	return psus
}

// sameGrants reports whether two signers agreed to the same rights on the same
// accounts, in whatever order.
func sameGrants(a, b []Grant) bool {
	rights := map[uuid.UUID]Rights{}
	for _, g := range a {
		rights[g.AccountID] |= g.Rights
	}
	for _, g := range b {
		if r, ok := rights[g.AccountID]; !ok || r != g.Rights {
			return false
		}
	}
	return len(a) == len(b)
}
