package aspsp

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"consentd/internal/consent"
	"consentd/internal/service/register"
	callers "consentd/internal/tpp"
)

const (
	memberRedirectURIs = "redirectUris"
	memberSeals        = "sealCertificates"
)

// setClient serves PUT /aspsp/v1/tpps/{tppId}/client.
func (h *Handler) setClient(k *call) (any, error) {
	client, faults := readClient(k.body, k.id)
	if err := k.wrong(faults); err != nil {
		return nil, err
	}
	if err := k.checkTPP(); err != nil {
		return nil, err
	}
	t, err := h.Register.SetClient(k.ctx(), k.cause(), k.id, client)
	if err != nil {
		return nil, err
	}
	return tppOf(t), nil
}

// readClient reads what shall be noted of a TPP as a client; what is left out is
// none.
func readClient(body []byte, tppID string) (c register.Client, faults consent.Faults) {
	members, faults := object(body, memberRedirectURIs, memberSeals)
	var wrong, wrongSeals consent.Faults
	if raw, ok := members[memberRedirectURIs]; ok {
		c.RedirectURIs, wrong = stringsOf(memberRedirectURIs, raw, register.MaxRedirectURIs)
	}
	if raw, ok := members[memberSeals]; ok {
		c.Seals, wrongSeals = readSeals(raw, tppID)
	}
	faults = append(append(faults, wrong...), wrongSeals...)
	judged := c
	if len(wrongSeals) > 0 { // those that are left stand in other places
		judged.Seals = nil
	}
	return c, append(faults, judged.Faults()...)
}

// readSeals reads certificates of seals, which must be the TPP's by their own word.
func readSeals(raw json.RawMessage, tppID string) (ders [][]byte, faults consent.Faults) {
	certificates, faults := stringsOf(memberSeals, raw, register.MaxSeals)
	for i, text := range certificates {
		der, owner, err := callers.ReadSeal(text)
		switch e, ok := errors.AsType[*consent.Error](err); {
		case ok:
			faults = append(faults, fault(element(memberSeals, i), e.Text))
		case owner != tppID:
			faults = append(faults, fault(element(memberSeals, i), "must be a certificate of this TPP"))
		}
		ders = append(ders, der)
	}
	return ders, faults
}

// stringsOf reads a list of at most so many strings.
func stringsOf(path string, raw json.RawMessage, limit int) ([]string, consent.Faults) {
	var list []*string
	if json.Unmarshal(raw, &list) != nil || list == nil || len(list) > limit || slices.Contains(list, nil) {
		return nil, consent.Faults{fault(path, "must be a list of at most "+strconv.Itoa(limit)+" strings")}
	}
	read := make([]string, len(list))
	for i, text := range list {
		read[i] = *text
	}
	return read, nil
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// sealsOf shows certificates of seals.
func sealsOf(ders [][]byte) []seal {
	var seals []seal
	for _, der := range ders {
		sum := sha256.Sum256(der)
		one := seal{Fingerprint: hex.EncodeToString(sum[:])}
		if cert, err := x509.ParseCertificate(der); err == nil {
			one.ExpiresAt = moment(cert.NotAfter)
		}
		seals = append(seals, one)
	}
	return seals
}
