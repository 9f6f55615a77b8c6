package demotpp

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const mask = "••••••"

// secretFields are those of OAuth2 forms that open something.
var secretFields = []string{"code", "code_verifier", "refresh_token", "token"}

// withoutSecrets is what is shown of a request's body.
func withoutSecrets(contentType string, body []byte) []byte {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/x-www-form-urlencoded" {
		return masked(body)
	}
	fields := strings.Split(string(body), "&")
	for i, field := range fields {
		if name, _, _ := strings.Cut(field, "="); slices.Contains(secretFields, name) {
			fields[i] = name + "=" + mask
		}
	}
	return []byte(strings.Join(fields, "&"))
}

// withoutToken is what is shown of a request's headers.
func withoutToken(h http.Header) http.Header {
	scheme, _, found := strings.Cut(h.Get("Authorization"), " ")
	if !found {
		return h
	}
	own := h.Clone()
	own.Set("Authorization", scheme+" "+mask)
	return own
}

// withoutTokens is an answer without the tokens that it gives.
func withoutTokens(body []byte) []byte {
	var known struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &known) != nil {
		return body
	}
	return masking(body, "", known.Access, known.Refresh)
}

// masking masks each secret where it stands as a string of JSON, after lead.
func masking(body []byte, lead string, secrets ...string) []byte {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		encoded, err := json.Marshal(secret)
		if err != nil {
			return nil
		}
		body = bytes.ReplaceAll(body, append([]byte(lead), encoded...), []byte(lead+`"`+mask+`"`))
	}
	return body
}

// masked is a body without what a PSU told the TPP in confidence: the rest keeps
// its order and its form.
func masked(body []byte) []byte {
	var known struct {
		PSUData map[string]any `json:"psuData"`
		Answer  string         `json:"scaAuthenticationData"`
		Code    string         `json:"confirmationCode"`
	}
	if json.Unmarshal(body, &known) != nil {
		return body
	}
	secrets := []string{known.Answer, known.Code}
	for _, value := range known.PSUData {
		if text, ok := value.(string); ok {
			secrets = append(secrets, text)
		}
	}
	return masking(body, ":", secrets...)
}
