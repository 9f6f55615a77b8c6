package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"consentd/pkg/sca"
)

// maxBody is the most that is read of an answer, in bytes.
const maxBody = 1 << 20

// errBroken means that no byte of an answer came.
var errBroken = errors.New("the connection broke before an answer came")

// ask makes a call, and makes it once more where the connection broke before an
// answer came: StepKey names the call, so it takes effect once. The time-out is
// that of both together. What took too long or was answered is not repeated.
func (f *Flow) ask(ctx context.Context, body []byte) (sca.Step, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	res, mac, err := f.send(ctx, body)
	if errors.Is(err, errBroken) && ctx.Err() == nil {
		res, mac, err = f.send(ctx, body)
	}
	if err != nil {
		return sca.Step{}, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer func() { _ = res.Body.Close() }() // nothing is lost with it: what matters was read
	if err := errorOf(res); err != nil {
		_, _ = io.CopyN(io.Discard, res.Body, maxBody) // so that the connection serves again
		return sca.Step{}, err
	}
	answer, err := f.read(res, mac)
	if err != nil {
		return sca.Step{}, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return answer, nil
}

// send signs and sends a body. It returns the MAC too, which the answer's covers.
func (f *Flow) send(ctx context.Context, body []byte) (res *http.Response, mac string, err error) {
	var answered atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { answered.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return nil, "", errors.New("malformed address") // checked by New
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if len(f.key) > 0 {
		var value string
		value, mac = f.key.sign(f.now(), string(body))
		req.Header.Set(header, value)
	}
	res, err = f.http.Do(req)
	switch {
	case err == nil:
		return res, mac, nil
	case !answered.Load() && passing(err):
		return nil, "", fmt.Errorf("%w: %w", errBroken, plain(err))
	case answered.Load():
		return nil, "", quiet(err)
	default:
		return nil, "", plain(err)
	}
}

// plain takes address and method out of a transport error: neither helps.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// quiet is what may be said of an answer that could not be read: the library's
// errors quote it, and it may quote the call.
func quiet(err error) error {
	for _, plain := range []error{context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	return errors.New("an answer that is no HTTP")
}

// passing tells what may be over a moment later from a time-out, which has used up
// its moment, and a certificate that is not to be believed.
func passing(err error) bool {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return false
	}
	_, impostor := errors.AsType[*tls.CertificateVerificationError](err)
	return !impostor && !errors.Is(err, context.Canceled)
}

// errorOf judges the status of an answer.
func errorOf(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return fmt.Errorf("%w: status %d", ErrNoAnswer, code)
	case code >= http.StatusBadRequest && code < http.StatusInternalServerError:
		return fmt.Errorf("%w: status %d", ErrRefused, code)
	default:
		return fmt.Errorf("%w: status %d", ErrNoAnswer, code)
	}
}

// read takes an answer that came with status 200. It believes nothing of it
// before its signature is right.
func (f *Flow) read(res *http.Response, mac string) (sca.Step, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return sca.Step{}, fmt.Errorf("read the answer: %w", quiet(err))
	case len(body) > maxBody:
		return sca.Step{}, fmt.Errorf("read the answer: more than %d bytes", maxBody)
	}
	if len(f.key) > 0 {
		if err := f.key.verify(f.now(), res.Header.Get(header), mac, string(body)); err != nil {
			return sca.Step{}, err
		}
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return sca.Step{}, errors.New("read the answer: not application/json")
	}
	answer, err := decode(body)
	if err != nil {
		return sca.Step{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}
