package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"consentd/internal/app"
	"consentd/internal/config"
)

// command is the whole command line.
func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "consentd",
		Short:         "A PSD2 consent server: Berlin Group consents with strong customer authentication",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(sandboxCommand(), serveCommand(), migrateCommand(), tokenCommand(), auditCommand(), tppCommand(), configCommand(), versionCommand())
	return root
}

func sandboxCommand() *cobra.Command {
	var o app.SandboxOptions
	var level string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run everything on this machine, with a made-up bank, an embedded database and personas",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := app.NewLog(cmd.ErrOrStderr(), level, "text")
			if err != nil {
				return err
			}
			a, err := app.NewSandbox(cmd.Context(), o, log)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), a.Greeting())
			return a.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address to listen on, host:port")
	cmd.Flags().StringVar(&o.TLSListen, "tls-listen", "127.0.0.1:8443", "address to ask for certificates on, host:port, or off")
	cmd.Flags().StringVar(&o.Data, "data", "", "folder to keep data in between runs (default: a temporary one)")
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "require signed requests: Digest, Signature and TPP-Signature-Certificate")
	cmd.Flags().StringSliceVar(&o.Approaches, "approaches", []string{"redirect", "decoupled"}, "how PSUs are reached: redirect, decoupled, embedded; the first is the fallback")
	cmd.Flags().StringVar(&o.Start, "start", "auto", "when authorisations begin: auto, explicit, implicit")
	cmd.Flags().StringVar(&o.OAuth, "oauth", "", "what the Berlin Group dialect does with access tokens: integrated (scaOAuth) or preStep; default off")
	cmd.Flags().BoolVar(&o.Confirmation, "confirmation", false, "ask TPPs for the code that comes back with the browser")
	cmd.Flags().BoolVar(&o.Exempt, "exempt-available-accounts", false, "let one-off consents to the list of accounts do with the log-in alone")
	cmd.Flags().StringVar(&o.BasePath, "base-path", "", "what stands before the paths of the XS2A interface, such as /psd2")
	cmd.Flags().StringVar(&o.PublicURL, "public-url", "", "where a proxy in front of the sandbox is reached (default: what each request says)")
	cmd.Flags().BoolVar(&o.RelativeLinks, "relative-links", false, "give links to the XS2A interface as paths")
	cmd.Flags().StringVar(&level, "log", "warn", "log level: debug, info, warn, error")
	return cmd
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "serve", Short: "Run the server on PostgreSQL", Args: cobra.NoArgs}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		a, err := app.FromFile(cmd.Context(), *path, app.Surroundings{Env: os.Getenv, Log: cmd.ErrOrStderr()})
		if err != nil {
			return err
		}
		return a.Run(cmd.Context())
	}
	return cmd
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Move the database schema forward, or show where it is"}
	cmd.AddCommand(
		withConfig(&cobra.Command{Use: "up", Short: "Apply what is pending", Args: cobra.NoArgs},
			func(cmd *cobra.Command, cfg *config.Config) error {
				return migrate(cmd.Context(), cmd.OutOrStdout(), cfg, true)
			}),
		withConfig(&cobra.Command{Use: "status", Short: "List the migrations and whether each is applied", Args: cobra.NoArgs},
			func(cmd *cobra.Command, cfg *config.Config) error {
				return migrate(cmd.Context(), cmd.OutOrStdout(), cfg, false)
			}),
	)
	return cmd
}

func migrate(ctx context.Context, out io.Writer, cfg *config.Config, up bool) (err error) {
	log, err := app.NewLog(os.Stderr, cfg.Log.Level, cfg.Log.Format)
	if err != nil {
		return err
	}
	db, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	if up {
		if _, err := db.Migrate(ctx); err != nil {
			return err
		}
	}
	steps, err := db.Migrations(ctx)
	if err != nil {
		return err
	}
	for _, s := range steps {
		state := "pending"
		if s.Applied {
			state = "applied"
		}
		fmt.Fprintf(out, "%05d  %-8s %s\n", s.Version, state, s.Name)
	}
	return nil
}

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Work on the record of what happened"}
	cmd.AddCommand(withConfig(
		&cobra.Command{
			Use: "verify", Short: "Prove that nothing of it was changed, taken out or added", Args: cobra.NoArgs,
			Long: "Prove that nothing of it was changed, taken out or added. The digest in the last line is another one as soon as\n" +
				"anything was written. Keep it elsewhere, with each backup: what is put back must give the same.",
		},
		func(cmd *cobra.Command, cfg *config.Config) error {
			log, err := app.NewLog(os.Stderr, cfg.Log.Level, cfg.Log.Format)
			if err != nil {
				return err
			}
			return app.VerifyAudit(cmd.Context(), cfg, log, cmd.OutOrStdout())
		}))
	return cmd
}

func configCommand() *cobra.Command {
	check := &cobra.Command{Use: "check", Short: "Report all problems of a configuration at once", Args: cobra.NoArgs}
	path := configFlag(check)
	check.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*path, os.Getenv)
		if cfg != nil {
			err = errors.Join(err, app.Check(cfg, os.Getenv))
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "the configuration is fine")
		return nil
	}
	cmd := &cobra.Command{Use: "config", Short: "Work on the configuration"}
	cmd.AddCommand(check)
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print which build this is", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			version, goVersion := "unknown", ""
			if b, ok := debug.ReadBuildInfo(); ok {
				version, goVersion = b.Main.Version, b.GoVersion
			}
			fmt.Fprintln(cmd.OutOrStdout(), "consentd", version, goVersion)
		},
	}
}

// configFlag gives a command the --config flag.
func configFlag(cmd *cobra.Command) *string {
	path := cmd.Flags().String("config", "", "configuration file (see deployments/consentd.yaml)")
	if err := cmd.MarkFlagRequired("config"); err != nil {
		panic(err) // the flag was defined a line above
	}
	return path
}

// withConfig runs a command with the configuration that --config names.
func withConfig(cmd *cobra.Command, run func(*cobra.Command, *config.Config) error) *cobra.Command {
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(*path, os.Getenv)
		if err != nil {
			return err
		}
		return run(cmd, cfg)
	}
	return cmd
}
