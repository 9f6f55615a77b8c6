package manager

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

var paymentStatuses = map[consent.PaymentStatus]wire.PaymentStatus{
	consent.PaymentPending: wire.Pending, consent.PaymentSettled: wire.AcceptedSettlementCompleted,
	consent.PaymentCredited: wire.AcceptedCreditSettlementCompleted, consent.PaymentNotPosted: wire.AcceptedWithoutPosting,
	consent.PaymentRejected: wire.PaymentRejected,
}

const (
	pathBody       = "requestBody"
	memberHeaders  = "requestHeaders"
	memberParties  = "PersonalIdentifiableInformation"
	paymentBilling = "Collection LargeValueCollection PushP2P PullP2P Me2Me"
)

var (
	hashForm   = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	rejectForm = regexp.MustCompile(`^[A-Za-z]{1,40}\.[A-Za-z0-9]{1,100}$`)
)

// listPayments serves GET /payment-log.
func (h *Handler) listPayments(k *call) (said, error) {
	ref := k.word(queryConsent)
	if !k.query.Has(queryConsent) {
		k.faults = append(k.faults, fault(queryPath(queryConsent), "is required"))
	}
	r, err := h.one(k, ref)
	if err != nil {
		return said{}, err
	}
	log, err := h.Payments.Of(k.ctx(), r.ID)
	if err != nil {
		return said{}, err
	}
	rows := make([][]byte, len(log))
	for i := range log {
		if rows[i], err = paymentRow(r, &log[i], k); err != nil {
			return said{}, err
		}
	}
	return ok(wire.AppendList(nil, rows, nil))
}

// paymentRow shows a payment of a consent.
func paymentRow(r *staging.Record, p *consent.Payment, k *call) ([]byte, error) {
	var from origin
	if err := json.Unmarshal(p.Origin, &from); err != nil {
		return nil, err //nolint:wrapcheck // of what we have written
	}
	row := wire.Payment{
		ConsentID: r.ID.String(), Type: wire.OnePayment, ID: p.ID.String(), Key: p.Key, TPP: complete(wire.TPP{}, r.Consent),
		PSU: wire.PSU{UserID: r.User}, Interaction: wire.Interaction{Hub: from.Interaction, Client: from.Client},
		RequestHeaders: json.RawMessage("{}"), RequestBody: p.Request,
		Response: wire.PaymentResponse{
			ID: p.ID.String(), Status: paymentStatuses[p.Status], CreatedAt: moments(p.CreatedAt), ChangedAt: moments(p.ChangedAt), TransactionID: p.TransactionID,
		},
	}
	if r.Staged != nil {
		staged, _, err := kept(r.Staged)
		if err != nil {
			return nil, err
		}
		row.ConsentID, row.TPP = r.Staged.Reference, complete(staged.TPP, r.Consent)
	}
	if k.user != "" {
		row.PSU.UserID = k.user
	}
	if p.File {
		row.Type = wire.FilePayment
	}
	if len(r.Accounts) > 0 {
		row.Account = r.Accounts[0]
	}
	if from.Authorization != nil {
		row.Code = *from.Authorization
	}
	row.Code.PaymentID = row.ID
	if len(from.Headers) > 0 {
		row.RequestHeaders = mustJSON(from.Headers)
	}
	if len(from.Billing) > 0 {
		row.Response.Billing = &wire.PaymentBilling{}
		if err := json.Unmarshal(from.Billing, row.Response.Billing); err != nil {
			return nil, err //nolint:wrapcheck // likewise
		}
	}
	for _, x := range p.Rejections {
		row.Response.Rejections = append(row.Response.Rejections, wire.Rejection{Code: x.Code, Message: x.Message})
	}
	return row.AppendJSON(nil) //nolint:wrapcheck // it names the member
}

// recordPayment serves POST /payment-log, which is our own: elsewhere the hub carries
// the payment itself.
func (h *Handler) recordPayment(k *call) (said, error) {
	o, err := k.object()
	if err != nil {
		return said{}, err
	}
	if err := k.wrong(judge("", o, "consentId idempotencyKey requestBody", recordRules())); err != nil {
		return said{}, err
	}
	r, err := h.Staging.Get(k.ctx(), k.viewer, textIn(o, "consentId"))
	if err != nil {
		return said{}, err
	}
	if r.Staged == nil || r.Staged.Payment == nil {
		return said{}, consent.At(consent.CodeServiceInvalid, "consentId", "names no consent to payments")
	}
	draft, err := draftOf(k, o, r)
	if err != nil {
		return said{}, err
	}
	row, made, err := h.Payments.Record(k.ctx(), k.cause(), draft)
	if err != nil {
		return said{}, err
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
	}
	body, err := paymentRow(r, row, k)
	return said{status, wire.AppendOne(nil, body)}, err
}

