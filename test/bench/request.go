package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// body asks for the balances and transactions of one account.
const body = `{"access":{"balances":[{"iban":"FR7617515000920400430518020","currency":"EUR"}],` +
	`"transactions":[{"iban":"FR7617515000920400430518020","currency":"EUR"}]},` +
	`"recurringIndicator":true,"validUntil":"9999-12-31","frequencyPerDay":4,"combinedServiceIndicator":false}`

// postConsent is what a TPP sends to create a consent.
func postConsent(ctx context.Context, address, requestID string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/consents", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Accept":                 "application/json",
		"Content-Type":           "application/json",
		"PSU-Accept-Language":    "fr-FR,fr;q=0.9,en;q=0.8",
		"PSU-IP-Address":         "192.0.2.17",
		"PSU-User-Agent":         "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"TPP-Nok-Redirect-URI":   "https://tpp.example/failed?state=6b1a1f0e",
		"TPP-Redirect-Preferred": "true",
		"TPP-Redirect-URI":       "https://tpp.example/back?state=6b1a1f0e",
		"User-Agent":             "tpp/1.0",
		"X-Request-ID":           requestID,
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

// getStatus is what a TPP sends to learn the status of a consent.
func getStatus(ctx context.Context, address, consent, requestID string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/consents/"+consent+"/status", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "tpp/1.0")
	r.Header.Set("X-Request-ID", requestID)
	return r, nil
}

// create posts one consent and returns its id.
func (b *bench) create(ctx context.Context) (string, error) { return create(ctx, b.insecure) }

// create posts one consent to a server and returns its id.
func create(ctx context.Context, s server) (string, error) {
	request, err := postConsent(ctx, s.tpp, uuid.NewString())
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("create a consent: %s\n%s", response.Status, content)
	}
	var created struct{ ConsentID uuid.UUID }
	if err := json.Unmarshal(content, &created); err != nil {
		return "", fmt.Errorf("create a consent: %w\n%s", err, content)
	}
	return created.ConsentID.String(), nil
}

// The files that load.lua reads.
const (
	createFile = "create.http"
	statusFile = "status.http"
)

// placeholder is what load.lua replaces.
const placeholder = "{request-id}"

// writeRequests writes the requests that wrk sends.
func (b *bench) writeRequests(ctx context.Context, ids []string) error {
	post, err := postConsent(ctx, b.insecure.tpp, placeholder)
	if err != nil {
		return err
	}
	gets := make([]*http.Request, len(ids))
	for i, id := range ids {
		if gets[i], err = getStatus(ctx, b.insecure.tpp, id, placeholder); err != nil {
			return err
		}
	}
	return errors.Join(b.writeWire(createFile, post), b.writeWire(statusFile, gets...))
}

// writeWire writes requests as they go over the wire, a zero byte after each.
func (b *bench) writeWire(name string, requests ...*http.Request) error {
	var wire bytes.Buffer
	for _, r := range requests {
		if err := r.Write(&wire); err != nil {
			return err
		}
		wire.WriteByte(0)
	}
	return os.WriteFile(filepath.Join(b.dir, name), wire.Bytes(), 0o600)
}
