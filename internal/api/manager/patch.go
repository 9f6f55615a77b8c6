package manager

import (
	"crypto/subtle"
	"encoding/json"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

// The keys of a patch.
const (
	keyStatus     = "status"
	keyDataStatus = "consentBody.Data.Status"
	keyRevokedBy  = "consentBody.Data.RevokedBy"
	keyBilling    = "consentBody.Data.OpenFinanceBilling"
	keyRate       = "consentBody.Data.ExchangeRate"
	keyCharges    = "consentBody.Data.Charges"
	keyUsage      = "consentUsage"
	keySupplement = "supplementaryInformation"
	keyChannel    = "authorizationChannel"
	keyToken      = "ConnectToken"
	keyReason     = "reason"
	keyNote       = "note"

	revokers = "LFI TPP LFI.InitiatedByUser TPP.InitiatedByUser"

	maxAccounts  = 500
	maxAccountID = 40
	maxToken     = 8 << 10
	maxSigners   = 100
	maxNote      = 400
)

// nestedInPatch are the objects that may stand in the place of dotted keys.
var nestedInPatch = []string{"consentBody", "consentBody.Data", "consentBody.Meta"}

// patch serves PATCH /consents/{id}.
func (h *Handler) patch(k *call) (said, error) {
	o, err := k.object()
	if err != nil {
		return said{}, err
	}
	flat, faults := flatten(o, nestedInPatch...)
	if err := k.wrong(faults); err != nil {
		return said{}, err
	}
	if k.staff() {
		return h.patchByStaff(k, flat)
	}
	r, err := h.Staging.Get(k.ctx(), k.viewer, k.ids[0])
	if err != nil {
		return said{}, err
	}
	if err := k.wrong(append(judge("", flat, keyChannel, patchRules(r.Kind)), together(flat)...)); err != nil {
		return said{}, err
	}
	_, err = h.Staging.Patch(k.ctx(), k.cause(), k.viewer, r.ID.String(), h.change(r, flat))
	return said{}, err
}

// patchRules are what may be changed of a kind of consents.
func patchRules(kind consent.Kind) map[string]rule {
	rules := map[string]rule{
		memberPSU: psuRule, memberAccounts: list(1, maxAccounts, text(maxAccountID)), keySupplement: anyObject,
		keyStatus: patchable, keyDataStatus: patchable, keyRevokedBy: oneOf(revokers), keyChannel: oneOf("App Web"),
		keyBilling: object("IsLargeCorporate", map[string]rule{"IsLargeCorporate": boolean}),
		keyUsage:   object("", map[string]rule{"lastDataShared": moment, "lastServiceInitiationAttempt": moment}),
	}
	if kind != consent.Payments {
		return rules
	}
	rules[memberAccounts] = list(1, 1, text(maxAccountID))
	rules[keyRate] = object("UnitCurrency ExchangeRate RateType", map[string]rule{
		"UnitCurrency": like(currencyForm, "must be a currency in three letters"), "ExchangeRate": decimal, "RateType": oneOf(rates),
		"ContractIdentification": text(256), "ExpirationDateTime": moment,
	})
	rules[keyCharges] = list(0, maxSigners, object("ChargeBearer Type Amount", map[string]rule{
		"ChargeBearer": oneOf(bearers), "Type": oneOf("VAT Fees"), "Amount": amount,
	}))
	rules[memberMeta] = object("", map[string]rule{
		"TotalRequired": count(1, maxSigners),
		"Authorizations": list(0, maxSigners, object("AuthorizationStatus", map[string]rule{
			"AuthorizerId": text(maxID), "AuthorizerType": text(maxID), "AuthorizationDate": moment,
			"AuthorizationStatus": oneOf("Pending Approved Rejected"),
		})),
	})
	rules[keyToken] = text(maxToken)
	return rules
}

// psuRule judges whose consent it is. What else is said of them is not kept: it may
// name a person.
func psuRule(path string, v any) consent.Faults {
	return some("userId", map[string]rule{"userId": text(maxID)})(path, v)
}

// patchable judges a status that may be set, in either spelling.
func patchable(path string, v any) consent.Faults {
	s, _ := v.(string)
	if status, known := readStatus(s); !known || status == wire.AwaitingAuthorization {
		return wrong(path, "must be a status that can be set")
	}
	return nil
}

// statusIn is the status that a patch sets; empty for none.
func statusIn(flat map[string]any) wire.Status {
	for _, key := range []string{keyStatus, keyDataStatus} {
		if s, there := flat[key].(string); there {
			status, _ := readStatus(s)
			return status
		}
	}
	return ""
}

// together judges what must go together.
func together(flat map[string]any) (faults consent.Faults) {
	one, isOne := flat[keyStatus].(string)
	two, isTwo := flat[keyDataStatus].(string)
	first, _ := readStatus(one)
	second, _ := readStatus(two)
	if isOne && isTwo && first != second {
		faults = append(faults, fault(keyDataStatus, "must be the same as status"))
	}
	if _, there := flat[keyRevokedBy]; there && statusIn(flat) != wire.Revoked {
		faults = append(faults, fault(keyRevokedBy, "goes with the status Revoked only"))
	}
	return faults
}

// change reads a patch that was judged.
func (h *Handler) change(r *staging.Record, flat map[string]any) staging.Change {
	c := staging.Change{Extra: extraOf(flat)}
	if status := statusIn(flat); status != "" {
		c.Status = domain[status][0]
	}
	c.User, c.Channel = textIn(objectIn(flat, memberPSU), "userId"), textIn(flat, keyChannel)
	c.By, c.Accounts = staging.RevokedBy(textIn(flat, keyRevokedBy)), textsIn(flat, memberAccounts)
	if token := textIn(flat, keyToken); token != "" && !h.hasToken(r, token) {
		c.Token = h.Keys.Seal(tokenPurpose+r.ID.String(), []byte(token))
	}
	if usage, there := flat[keyUsage].(map[string]any); there {
		c.Used, c.Tried = timeIn(usage, "lastDataShared"), timeIn(usage, "lastServiceInitiationAttempt")
	}
	if meta, there := flat[memberMeta].(map[string]any); there {
		c.Required, c.Approvals = approvalsIn(meta)
	}
	return c
}

// hasToken reports whether a consent has this very token already. Sealed anew it would
// look like another.
func (h *Handler) hasToken(r *staging.Record, token string) bool {
	if r.Staged == nil || len(r.Staged.Token) == 0 {
		return false
	}
	old, err := h.Keys.Open(tokenPurpose+r.ID.String(), r.Staged.Token)
	return err == nil && subtle.ConstantTimeCompare(old, []byte(token)) == 1
}

// tokenPurpose is for what ConnectToken is sealed, before the id of the consent.
const tokenPurpose = "connect token "

// approvalsIn reads who must agree, and how each has decided.
func approvalsIn(meta map[string]any) (required int, all []consent.Approval) {
	list, _ := meta["Authorizations"].([]any)
	all = make([]consent.Approval, 0, len(list))
	for _, x := range list {
		o, _ := x.(map[string]any)
		a := consent.Approval{ID: textIn(o, "AuthorizerId"), Type: textIn(o, "AuthorizerType"), At: timeIn(o, "AuthorizationDate")}
		for state, name := range approvals {
			if name == o["AuthorizationStatus"] {
				a.State = state
			}
		}
		all = append(all, a)
	}
	if _, there := meta["TotalRequired"]; there {
		required = countIn(meta, "TotalRequired")
	}
	return required, all
}

// extraOf merges what this dialect keeps into what it has kept; nil for nothing.
func extraOf(flat map[string]any) func(old []byte) ([]byte, error) {
	raw := func(key string) json.RawMessage {
		if v, there := flat[key]; there {
			return mustJSON(v)
		}
		return nil
	}
	now := extra{Supplementary: raw(keySupplement), Charges: raw(keyCharges), ExchangeRate: raw(keyRate)}
	if billing, there := flat[keyBilling].(map[string]any); there {
		large, _ := billing["IsLargeCorporate"].(bool)
		now.LargeCorporate = &large
	}
	if now.Supplementary == nil && now.Charges == nil && now.ExchangeRate == nil && now.LargeCorporate == nil {
		return nil
	}
	return func(old []byte) ([]byte, error) {
		var all extra
		if len(old) > 0 {
			if err := json.Unmarshal(old, &all); err != nil {
				return nil, err //nolint:wrapcheck // of what we have written
			}
		}
		// What is not there now stays.
		if err := json.Unmarshal(mustJSON(now), &all); err != nil {
			return nil, err //nolint:wrapcheck // likewise
		}
		return mustJSON(all), nil
	}
}
