package access

import "consentd/internal/consent"

// byToken fails unless the call brought an access token that was issued for this
// consent, where that takes one (OAuth2, scope AIS:<consentId>). Of a consent that is
// used up the token is over as well, and the consent's end says more.
func (r *reading) byToken() error {
	const path = "Header.Authorization"
	if !r.c.ByToken {
		return nil
	}
	if r.q.Token == nil {
		return denied(consent.At(consent.CodeTokenMissing, path, "must bring the access token that was issued for the consent"),
			"the consent is used with an access token, and none came with the question")
	}
	issued, err := r.q.Token()
	switch {
	case r.leftover && consent.CodeOf(err) == consent.CodeTokenInvalid:
		return inForce(r.c)
	case err != nil:
		return err
	case issued != r.c.ID:
		return denied(consent.At(consent.CodeScope, path, "the access token was not issued for this consent"),
			"the access token was issued for another consent, or for none alone")
	}
	return nil
}
