package docs

// step is a call of the story: one of an operation's examples, or a call of the
// sandbox's own. All that is not said here comes from the description.
type step struct {
	ID, Title string
	// Operation is an operationId; a step of a description that is not shown is
	// left out. Example names the body, the first where it is empty.
	Operation, Example string
	// Sandbox is a call that only the sandbox knows, instead of an operation.
	Sandbox call
	// Path and Headers override the examples.
	Path, Headers map[string]string
	// Body overrides the example's.
	Body string
	// Answer is the status of a refusal, and Code its code; empty for success.
	Answer, Code string
	Says         *says
}

// stage is a folder of the story.
type stage struct {
	Name, Text string
	Sandbox    bool // only in the sandbox's collection
	// Reads puts the operations that read under a consent behind the steps.
	Reads bool
	Steps []step
}

// captures are the values that answers bring for the calls after them.
var captures = map[string][]capture{
	"createConsent":           {{"consentId", "consentId"}},
	"createFundsConsent":      {{"consentId", "consentId"}},
	"listAuthorisations":      {{"authorisationId", "authorisationIds[-1:]"}},
	"listFundsAuthorisations": {{"authorisationId", "authorisationIds[-1:]"}},
	"startAuthorisation":      {{"authorisationId", "authorisationId"}},
	"startFundsAuthorisation": {{"authorisationId", "authorisationId"}},
	"listAccounts":            {{"accountId", "accounts[0].resourceId"}},
	"listTransactions":        {{"transactionId", "transactions.booked[0].transactionId"}},
	"listCardAccounts":        {{"accountId", "cardAccounts[0].resourceId"}},
}

var decoupled = map[string]string{"PSU-ID": "{{psuId}}", "TPP-Redirect-Preferred": "false"}

var decoupledLea = map[string]string{"PSU-ID": "lea", "TPP-Redirect-Preferred": "false"}

// attended says that the customer is there, whose consent is then not counted.
var attended = map[string]string{"PSU-IP-Address": "192.168.8.78"}

// unknown is a consent that nobody has.
var unknown = map[string]string{"consentId": "00000000-0000-4000-8000-000000000000"}

