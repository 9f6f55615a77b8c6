package app

import (
	"net"
	"net/http"
	"sync"
)

// silent knows the connections that have not said anything yet. net/http waits
// up to five seconds for each of them when a server stops, and browsers open
// some in advance; they hold no call, so a server that stops closes them.
type silent struct {
	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	stopped bool
}

// note is the server's ConnState.
func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != http.StateNew {
		delete(s.conns, c)
		return
	}
	if s.stopped {
		_ = c.Close() // nobody has spoken on it
		return
	}
	if s.conns == nil {
		s.conns = map[net.Conn]struct{}{}
	}
	s.conns[c] = struct{}{}
}

// stop closes those that there are, and all that still come.
func (s *silent) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}
