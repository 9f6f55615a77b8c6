package bank

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"consentd/internal/service"
)

// Authenticate implements service.Logins.
func (c *Client) Authenticate(ctx context.Context, login, password string) (psu, name string, err error) {
	var answer struct {
		PSU  string `json:"psu"`
		Name string `json:"name"`
	}
	body := map[string]string{"login": login, "password": password}
	err = c.post(ctx, body, &answer, "psu-authentications")
	switch {
	case errors.Is(err, errCredentials):
		return "", "", service.ErrWrongCredentials
	case errors.Is(err, errRefused):
		return "", "", service.ErrBlocked
	case err != nil:
		return "", "", err
	case answer.PSU == "":
		return "", "", fmt.Errorf("bank POST psu-authentications: %w: nobody", ErrNoAnswer)
	}
	return answer.PSU, answer.Name, nil
}

// Methods implements service.Phones.
func (c *Client) Methods(ctx context.Context, psu string) ([]service.Method, error) {
	var answer struct {
		Methods []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
			Name string `json:"name"`
		} `json:"methods"`
	}
	if _, err := c.get(ctx, &answer, "psus", psu, "authentication-methods"); err != nil {
		return nil, err
	}
	list := make([]service.Method, len(answer.Methods))
	for i, m := range answer.Methods {
		if m.ID == "" || m.Type == "" {
			return nil, fmt.Errorf("bank GET authentication-methods: %w: a method without id or type", ErrNoAnswer)
		}
		list[i] = service.Method(m)
	}
	return list, nil
}

// SendCode implements service.Phones.
func (c *Client) SendCode(ctx context.Context, m service.CodeMessage) (string, error) {
	var answer struct {
		To string `json:"to"`
	}
	body := map[string]string{"psu": m.PSU, "key": m.Key, "code": m.Code, "text": m.Text, "language": m.Language}
	if m.Method != "" {
		body["method"] = m.Method
	}
	err := c.post(ctx, body, &answer, "one-time-codes")
	if errors.Is(err, errRefused) {
		return "", service.ErrRefused
	}
	return answer.To, err
}

// Customers implements service.Signers.
func (c *Client) Customers(ctx context.Context, psu string) ([]service.Customer, error) {
	var answer struct {
		Customers []struct {
			Customer       string `json:"customer"`
			Name           string `json:"name"`
			OrganisationID string `json:"organisationId"`
		} `json:"customers"`
	}
	switch _, err := c.get(ctx, &answer, "psus", psu, "customers"); {
	case errors.Is(err, ErrUnknown):
		return nil, fmt.Errorf("%w: %w", service.ErrUnknownPSU, err)
	case err != nil:
		return nil, err
	}
	list := make([]service.Customer, len(answer.Customers))
	for i, x := range answer.Customers {
		list[i] = service.Customer{ID: x.Customer, Name: x.Name, OrganisationID: x.OrganisationID}
	}
	return list, nil
}

// Owners implements service.Owners. An account that is known and nobody's would leave
// consents out of sight; that is taken for no answer.
func (c *Client) Owners(ctx context.Context, account string) ([]string, error) {
	var answer struct {
		Owners []string `json:"owners"`
	}
	_, err := c.get(ctx, &answer, "accounts", account, "owners")
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, nil
	case err != nil:
		return nil, err
	case len(answer.Owners) == 0 || slices.Contains(answer.Owners, ""):
		return nil, fmt.Errorf("bank GET owners: %w: no owner", ErrNoAnswer)
	}
	return answer.Owners, nil
}

// Signers implements service.Signers. A bank that names none would make every
// consent valid unsigned; that is taken for no answer.
func (c *Client) Signers(ctx context.Context, customer string) ([]string, error) {
	var answer struct {
		Signers []string `json:"signers"`
	}
	if _, err := c.get(ctx, &answer, "customers", customer, "signers"); err != nil {
		return nil, err
	}
	if len(answer.Signers) == 0 {
		return nil, fmt.Errorf("bank GET signers: %w: no signer", ErrNoAnswer)
	}
	return answer.Signers, nil
}
