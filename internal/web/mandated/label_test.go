package mandated_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"consentd/internal/web/mandated"
)

// The labelling guide writes two codes with s, the standard all with z.
func TestLabelsOfTheGuide(t *testing.T) {
	for code, want := range map[string]string{
		"AwaitingAuthorisation":   "Awaiting",
		"AwaitingAuthorization":   "Awaiting",
		"Authorised":              "Active",
		"Authorized":              "Active",
		"awaitingauthorisation":   "Awaiting",
		"AUTHORIZED":              "Active",
		"Suspended":               "Suspended",
		"Revoked":                 "Cancelled",
		"Rejected":                "Rejected",
		"Expired":                 "Expired",
		"Consumed":                "Consumed",
		"PartiallyAuthorized":     "Partially Authorized",
		"AISConsent":              "AIS Consent",
		"AwaitingReAuthorization": "Awaiting Re Authorization",
		"":                        "",
	} {
		t.Run(code, func(t *testing.T) {
			require.Equal(t, want, mandated.Label(code))
		})
	}
}

func TestShortLabelsAreWholeWords(t *testing.T) {
	for code, want := range map[string]string{
		"AwaitingAuthorization": "Awaiting",
		"PartiallyAuthorized":   "Partially",
		"AISConsent":            "AIS",
		"Revoked":               "Cancelled",
		"":                      "",
	} {
		require.Equal(t, want, mandated.Short(code), code)
	}
}

func TestSplitKeepsCase(t *testing.T) {
	for code, want := range map[string]string{
		"AwaitingAuthorization":   "Awaiting Authorization",
		"AISConsent":              "AIS Consent",
		"ConsentAIS":              "Consent AIS",
		"ReadFXTransactionsBasic": "Read FX Transactions Basic",
		"AIS":                     "AIS",
		"A":                       "A",
		"aConsent":                "a Consent",
		"paused":                  "paused",
		"V2Consent":               "V2 Consent",
		"ON_HOLD":                 "ON HOLD",
		"on-hold":                 "on hold",
		"ÉtatSuspendu":            "État Suspendu",
		"":                        "",
	} {
		require.Equal(t, want, mandated.Split(code), code)
	}
	require.Equal(t, "Active", mandated.Label(" Authorized\n"), "space around it does not matter")
	require.Equal(t, "Awaiting", mandated.Truncate(mandated.Split("AwaitingAuthorization")))
}

func TestProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		state     mandated.State
		seed, v21 string
	}{
		"waits":                    {mandated.State{Code: "AwaitingAuthorization"}, "Awaiting", "Pending"},
		"waits, with s":            {mandated.State{Code: "AwaitingAuthorisation"}, "Awaiting", "Pending"},
		"in force":                 {mandated.State{Code: "Authorised"}, "Active", "Active"},
		"ended":                    {mandated.State{Code: "Revoked"}, "Cancelled", "Cancelled"},
		"recurring, used up":       {mandated.State{Code: "Consumed", Payment: "Rejected"}, "Consumed", "Consumed"},
		"single, settled":          {mandated.State{Code: "Consumed", Single: true, Payment: "AcceptedSettlementCompleted"}, "Consumed", "Successful"},
		"single, credited":         {mandated.State{Code: "Consumed", Single: true, Payment: "AcceptedCreditSettlementCompleted"}, "Consumed", "Successful"},
		"single, not posted":       {mandated.State{Code: "Consumed", Single: true, Payment: "AcceptedWithoutPosting"}, "Consumed", "Successful"},
		"single, refused":          {mandated.State{Code: "Consumed", Single: true, Payment: "Rejected"}, "Consumed", "Failed"},
		"single, on its way":       {mandated.State{Code: "Consumed", Single: true, Payment: "Pending"}, "Consumed", "Consumed"},
		"single, without payment":  {mandated.State{Code: "Consumed", Single: true}, "Consumed", "Consumed"},
		"single, not used, lapsed": {mandated.State{Code: "Expired", Single: true, Payment: "Rejected"}, "Expired", "Expired"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.seed, mandated.Seed.Label(c.state))
			require.Equal(t, c.v21, mandated.V21.Label(c.state))
			require.Equal(t, c.seed, mandated.Profile("").Label(c.state))
		})
	}
	require.Equal(t, []mandated.Profile{mandated.Seed, mandated.V21}, mandated.Profiles())
}
