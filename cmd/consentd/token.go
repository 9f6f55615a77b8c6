package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"consentd/internal/app"
	"consentd/internal/config"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "Let systems of the bank in by bearer tokens"}
	cmd.AddCommand(newTokenCommand(), withConfig(
		&cobra.Command{Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs},
		func(cmd *cobra.Command, cfg *config.Config) error {
			log, err := app.NewLog(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
			if err != nil {
				return err
			}
			return app.ListTokens(cmd.Context(), cfg, log, cmd.OutOrStdout())
		}),
		withConfig(
			&cobra.Command{Use: "revoke ID", Short: "End a token; servers believe it for a second more", Args: cobra.ExactArgs(1)},
			func(cmd *cobra.Command, cfg *config.Config) error {
				log, err := app.NewLog(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
				if err != nil {
					return err
				}
				return app.RevokeToken(cmd.Context(), cfg, log, cmd.Flags().Arg(0), cmd.OutOrStdout())
			}),
	)
	return cmd
}

// meanings say what each role may do.
var meanings = map[string]string{
	"resource-server": "gives account data, and asks whether a TPP may have it",
	"dashboard":       "shows customers their consents",
	"back-office":     "sees the register of TPPs, and blocks one",
	"hub":             "stages consents, records payments",
	"sca":             "authenticates customers on the bank's own pages, and shows them their consents",
	"app":             "says that a customer has answered in the bank's app",
}

// roles lists the roles, one in a line.
func roles() string {
	var list strings.Builder
	for _, role := range app.Roles() {
		fmt.Fprintf(&list, "  %-15s  %s\n", role, meanings[role])
	}
	return list.String()
}

func newTokenCommand() *cobra.Command {
	var o app.TokenOrder
	cmd := withConfig(
		&cobra.Command{
			Use: "new", Short: "Make a token and print it, this once", Args: cobra.NoArgs,
			Long: "Make a token and print it on standard output, this once: only a digest of it is kept.\n\n" +
				"Roles:\n" + roles(),
		},
		func(cmd *cobra.Command, cfg *config.Config) error {
			log, err := app.NewLog(cmd.ErrOrStderr(), cfg.Log.Level, cfg.Log.Format)
			if err != nil {
				return err
			}
			return app.NewToken(cmd.Context(), cfg, log, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		})
	cmd.Flags().StringVar(&o.Role, "role", "", "what the system may do: "+strings.Join(app.Roles(), ", "))
	cmd.Flags().StringVar(&o.Name, "name", "", "which system it is, for the audit")
	cmd.Flags().DurationVar(&o.TTL, "ttl", 90*24*time.Hour, "for how long it is good; 0 for ever")
	for _, name := range []string{"role", "name"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag was defined above
		}
	}
	return cmd
}
