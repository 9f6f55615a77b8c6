package manager

import (
	"regexp"

	"consentd/internal/consent"
	wire "consentd/pkg/manager"
)

// The members that are named in several places.
const (
	memberPSU      = "psuIdentifiers"
	memberAccounts = "accountIds"
	memberMeta     = "consentBody.Meta.MultipleAuthorizers"
	memberTPP      = "tpp"

	dataPermissions    = "ReadAccountsBasic ReadAccountsDetail ReadBalances ReadBeneficiariesBasic ReadBeneficiariesDetail ReadFXTransactionsBasic ReadFXTransactionsDetail ReadTransactionsBasic ReadTransactionsDetail ReadProduct ReadScheduledPaymentsBasic ReadScheduledPaymentsDetail ReadDirectDebits ReadStandingOrdersBasic ReadStandingOrdersDetail ReadStatements ReadConsents ReadPartyUser ReadPartyUserIdentity ReadParty ReadProductFinanceRates " + olderPermissions
	olderPermissions   = "ReadFXRemittanceCharges ReadProductLendingRates" // of the TPPs' standards alone
	paymentPermissions = "ReadAccountsBasic ReadAccountsDetail ReadBalances ReadRefundAccount"

	purposes = "AccountAggregation RiskAssessment TaxFiling Onboarding Verification QuoteComparison BudgetingAnalysis FinancialAdvice AuditReconciliation"
	segments = "Retail SME Corporate"
	bearers  = "BorneByCreditor BorneByDebtor Shared"
	rates    = "Actual Agreed Indicative"

	maxPermissions = 50
	maxSchedule    = 53
	maxURL         = 2000
	maxText        = 350
	maxJWE         = 32 << 10
)

var (
	typeForm     = regexp.MustCompile(`^urn:openfinanceuae:(account-access|insurance|service-initiation)-consent:(v[0-9]{1,3}\.[0-9]{1,3})$`)
	amountForm   = regexp.MustCompile(`^[0-9]{1,16}\.[0-9]{2}$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
	jweForm      = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
	creditorForm = regexp.MustCompile(`^TPP=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12},BIC=[A-Z0-9]{8}([A-Z0-9]{3})?($|,.+$)`)
	debtorForm   = regexp.MustCompile(`^TPP=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12},(Merchant=[A-Z0-9]{3}-[A-Z]{4}-TL.+-[0-9]{4}|),BIC=[A-Z0-9]{8}([A-Z0-9]{3})?($|,.+$)`)
	uuidForm     = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)
	clientForm   = regexp.MustCompile(`^[!-~]{0,200}[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)
	base64Form   = regexp.MustCompile(`^[A-Za-z0-9+/]*={0,2}$`)
)

// amount is money. That all of it is of one currency is for terms to judge.
func amount(path string, v any) consent.Faults {
	return object("Amount Currency", map[string]rule{
		"Amount":   like(amountForm, "must be an amount with two decimals, like 120.05"),
		"Currency": like(currencyForm, "must be a currency in three letters"),
	})(path, v)
}

// sealed is personal data, which only the bank opens.
func sealed(path string, v any) consent.Faults {
	if s, ok := v.(string); !ok || len(s) > maxJWE || !jweForm.MatchString(s) {
		return wrong(path, "must be encrypted: a JWE in its compact form, of five parts")
	}
	return nil
}

// reference is a reference for people, or one in a long form, which names the TPP and
// the bank.
func reference(long *regexp.Regexp) rule {
	return func(path string, v any) consent.Faults {
		if s, ok := v.(string); ok && long.MatchString(s) {
			return text(120)(path, v)
		}
		return text(35)(path, v)
	}
}

// subscriptionRule judges where a TPP wants to be told.
func subscriptionRule() rule {
	return object("Webhook", map[string]rule{
		"Webhook": object("Url IsActive", map[string]rule{"Url": text(maxURL), "IsActive": boolean}),
	})
}

