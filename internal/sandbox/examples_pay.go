package sandbox

import (
	"context"
)

// pay makes a payment by an example, and brings it to how it is to end.
func (s *Sandbox) pay(ctx context.Context, h *hub, who *payer, e example, p examplePayment) error {
	sealed, err := s.sealed(object{"Initiation": creditor()})
	if err != nil {
		return err
	}
	id := who.consentID(e.Name)
	amount := object{"Amount": p.Amount, "Currency": who.Accounts[0].Currency}
	payment, err := h.pay(ctx, object{
		"consentId": id, "paymentType": "cbuae-payment", "idempotencyKey": p.Key,
		"requestBody": object{"Data": object{
			"ConsentId": id, "Instruction": object{"Amount": amount}, "PaymentPurposeCode": purpose,
			"CreditorReference": e.Terms["CreditorReference"], "PersonalIdentifiableInformation": sealed,
		}},
	})
	if err != nil || p.Status == paymentPending {
		return err
	}
	return h.follow(ctx, payment, p.end(who.consentID(e.Name+"/"+p.Key)))
}

// end is how the payment system reports that a payment is through; transaction is the
// id that it gives to one that was carried out.
func (p examplePayment) end(transaction string) object {
	report := object{"paymentResponse.status": p.Status}
	if p.Status == paymentRejected {
		report["paymentResponse.rejectReasonCode"] = []object{{"code": "AANI.AM04", "message": "Insufficient funds"}}
		return report
	}
	report["paymentResponse.paymentTransactionId"] = transaction
	return report
}
