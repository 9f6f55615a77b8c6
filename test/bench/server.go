package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// bench is what the measurements share.
type bench struct {
	settings
	dsn string
	db  *sql.DB
	// managedDSN is of the database of the bank whose lists are measured.
	managedDSN string
	// insecure takes every caller for one TPP, over plain HTTP. Both work on the same database.
	insecure, verifying server
	// managing serves the Consent Manager API, of a bank in a database of its own.
	managing     server
	trust        *trust
	floorAddress string
	// copies are the statements that copy a consent under the ids of the relation fresh.
	copies string
	// token is of a resource server.
	token string
	// valid are consents that have been authorised.
	valid []string
}

// server is a configuration file of the program, and where it then listens.
type server struct {
	config              string
	database            string // the file of its address
	aspsp               string // where the bank's systems listen
	tpp, psu, bank, ops string
}

// nobody is an address at which nobody listens.
const nobody = "127.0.0.1:9"

// timeouts are generous: they end what hangs.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 20 * time.Second
)

// prepare writes the configurations, in production profile, and brings the schema up to date.
func prepare(ctx context.Context, s settings, t *trust, dsn func(database string) string) (*bench, error) {
	b := &bench{settings: s, trust: t, dsn: dsn("postgres"), managedDSN: dsn(managed)}
	b.insecure = server{config: filepath.Join(s.dir, "insecure.yaml"), database: "database.url", aspsp: nobody}
	b.verifying = server{config: filepath.Join(s.dir, "verifying.yaml"), database: "database.url", aspsp: nobody}
	b.managing = server{config: filepath.Join(s.dir, "managing.yaml"), database: "managed.url"}
	for _, address := range []*string{
		&b.insecure.tpp, &b.insecure.psu, &b.insecure.bank, &b.insecure.ops,
		&b.verifying.tpp, &b.verifying.psu, &b.verifying.bank, &b.verifying.ops, &b.floorAddress,
		&b.managing.tpp, &b.managing.psu, &b.managing.bank, &b.managing.ops, &b.managing.aspsp,
	} {
		var err error
		if *address, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.writeConfigs(); err != nil {
		return nil, err
	}
	if err := b.migrate(ctx, b.insecure); err != nil {
		return nil, err
	}
	var err error
	b.db, err = sql.Open("pgx", b.dsn)
	return b, err
}

// migrate brings the schema of a server's database up to date.
func (b *bench) migrate(ctx context.Context, s server) error {
	migrate := exec.CommandContext(ctx, b.consentd, "migrate", "up", "--config", s.config)
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("consentd migrate up: %w\n%s", err, out)
	}
	return nil
}

// writeConfigs writes the configurations and their secrets. No path that is
// measured calls the bank, the lists of a user apart: nobody listens at its address.
func (b *bench) writeConfigs() error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	files := map[string]string{
		"master.key":     base64.StdEncoding.EncodeToString(key),
		"database.url":   b.dsn,
		"managed.url":    b.managedDSN,
		"bank.token":     rand.Text(),
		"insecure.yaml":  "insecure: true\n" + b.common(b.insecure),
		"verifying.yaml": verifies + b.common(b.verifying),
		"managing.yaml":  "insecure: true\nmanager: {enabled: true}\n" + b.common(b.managing),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// common is what all configurations say.
func (b *bench) common(s server) string {
	return fmt.Sprintf(`brand: Benchmark
masterKeyFile: master.key
listeners: {tpp: "%s", psu: "%s", bank: "%s", ops: "%s"}
database: {urlFile: %s, maxConnections: %d}
bank: {url: "http://%s", tokenFile: bank.token}
log: {level: warn}
`, s.tpp, s.psu, s.bank, s.ops, s.database, b.pool, s.aspsp)
}

// process is a program that we started.
type process struct {
	cmd    *exec.Cmd
	output *os.File
	ended  chan error
}

// start runs a program until the context is over, or until stop or kill. What it
// says goes into a file of the given name.
func (b *bench) start(ctx context.Context, log, path string, args ...string) (*process, error) {
	output, err := os.Create(filepath.Join(b.dir, log))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "CREDENTIALS_DIRECTORY=")
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, output.Close())
	}
	p := &process{cmd: cmd, output: output, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	return p, nil
}

// stop asks the process to end and wants it to do so without an error.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.failed(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return p.failed(err)
		}
		return p.output.Close()
	case <-time.After(stopTimeout):
		return errors.Join(p.failed(errors.New("did not end in time")), p.kill())
	}
}

// kill ends a process that has nothing to finish.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended //nolint:errcheck // it says that it was killed
	return p.output.Close()
}

// failed adds the last that the process has said.
func (p *process) failed(err error) error {
	const enough = 4096
	said, _ := os.ReadFile(p.output.Name()) // without it the error is just shorter
	return fmt.Errorf("%s: %w\n%s", filepath.Base(p.cmd.Path), err, said[max(0, len(said)-enough):])
}

// startServer starts the program and returns once it is ready.
func (b *bench) startServer(ctx context.Context, s server) (*process, error) {
	p, err := b.start(ctx, filepath.Base(s.config)+".log", b.consentd, "serve", "--config", s.config)
	if err != nil {
		return nil, err
	}
	return p, p.wait(ctx, "http://"+s.ops+"/readyz")
}

func (b *bench) startFloor(ctx context.Context) (*process, error) {
	p, err := b.start(ctx, "floor.log", b.floor, b.floorAddress)
	if err != nil {
		return nil, err
	}
	return p, p.wait(ctx, "http://"+b.floorAddress+"/v1/consents/x/status")
}

// wait asks every millisecond until the answer is 200.
func (p *process) wait(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-p.ended:
			p.ended <- err
			return p.failed(fmt.Errorf("ended before it was ready: %w", err))
		case <-ctx.Done():
			return errors.Join(p.failed(fmt.Errorf("not ready: %w", ctx.Err())), p.kill())
		case <-tick.C:
			if status, err := get(ctx, url); err == nil && status == http.StatusOK {
				return nil
			}
		}
	}
}

// timeStarts measures from the start of the process until it says that it is ready.
func (b *bench) timeStarts(ctx context.Context) ([]time.Duration, error) {
	var took []time.Duration
	for range b.starts {
		begin := time.Now()
		p, err := b.startServer(ctx, b.insecure)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// get returns the status of an answer.
func get(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// freeAddress asks the system for a free port of loopback.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
