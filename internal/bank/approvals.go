package bank

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"consentd/internal/service"
)

type approval struct {
	Login          string `json:"login"`
	Key            string `json:"key"`
	Text           string `json:"text"`
	Language       string `json:"language"`
	Number         string `json:"number,omitempty"`
	ChooseAccounts bool   `json:"chooseAccounts,omitempty"`
	CallbackURL    string `json:"callbackUrl,omitempty"`
}

// Ask implements service.Approvals.
func (c *Client) Ask(ctx context.Context, a service.Approval) (id, psu string, err error) {
	var answer struct {
		Approval string `json:"approval"`
		PSU      string `json:"psu"`
	}
	err = c.post(ctx, approval{
		Login: a.Login, Key: a.Key, Text: a.Text, Language: a.Language,
		Number: a.Number, ChooseAccounts: a.Choose, CallbackURL: a.CallbackURL,
	}, &answer, "approvals")
	switch {
	case errors.Is(err, ErrUnknown):
		return "", "", service.ErrUnknownPSU
	case errors.Is(err, errRefused):
		return "", "", service.ErrBlocked
	case err != nil:
		return "", "", err
	case answer.Approval == "" || answer.PSU == "":
		return "", "", fmt.Errorf("bank POST approvals: %w: no request or nobody", ErrNoAnswer)
	}
	return answer.Approval, answer.PSU, nil
}

// Answer implements service.Approvals.
func (c *Client) Answer(ctx context.Context, id string) (service.ApprovalAnswer, error) {
	var answer struct {
		State    service.ApprovalState `json:"state"`
		Accounts []string              `json:"accounts"`
		Number   string                `json:"number"`
	}
	if _, err := c.get(ctx, &answer, "approvals", id, "answer"); err != nil {
		return service.ApprovalAnswer{}, err
	}
	switch answer.State {
	case service.ApprovalWaiting, service.ApprovalApproved, service.ApprovalDenied:
		return service.ApprovalAnswer(answer), nil
	default:
		return service.ApprovalAnswer{}, fmt.Errorf("bank GET answer: %w: no state", ErrNoAnswer)
	}
}

// Withdraw implements service.Approvals. What the bank does not know, or no
// longer, is gone already.
func (c *Client) Withdraw(ctx context.Context, id string) error {
	status, err := c.call(ctx, question{method: http.MethodPost, path: []string{"approvals", id, "withdrawal"}}, nil)
	switch {
	case errors.Is(err, ErrUnknown), err == nil && status == http.StatusNoContent:
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("bank POST withdrawal: %w: status %d", ErrNoAnswer, status)
	}
}