var story = []stage{
	{
		Name: "1. A consent", Text: "The TPP asks for access to accounts that the customer chooses, and follows what becomes of it.",
		Steps: []step{
			{ID: "create", Operation: "createConsent", Example: "everything", Headers: decoupled},
			{ID: "authorisations", Operation: "listAuthorisations"},
			{ID: "asked", Title: "Wait until the customer is asked", Operation: "getScaStatus", Says: &says{"scaStatus", "started", true}},
		},
	},
	{
		Name: "2. At the customer's", Text: "What the customer sees on the phone, and does there. Only the sandbox lets a program do that.", Sandbox: true,
		Steps: []step{
			{ID: "phone", Title: "Look at the phone", Sandbox: call{
				Method: "GET", Path: "/sandbox/psus/{{psuId}}/phone", Captures: []capture{{"approvalId", "approvals[-1:].id"}},
				Headers: []field{{Name: "Accept", Value: "application/json"}}, Text: "What waits for an answer on the phone, and the messages there.",
			}},
			{ID: "approve", Title: "Approve", Sandbox: call{
				Method: "POST", Path: "/sandbox/psus/{{psuId}}/phone/approvals/{{approvalId}}", Body: "{\n  \"decision\": \"approve\"\n}",
				Headers: []field{{Name: "Content-Type", Value: "application/json"}}, Text: "The customer approves, with all accounts.",
			}},
		},
	},
	{
		Name: "3. The consent in use", Text: "The customer has authorised the consent: it is read as it stands, and used.", Reads: true,
		Steps: []step{
			{ID: "valid", Title: "Wait until the consent is valid", Operation: "getConsentStatus", Says: &says{"consentStatus", "valid", true}},
			{ID: "consent", Title: "Read what the customer agreed to", Operation: "getConsent"},
			{ID: "accounts", Operation: "listAccounts", Headers: attended},
			{ID: "balances", Operation: "readBalances", Headers: attended},
			{ID: "transactions", Operation: "listTransactions", Headers: attended},
			{
				ID: "check", Title: "The bank's resource server asks whether the TPP may read", Operation: "aspsp/checkAccess",
				Body: accessCheck, Says: &says{"decision", "allow", false},
			},
		},
	},
	{
		Name: "4. The end", Text: "The TPP ends the consent.",
		Steps: []step{
			{ID: "end", Operation: "deleteConsent"},
			{ID: "ended", Title: "Read the status after the end", Operation: "getConsentStatus", Says: &says{"consentStatus", "terminatedByTpp", false}},
			{
				ID: "denied", Title: "The bank's resource server asks after the end", Operation: "aspsp/checkAccess",
				Body: accessCheck, Says: &says{"decision", "deny", false},
			},
			{ID: "refused", Title: "Read the accounts after the end", Operation: "listAccounts", Headers: attended, Answer: "401", Code: "CONSENT_INVALID"},
			{ID: "late", Title: "Start an authorisation after the end", Operation: "startAuthorisation", Answer: "409", Code: "STATUS_INVALID"},
		},
	},
	{
		Name: "5. Confirmation of funds", Text: "Another consent: the customer lea lets the TPP ask whether an amount is available on her account.", Sandbox: true,
		Steps: []step{
			{ID: "fundsCreate", Operation: "createFundsConsent", Headers: decoupledLea},
			{ID: "fundsAuthorisations", Operation: "listFundsAuthorisations"},
			{ID: "fundsAsked", Title: "Wait until lea is asked", Operation: "getFundsScaStatus", Says: &says{"scaStatus", "started", true}},
			{ID: "fundsPhone", Title: "Look at the phone of lea", Sandbox: call{
				Method: "GET", Path: "/sandbox/psus/lea/phone", Captures: []capture{{"approvalId", "approvals[-1:].id"}},
				Headers: []field{{Name: "Accept", Value: "application/json"}},
			}},
			{ID: "fundsApprove", Title: "Approve as lea", Sandbox: call{
				Method: "POST", Path: "/sandbox/psus/lea/phone/approvals/{{approvalId}}", Body: "{\n  \"decision\": \"approve\"\n}",
				Headers: []field{{Name: "Content-Type", Value: "application/json"}},
			}},
			{ID: "fundsValid", Title: "Wait until the consent of lea is valid", Operation: "getFundsConsentStatus", Says: &says{"consentStatus", "valid", true}},
			{ID: "fundsConfirm", Title: "Ask whether an amount is available", Operation: "confirmFunds"},
		},
	},
	{
		Name: "6. When it goes wrong", Text: "Calls that are refused, and how.",
		Steps: []step{
			{ID: "malformed", Title: "A malformed header", Operation: "createConsent", Headers: map[string]string{"PSU-IP-Address": "nowhere"}, Answer: "400", Code: "FORMAT_ERROR"},
			{ID: "contradiction", Title: "A body that contradicts itself", Operation: "createConsent", Body: contradiction, Answer: "400", Code: "FORMAT_ERROR"},
			{ID: "unsigned", Title: "A digest without signature", Operation: "createConsent", Answer: "400", Code: "FORMAT_ERROR", Headers: map[string]string{
				"Digest": "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
			}},
			{ID: "unknown", Title: "An unknown consent", Operation: "getConsentStatus", Path: unknown, Answer: "403", Code: "CONSENT_UNKNOWN"},
			{ID: "format", Title: "A format that is not offered", Operation: "getConsentStatus", Headers: map[string]string{"Accept": "text/xml"}, Answer: "406", Code: "REQUESTED_FORMATS_INVALID"},
		},
	},
}

// accessCheck asks for the TPP of the story, whose PSU is there.
const accessCheck = `{
  "consentId": "{{consentId}}",
  "tpp": "{{tppId}}",
  "operation": "balances",
  "account": "{{accountId}}",
  "psuIpAddress": "192.168.8.78"
}`

// contradiction asks for one access, four times a day.
const contradiction = `{
  "access": {
    "allPsd2": "allAccounts"
  },
  "recurringIndicator": false,
  "validUntil": "9999-12-31",
  "frequencyPerDay": 4
}`
