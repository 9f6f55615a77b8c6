package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

var errNoSession = errors.New("no such session")

// sessions keeps copies of the library's sessions. The library's own store hands
// out the sessions themselves, which parallel requests then share.
type sessions struct {
	mu   sync.Mutex
	kept map[string][]byte // by id
}

var _ goidc.AuthnSessionManager = (*sessions)(nil)

// Save implements goidc.AuthnSessionManager.
func (s *sessions) Save(_ context.Context, as *goidc.AuthnSession) error {
	raw, err := json.Marshal(as)
	if err != nil {
		return fmt.Errorf("encode a session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string][]byte{}
	}
	s.kept[as.ID] = raw
	return nil
}

// find returns a copy of the session that fits.
func (s *sessions) find(fits func(as *goidc.AuthnSession) bool) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, raw := range s.kept {
		var as goidc.AuthnSession
		if err := json.Unmarshal(raw, &as); err != nil {
			return nil, fmt.Errorf("decode a session: %w", err)
		}
		if fits(&as) {
			return &as, nil
		}
	}
	return nil, errNoSession
}

// SessionByCallbackID implements goidc.AuthnSessionManager.
func (s *sessions) SessionByCallbackID(_ context.Context, id string) (*goidc.AuthnSession, error) {
	return s.find(func(as *goidc.AuthnSession) bool { return as.CallbackID == id })
}

// SessionByAuthCode implements goidc.AuthnSessionManager.
func (s *sessions) SessionByAuthCode(_ context.Context, code string) (*goidc.AuthnSession, error) {
	return s.find(func(as *goidc.AuthnSession) bool { return as.AuthCode == code })
}

// SessionByPushedAuthReqID implements goidc.AuthnSessionManager; requests are not pushed here.
func (*sessions) SessionByPushedAuthReqID(context.Context, string) (*goidc.AuthnSession, error) {
	return nil, errNoSession
}

// SessionByCIBAAuthID implements goidc.AuthnSessionManager; nobody is asked without a browser here.
func (*sessions) SessionByCIBAAuthID(context.Context, string) (*goidc.AuthnSession, error) {
	return nil, errNoSession
}

// Delete implements goidc.AuthnSessionManager.
func (s *sessions) Delete(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, id)
	return nil
}