// recordRules judge the record of a payment, but for its requestBody.
func recordRules() map[string]rule {
	return map[string]rule{
		"consentId": text(maxID), "idempotencyKey": text(maxID), "paymentType": oneOf(wire.OnePayment + " " + wire.FilePayment),
		pathBody: anyObject, memberHeaders: onceEach,
		"interactionId": object("", map[string]rule{"ozoneInteractionId": text(maxID), "clientInteractionId": text(maxID)}),
		"authorizationCode": object("", map[string]rule{
			"accessTokenHash": like(hashForm, "must be 64 hexadecimal digits"), "currentDateTime": moment, "paymentId": anything,
		}),
		"paymentResponse": object("", map[string]rule{
			"OpenFinanceBilling": object("", map[string]rule{
				"Type": oneOf(paymentBilling), "MerchantId": text(20).and(atLeast(8)), "NumberOfSuccessfulTransactions": count(0, maxPayments),
			}),
			"status": oneOf(string(wire.Pending)),
		}),
	}
}

// onceEach wants an object no member of which is there in two spellings.
func onceEach(path string, v any) consent.Faults {
	o, ok := v.(map[string]any)
	if !ok {
		return wrong(path, "must be an object")
	}
	var faults consent.Faults
	met := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if met[lower(name)] {
			faults = append(faults, fault(below(path, plain(name)), "must not be there twice"))
		}
		met[lower(name)] = true
	}
	return faults
}

func atLeast(n int) rule {
	return func(path string, v any) consent.Faults {
		if s, _ := v.(string); len(s) < n {
			return wrong(path, "is too short")
		}
		return nil
	}
}

// instructionRule judges what a TPP has sent to have a payment made, or a file of them.
func instructionRule(file bool) rule {
	members := map[string]rule{
		"ConsentId": text(maxID), "PaymentPurposeCode": like(currencyForm, "must be a code of three letters"),
		"DebtorReference": reference(debtorForm), "Instruction": fileRule(),
	}
	if !file {
		members["Instruction"] = object("Amount", map[string]rule{"Amount": amount})
		members["CurrencyRequest"], members["CreditorReference"] = currencyRule(), reference(creditorForm)
		members[memberParties] = sealed
	}
	return object("Data", map[string]rule{"Data": object("ConsentId Instruction PaymentPurposeCode", members)})
}

// draftOf reads a payment that is to be recorded.
func draftOf(k *call, o map[string]any, r *staging.Record) (consent.Payment, error) {
	kind := textIn(o, "paymentType")
	p := consent.Payment{Consent: r.ID, File: kind == wire.FilePayment || kind == "" && r.Staged.Payment.Schedule == consent.FilePayment}
	p.Key = textIn(o, "idempotencyKey")
	if faults := instructionRule(p.File)(pathBody, o[pathBody]); len(faults) > 0 {
		return p, faults
	}
	if p.File != (r.Staged.Payment.Schedule == consent.FilePayment) {
		return p, consent.At(consent.CodeServiceInvalid, pathBody, "does not go with the schedule of the consent")
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(k.body, &whole); err != nil {
		return p, err //nolint:wrapcheck // it has been read before
	}
	p.Request = whole[pathBody]
	data := objectIn(objectIn(o, pathBody), "Data")
	if id := textIn(data, "ConsentId"); id != r.Staged.Reference && id != r.ID.String() {
		return p, wrong(pathBody+".Data.ConsentId", "must name the consent")
	}
	instruction := objectIn(data, "Instruction")
	amount, currency := textIn(objectIn(instruction, "Amount"), "Amount"), textIn(objectIn(instruction, "Amount"), "Currency")
	if p.File {
		amount, currency = textIn(instruction, "ControlSum"), r.Staged.Payment.Currency
	}
	minor, readable := minorOf(amount)
	if !readable || minor > math.MaxInt64/maxPayments { // so that they can be added up
		return p, consent.At(consent.CodeServiceInvalid, pathBody+".Data.Instruction.Amount", "is more than can be counted")
	}
	p.Amount = consent.Money{Minor: minor, Currency: currency}
	p.Purpose, p.Reference, p.Parties = textIn(data, "PaymentPurposeCode"), textIn(data, "CreditorReference"), textIn(data, memberParties)
	p.Origin = mustJSON(paymentOrigin(k, o))
	return p, nil
}

// paymentOrigin says how a payment came.
func paymentOrigin(k *call, o map[string]any) origin {
	from := origin{Headers: map[string]string{}}
	headers := http.Header{}
	for name, v := range objectIn(o, memberHeaders) {
		if s, isText := v.(string); isText {
			headers[name] = []string{s}
		}
	}
	from.Headers = headersOf(headers)
	ids := objectIn(o, "interactionId")
	from.Interaction, from.Client = cmp.Or(textIn(ids, "ozoneInteractionId"), edge.RequestID(k.echo)), textIn(ids, "clientInteractionId")
	if billing := objectIn(objectIn(o, "paymentResponse"), "OpenFinanceBilling"); billing != nil {
		from.Billing = mustJSON(billing)
	}
	if code := objectIn(o, "authorizationCode"); code != nil {
		from.Authorization = &wire.Code{TokenHash: textIn(code, "accessTokenHash"), At: maybe(timeIn(code, "currentDateTime"))}
	}
	return from
}
