package main

// divergence is a difference that is meant, and the only place where our
// description may differ from the standard's.
type divergence struct {
	name, reason string
	// like finds the differences that it explains: "-" begins what the standard
	// has and we do not, "+" the reverse.
	like []string
}

// count is how many differences it explains.
func (d divergence) count(used map[string]int) int {
	sum := 0
	for _, pattern := range d.like {
		sum += used[pattern]
	}
	return sum
}

// divergences stand in the table of the same name in internal/api/xs2a/doc.go.
var divergences = []divergence{
	{
		name: "message codes", reason: "listed by status as in 1.3.6, with what 2.0 forgot and the spelling CERTIFICATE_REVOKED; 1.3.12 lists none",
		like: []string{`^\+ .* \| 4\d\d application/\S+ \| (tppMessages\[\]\.|additionalErrors\[\]\.)?code \| enum=[A-Z_]+$`},
	},
	{
		name: "errors", reason: "they hold no links and no Location; 406 and 429 have a body everywhere",
		like: []string{
			`^- .* \| [45]\d\d (application/\S+ \| _links\b|headers \| Location\b)`,
			`^\+ POST /v1/funds-confirmations \| (406|429) application/`,
		},
	},
	{
		name: "headers of answers", reason: "HTTP wants Allow, Retry-After and WWW-Authenticate; ASPSP-Multiple-Consent-Support is defined and attached to nothing; a confirmation of funds has no place to read it",
		like: []string{
			`^\+ .* \| 405 headers \| Allow\b`,
			`^\+ .* \| (429|503) headers \| Retry-After\b`,
			`^\+ .* \| 401 headers \| WWW-Authenticate\b`,
			`^\+ POST /v1/consents \| 201 headers \| ASPSP-Multiple-Consent-Support\b`,
			`^- POST /v1/funds-confirmations \| 200 headers \| Location\b`,
		},
	},
	{
		name: "answers promise more", reason: "a member or header that always comes is required, an id is limited, and a success holds warnings only",
		like: []string{
			`^\+ .* \| (headers|\d\d\d \S+) \| (_links|_links\.(self|status|scaStatus)|scaStatus|tppMessages|Location|ASPSP-SCA-Approach) \| required$`,
			`^\+ .* \| 20[01] application/json \| (consentId|authorisationId) \| max=70$`,
			`^- .* \| 20[01] application/json \| tppMessages\[\]\.category \| enum=ERROR$`,
		},
	},
	{
		name: "terminatedByAspsp", reason: "a consent that the bank ended: an extension, which the standard lets a bank document",
		like: []string{`^\+ .* \| 20[01] application/json \| consentStatus \| enum=terminatedByAspsp$`},
	},
	{
		name: "limits of requests", reason: "the standard has none for these",
		like: []string{
			`^\+ .* \| headers \| (PSU|TPP|Consent)-[A-Za-z-]+ \| max=\d+$`,
			`^\+ .* \| request application/json \| psuData\.password \| max=500$`,
		},
	},
	{
		name: "required in requests", reason: "TPP-Redirect-URI since redirect is the fallback; combinedServiceIndicator is left out by the official examples",
		like: []string{
			`^\+ POST .* \| headers \| TPP-Redirect-URI \| required$`,
			`^- POST /v1/consents \| request application/json \| combinedServiceIndicator \| required$`,
		},
	},
	{
		name: "credentials", reason: "a password comes plain and alone; a start takes nothing else, since methods and challenges come after it",
		like: []string{
			`^- .* \| request application/json \| psuData\.(encryptedPassword|additionalPassword|additionalEncryptedPassword)\b`,
			`^\+ .* \| request application/json \| psuData\.password \| required$`,
			`^- POST .*/authorisations \| request application/json \| (authenticationMethodId|scaAuthenticationData)\b`,
		},
	},
	{
		name: "links and members of answers", reason: "each answer has those of the consent's next step; the official schemas are shared with payments and accounts",
		like: []string{
			`^- (GET|PUT) .*/authorisations/{authorisationId} \| 200 application/json \| ` +
				`(_links\.\w+|trustedBeneficiaryFlag|psuName|transactionFees|currencyConversionFees|estimatedTotalAmount|estimatedInterbankSettlementAmount)\b`,
			`^- POST .* \| 201 application/json \| _links\.startAuthorisationWith\w+`,
			`^- POST .*/authorisations \| 201 application/json \| _links\.scaOAuth\b`,
			`^\+ POST .* \| 201 application/json \| _links\.updatePsu(Identification|Authentication)\b`,
		},
	},
	{
		name: "2.0 speaks 1.3.12", reason: "account references, SCA objects, messages and their limits are those of the newer description on every path",
		like: []string{
			`^\+ .* /v2/.* \| account\.(cashAccountType|other)\b`,
			`^[+-] .* /v2/.* \| (psuMessage|detail|(tppMessages|additionalErrors)\[\]\.(text|detail)) \| max=5(00|12)$`,
			`^- .* /v2/.* \| (scaMethods\[\]|chosenScaMethod)\.authenticationType \| enum=\w+$`,
			`^[+-] .* /v2/.* \| challengeData\.data \| (string|array:string)$`,
			`^[+-] .* /v2/.* \| 20[01] application/json \| tppMessages?\b`,
			`^\+ GET /v2/.* \| 200 application/json \| (psuMessage|psuName|_links)\b`,
			`^\+ (POST|PUT) /v2/.* \| (201 application/json \| _links\.confirmation|request application/json \| confirmationCode)\b`,
		},
	},
}
