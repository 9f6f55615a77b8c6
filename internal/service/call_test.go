package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
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

func TestCause(t *testing.T) {
	call := service.Call{TPP: "A", Name: "Acme", Certificate: "f1", RequestID: "r1"}
	require.Equal(t, consent.Cause{By: consent.ByTPP, Who: "A", Certificate: "f1", RequestID: "r1"}, call.Cause())
	call.Unproved = true
	require.Equal(t, consent.Cause{By: consent.BySystem, RequestID: "r1"}, call.Cause())
}
