package manager

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/service/payments"
)

const (
	billingMember    = "paymentResponse.OpenFinanceBilling"
	successfulMember = "NumberOfSuccessfulTransactions"
)

// followPayment serves PATCH /payment-log/{id}.
func (h *Handler) followPayment(k *call) (said, error) {
	o, err := k.object()
	if err != nil {
		return said{}, err
	}
	flat, faults := flatten(o, "paymentResponse")
	flat, more := prefixed(flat)
	faults = append(faults, more...)
	if err := k.wrong(append(faults, judge("", flat, "paymentResponse.status", followRules())...)); err != nil {
		return said{}, err
	}
	id, err := uuid.Parse(k.ids[0])
	if err != nil {
		return said{}, consent.E(consent.CodeResourceUnknown, "no such payment").Because(err)
	}
	_, err = h.Payments.Follow(k.ctx(), k.cause(), id, reportOf(flat))
	return said{}, err
}

// prefixed brings the bare names, which some write, to those of the standard, and the
// capitals of one of its versions to the others'.
func prefixed(flat map[string]any) (all map[string]any, faults consent.Faults) {
	all = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		v := flat[name]
		switch name {
		case "status", "OpenFinanceBilling", "paymentTransactionId", "rejectReasonCode", "RejectReasonCode":
			name = "paymentResponse." + name
		}
		if name == "paymentResponse.RejectReasonCode" {
			name = "paymentResponse.rejectReasonCode"
		}
		if name == "paymentResponse.rejectReasonCode" {
			var twice consent.Faults
			v, twice = lowered(name, v)
			faults = append(faults, twice...)
		}
		if _, twice := all[name]; twice {
			faults = append(faults, fault(name, "must not be there twice"))
		}
		all[name] = v
	}
	return all, faults
}

// lowered takes Code and Message for code and message. Nobody can say which of both
// would count.
func lowered(path string, v any) (any, consent.Faults) {
	list, valid := v.([]any)
	if !valid {
		return v, nil
	}
	var faults consent.Faults
	folded := make([]any, len(list))
	for i, x := range list {
		o, isObject := x.(map[string]any)
		if !isObject {
			folded[i] = x
			continue
		}
		reason := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(o)) {
			value := o[name]
			switch name {
			case "Code", "Message":
				name = lower(name)
			}
			if _, twice := reason[name]; twice {
				faults = append(faults, fault(below(edge.Element(path, i), name), "must not be there twice"))
			}
			reason[name] = value
		}
		folded[i] = reason
	}
	return folded, faults
}

func followRules() map[string]rule {
	var names []string
	for _, s := range paymentStatuses {
		names = append(names, string(s))
	}
	slices.Sort(names)
	return map[string]rule{
		"paymentResponse.status":               oneOf(strings.Join(names, " ")),
		billingMember:                          object("", map[string]rule{successfulMember: count(0, maxPayments)}),
		"paymentResponse.paymentTransactionId": text(40),
		"paymentResponse.rejectReasonCode": list(1, maxSigners, object("code message", map[string]rule{
			"code": like(rejectForm, "must begin with the payment system, like AANI.AC01"), "message": text(500),
		})),
	}
}

// reportOf reads a report that was judged.
func reportOf(flat map[string]any) payments.Report {
	var r payments.Report
	name := textIn(flat, "paymentResponse.status")
	for status, s := range paymentStatuses {
		if string(s) == name {
			r.Status = status
		}
	}
	r.TransactionID = textIn(flat, "paymentResponse.paymentTransactionId")
	reasons, _ := flat["paymentResponse.rejectReasonCode"].([]any)
	for _, x := range reasons {
		o, _ := x.(map[string]any)
		r.Rejections = append(r.Rejections, consent.Rejection{Code: textIn(o, "code"), Message: textIn(o, "message")})
	}
	billing := objectIn(flat, billingMember)
	if _, there := billing[successfulMember]; there {
		successful := countIn(billing, successfulMember)
		r.Successful, r.Edit = &successful, counting(successful)
	}
	return r
}

// counting keeps how many payments of a file went through; once the file is, for good.
func counting(n int) func(old []byte, through bool) ([]byte, error) {
	return func(old []byte, through bool) ([]byte, error) {
		var from origin
		if err := json.Unmarshal(old, &from); err != nil {
			return nil, err //nolint:wrapcheck // of what we have written
		}
		billing := map[string]json.RawMessage{}
		if len(from.Billing) > 0 {
			if err := json.Unmarshal(from.Billing, &billing); err != nil {
				return nil, err //nolint:wrapcheck // likewise
			}
		}
		count := mustJSON(n)
		if known := billing[successfulMember]; through && known != nil && !bytes.Equal(known, count) {
			return nil, consent.At(consent.CodeStatusInvalid, billingMember+"."+successfulMember, "is there already, and stays")
		}
		billing[successfulMember] = count
		from.Billing = mustJSON(billing)
		return mustJSON(from), nil
	}
}
