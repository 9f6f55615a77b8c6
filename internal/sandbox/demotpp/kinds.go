package demotpp

import (
	"context"

	"consentd/pkg/client"
	"consentd/pkg/xs2a"
)

// The calls on a deal, of whichever kind it is.

func (l *line) status(ctx context.Context, d deal) (*xs2a.ConsentStatusResponse, error) {
	ask := l.ConsentStatus
	if d.Funds() {
		ask = l.FundsConsentStatus
	}
	got, _, err := ask(ctx, d.ID)
	return got, err
}

func (l *line) scaStatus(ctx context.Context, d deal) (*xs2a.ScaStatusResponse, error) {
	ask := l.AuthorisationStatus
	if d.Funds() {
		ask = l.FundsAuthorisationStatus
	}
	got, _, err := ask(ctx, d.ID, d.Authorisation)
	return got, err
}

func (l *line) start(ctx context.Context, d deal, o client.StartOptions) (turn, error) {
	begin := l.StartAuthorisation
	if d.Funds() {
		begin = l.StartFundsAuthorisation
	}
	got, meta, err := begin(ctx, d.ID, o)
	if err != nil {
		return turn{}, err
	}
	return turn{got.AuthorisationID, got.ScaStatus, got.Links, got.ScaMethods, got.ChosenScaMethod, got.ChallengeData, got.PSUMessage, meta}, nil
}

func (l *line) update(ctx context.Context, d deal, body xs2a.UpdateRequest, psu string) (turn, error) {
	put := l.UpdateAuthorisation
	if d.Funds() {
		put = l.UpdateFundsAuthorisation
	}
	got, meta, err := put(ctx, d.ID, d.Authorisation, body, client.UpdateOptions{
		PSUIPAddress: d.Address, PSUID: psu, PSUCorporateID: d.Corporate, PSULanguage: d.Language,
	})
	if err != nil {
		return turn{}, err
	}
	return turn{"", got.ScaStatus, got.Links, got.ScaMethods, got.ChosenScaMethod, got.ChallengeData, got.PSUMessage, meta}, nil
}

// content reads the consent itself; what it holds is in the exchange.
func (l *line) content(ctx context.Context, d deal) (xs2a.ConsentStatus, error) {
	if d.Funds() {
		got, _, err := l.FundsConsent(ctx, d.ID)
		if err != nil {
			return "", err
		}
		return got.ConsentStatus, nil
	}
	got, _, err := l.Consent(ctx, d.ID)
	if err != nil {
		return "", err
	}
	return got.ConsentStatus, nil
}

func (l *line) authorisations(ctx context.Context, d deal) (int, error) {
	ask := l.Authorisations
	if d.Funds() {
		ask = l.FundsAuthorisations
	}
	got, _, err := ask(ctx, d.ID)
	if err != nil {
		return 0, err
	}
	return len(got.AuthorisationIDs), nil
}

func (l *line) end(ctx context.Context, d deal) error {
	end := l.DeleteConsent
	if d.Funds() {
		end = l.DeleteFundsConsent
	}
	_, err := end(ctx, d.ID)
	return err
}
