package manager

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStandardWords(t *testing.T) {
	t.Parallel()
	for ours, want := range map[string]string{
		"a consent that is valid cannot become rejected":        "a consent that is Authorized cannot become Rejected",
		"the consent is partiallyAuthorised":                    "the consent is AwaitingAuthorization",
		"a payment that is acceptedSettlementCompleted is over": "a payment that is AcceptedSettlementCompleted is over",
		"only a consent to payments can be consumed":            "only a consent to payments can be consumed",
		"validity is validated":                                 "validity is validated",
	} {
		require.Equal(t, want, inStandardWords(ours))
	}
}
