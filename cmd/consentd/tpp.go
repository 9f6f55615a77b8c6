package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"consentd/pkg/client"
)

// patience is how long the commands of a TPP wait for an answer.
const patience = 30 * time.Second

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 1 << 20

func tppCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tpp", Short: "Be a TPP: get certificates from a sandbox, and call with them"}
	cmd.AddCommand(tppNewCommand(), tppCallCommand())
	return cmd
}

// tppOrder is the body of POST /sandbox/tpps.
type tppOrder struct {
	Name    string   `json:"name"`
	Roles   []string `json:"roles,omitempty"`
	Defect  string   `json:"defect,omitempty"`
	Domains []string `json:"domains,omitempty"`
}

// tppKit is its answer; certificates and keys are PEM.
type tppKit struct {
	TPP   string   `json:"tpp"`
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
	QWAC  tppPair  `json:"qwac"`
	QSEAL tppPair  `json:"qseal"`
	CA    string   `json:"ca"`
}

type tppPair struct {
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
}

func tppNewCommand() *cobra.Command {
	var (
		order        tppOrder
		sandbox, out string
		force        bool
	)
	cmd := &cobra.Command{
		Use: "new", Short: "Have a sandbox make a TPP, and write its certificates and keys to a folder", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kit, err := orderTPP(cmd.Context(), strings.TrimSuffix(sandbox, "/")+"/sandbox/tpps", order)
			if err != nil {
				return err
			}
			if err := kit.write(out, force); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s, with %s; its certificates and keys are in %s\n", kit.TPP, kit.ID, strings.Join(kit.Roles, ", "), out)
			return err
		},
	}
	cmd.Flags().StringVar(&order.Name, "name", "", "name of the TPP: small letters, digits and hyphens")
	cmd.Flags().StringSliceVar(&order.Roles, "roles", nil, "what it is licensed for: PSP_AI, PSP_IC, PSP_PI, PSP_AS (default: PSP_AI; all of them for demo, acme and beta)")
	cmd.Flags().StringVar(&order.Defect, "defect", "", "what is wrong with its QWAC: expired, notYetValid, revoked, untrusted, noStatement")
	cmd.Flags().StringSliceVar(&order.Domains, "domains", nil, "domains of its QWAC (default: NAME.example, localhost, 127.0.0.1)")
	cmd.Flags().StringVar(&out, "out", "", "folder to write to")
	cmd.Flags().BoolVar(&force, "force", false, "write over other certificates and keys in that folder")
	cmd.Flags().StringVar(&sandbox, "sandbox", "http://localhost:8080", "where the sandbox is")
	required(cmd, "name", "out")
	return cmd
}

// required makes flags of a command necessary.
func required(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the caller has defined it
		}
	}
}

// orderTPP has a sandbox make a TPP.
func orderTPP(ctx context.Context, url string, order tppOrder) (*tppKit, error) {
	body, err := json.Marshal(order)
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--sandbox: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("is the sandbox running? %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or given up
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of the sandbox: %w", err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		return nil, refusedOrder(res.Status, answer)
	}
	var kit tppKit
	if err := json.Unmarshal(answer, &kit); err != nil || kit.QWAC.PrivateKey == "" {
		return nil, errors.Join(fmt.Errorf("%s did not answer as a sandbox does", url), err)
	}
	return &kit, nil
}

func refusedOrder(status string, answer []byte) error {
	var fault struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &fault) != nil || fault.Error == "" {
		return fmt.Errorf("the sandbox answered %s", status)
	}
	return fmt.Errorf("the sandbox answered %s: %s", status, fault.Error)
}

// write puts a kit into a folder. What is there already stays, unless force says
// otherwise: nobody can make a lost key again.
func (k *tppKit) write(dir string, force bool) error {
	files := []struct{ name, text string }{
		{client.FileQWACKey, k.QWAC.PrivateKey},
		{client.FileQWAC, k.QWAC.Certificate},
		{client.FileQSEALKey, k.QSEAL.PrivateKey},
		{client.FileQSEAL, k.QSEAL.Certificate},
		{client.FileCA, k.CA},
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		there, err := os.ReadFile(path) //nolint:gosec // the user chooses the folder
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case string(there) != f.text && !force:
			return fmt.Errorf("%s is there already and is another one: choose another folder, or --force", path)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if err := private(filepath.Join(dir, f.name), f.text); err != nil {
			return err
		}
	}
	return nil
}

// private writes a file that nobody but this user reads, whoever could read one
// that was there before.
func private(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}
