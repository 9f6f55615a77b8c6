package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/service"
)

func TestDigits(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", " 123 456 ": "123456", "٠١٢٣٤٥": "012345", "۶۷۸۹": "6789", "１２": "12", "०९": "09",
		"": "", "a 1": "a 1", "Ünï ٣": "Ünï 3", "12\u00a034": "1234",
	} {
		require.Equal(t, want, service.Digits(typed), typed)
	}
}
