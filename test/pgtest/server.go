package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Options says how a server is to run. The zero value suits tests.
type Options struct {
	// Durable keeps every commit safe on disk, as production does: for measuring.
	// Without it the server doesn't wait for the disk at all.
	Durable bool
}

// Server is a running PostgreSQL with a cluster of its own, whose superuser
// "postgres" needs no password from this machine.
type Server struct {
	bin     string // the directory of the server's programs
	root    string // holds the cluster, the socket and the log; goes with the server
	port    int
	account *syscall.Credential // whom the server runs as; nil means us
	watcher *exec.Cmd
	pipe    io.WriteCloser // the watcher acts when it closes
	stop    sync.Once
}

// watchScript waits for the end of its input: Stop, or the end of the process that
// started the server, whatever ended it.
const watchScript = `read -r _
"$1/pg_ctl" stop -s -m immediate -D "$2/data"
rm -rf "$2"`

// portTries is how often another free port is tried when somebody was quicker.
const portTries = 3

// Start makes a cluster and returns once its server answers. The context bounds the
// start only: the server runs until Stop, or until this process ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	root, err := makeRoot(account)
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, root: root, account: account}
	if err := s.watch(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	if err := s.boot(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// DSN is the address of a database on this server, as pgx and psql read it.
func (s *Server) DSN(db string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, db)
}

// Stop ends the server and removes its cluster. It may be called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		// The end of the pipe makes the watcher do the work: one way to go, so one
		// way to test. Its exit status says nothing that anybody could act on.
		_ = s.pipe.Close()
		_ = s.watcher.Wait()
	})
}

// boot makes the cluster and starts its server.
func (s *Server) boot(ctx context.Context, o Options) error {
	initdb := s.command(ctx, "initdb", "--no-sync", "--auth=trust", "--username=postgres",
		"--encoding=UTF8", "--locale=C", "--no-instructions", "--pgdata="+s.root+"/data")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var err error
	for range portTries {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.serve(ctx, o); err == nil {
			return nil
		}
	}
	return err
}

// serve starts the server on s.port and waits until it accepts connections.
func (s *Server) serve(ctx context.Context, o Options) error {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(s.port),
		"unix_socket_directories=" + s.root,
		"max_connections=200",
		"timezone=UTC",
	}
	if !o.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "shared_buffers=32MB")
	}
	log := filepath.Join(s.root, "log")
	start := s.command(ctx, "pg_ctl", "start", "--silent", "--wait", "--timeout=60",
		"--pgdata="+s.root+"/data", "--log="+log, "--options=-c "+strings.Join(settings, " -c "))
	if out, err := start.CombinedOutput(); err != nil {
		said, _ := os.ReadFile(log) // without it the error is just shorter
		return fmt.Errorf("pg_ctl start: %w\n%s%s", err, out, said)
	}
	return nil
}

// watch starts the process that puts everything away when this one is gone. It is
// in a session of its own, so that Ctrl-C, which ends us, doesn't end it too.
func (s *Server) watch(ctx context.Context) error {
	// Without cancel: the watcher ends by itself, and has work to do when ctx is over.
	s.watcher = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watchScript, "pgtest", s.bin, s.root)
	s.watcher.Dir = "/"
	s.watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.account}
	var err error
	if s.pipe, err = s.watcher.StdinPipe(); err != nil {
		return err
	}
	return s.watcher.Start()
}

// command prepares one of the server's programs, to be run as its account.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	return cmd
}

// unprivileged returns the account to run PostgreSQL as when we are root, which
// PostgreSQL refuses; nil when we are somebody else already.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL doesn't run as root, and there is neither an account postgres nor nobody")
}

// makeRoot makes the directory of one server, which belongs to its account. Its
// path is short, since that of a Unix socket must be.
func makeRoot(account *syscall.Credential) (string, error) {
	root, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return "", err
	}
	if account == nil {
		return root, nil
	}
	if err := os.Chown(root, int(account.Uid), int(account.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(root))
	}
	return root, nil
}

// freePort asks the system for a port. Somebody else may take it before we do.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(fmt.Errorf("not a TCP address: %v", listener.Addr()), listener.Close())
	}
	return address.Port, listener.Close()
}