// dataSharingRule judges what is asked for to read.
func dataSharingRule() rule {
	return object("ConsentId Permissions OpenFinanceBilling ExpirationDateTime", map[string]rule{
		"ConsentId": text(maxID), "BaseConsentId": text(maxID),
		"Permissions":             list(1, maxPermissions, oneOf(dataPermissions)),
		"OpenFinanceBilling":      object("UserType Purpose", map[string]rule{"UserType": oneOf(segments), "Purpose": oneOf(purposes)}),
		"ExpirationDateTime":      moment,
		"TransactionFromDateTime": moment, "TransactionToDateTime": moment, "FromDate": day, "ToDate": day,
		"AccountType":    list(0, maxPermissions, oneOf(segments)),
		"AccountSubType": list(0, maxPermissions, oneOf("CurrentAccount Savings CreditCard Mortgage Finance")),
		"OnBehalfOf": object("", map[string]rule{
			"TradingName": text(maxText), "LegalName": text(maxText), "IdentifierType": oneOf("Other"), "Identifier": text(maxText),
		}),
	})
}

// paymentRule judges what is asked for to pay.
func paymentRule() rule {
	return object("ConsentId PersonalIdentifiableInformation ControlParameters PaymentPurposeCode ExpirationDateTime", map[string]rule{
		"ConsentId": text(maxID), "BaseConsentId": text(maxID), "IsSingleAuthorization": boolean,
		"AuthorizationExpirationDateTime": moment, "ExpirationDateTime": moment,
		"Permissions":     list(0, maxPermissions, oneOf(paymentPermissions)),
		"CurrencyRequest": currencyRule(),
		memberParties:     sealed,
		"ControlParameters": object("ConsentSchedule", map[string]rule{
			"IsDelegatedAuthentication": boolean, "ConsentSchedule": anyObject, // for terms to judge
		}),
		"DebtorReference": reference(debtorForm), "CreditorReference": reference(creditorForm),
		"PaymentPurposeCode":      like(currencyForm, "must be a code of three letters"),
		"SponsoredTPPInformation": object("Name Identification", map[string]rule{"Name": text(50), "Identification": text(50)}),
	})
}

// currencyRule judges in which currency a payment is to arrive.
func currencyRule() rule {
	const letters = "must be a currency in three letters"
	return object("CurrencyOfTransfer", map[string]rule{
		"InstructionPriority": oneOf("Normal Urgent"), "ExtendedPurpose": text(140), "ChargeBearer": oneOf(bearers),
		"CurrencyOfTransfer":     like(currencyForm, letters),
		"DestinationCountryCode": like(countryForm, "must be a country in two letters"),
		"ExchangeRateInformation": object("UnitCurrency RateType", map[string]rule{
			"UnitCurrency": like(currencyForm, letters), "ExchangeRate": decimal, "RateType": oneOf(rates), "ContractIdentification": text(256),
		}),
		"FxQuoteId": text(128),
	})
}

// kindOf reads which family of consents a type is of, and which version of the
// standard: the type of a RAR (RFC 9396).
func kindOf(v any) (kind consent.Kind, version string, faults consent.Faults) {
	s, _ := v.(string)
	m := typeForm.FindStringSubmatch(s)
	if m == nil {
		return "", "", wrong("type", "must be like urn:openfinanceuae:account-access-consent:v2.1")
	}
	switch m[1] {
	case "account-access":
		return consent.AccountAccess, m[2], nil
	case "service-initiation":
		return consent.Payments, m[2], nil
	default:
		return "", "", consent.Faults{consent.At(consent.CodeServiceInvalid, "type", "insurance consents are not kept here")}
	}
}

// typeOf is how the standard calls a kind of consent.
func typeOf(kind consent.Kind) string {
	if kind == consent.Payments {
		return wire.ServiceInitiation
	}
	return wire.DataSharing
}
