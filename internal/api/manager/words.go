package manager

import (
	"regexp"

	"consentd/internal/consent"
)

// ourWords are states in the domain's own words, where a text names them.
var ourWords = regexp.MustCompile(`\b(is|are|become) (received|partiallyAuthorised|valid|suspended|rejected|revoked|expired|consumed|` +
	`pending|acceptedSettlementCompleted|acceptedCreditSettlementCompleted|acceptedWithoutPosting)\b`)

// inStandardWords tells states as the standard calls them.
func inStandardWords(text string) string {
	return ourWords.ReplaceAllStringFunc(text, func(found string) string {
		parts := ourWords.FindStringSubmatch(found)
		word := string(statuses[consent.Status(parts[2])])
		if word == "" {
			word = string(paymentStatuses[consent.PaymentStatus(parts[2])])
		}
		return parts[1] + " " + word
	})
}
