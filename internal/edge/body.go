package edge

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"consentd/internal/consent"
)

// MaxBody is the size in bytes above which a body is refused.
const MaxBody = 64 << 10

// PathBody stands for the body as a whole in the path of a fault.
const PathBody = "body"

const mediaJSON = "application/json"

// ErrTooLarge says that a body is over the limit.
func ErrTooLarge() error {
	return consent.At(consent.CodeTooLarge, PathBody, "must not be larger than %d bytes", MaxBody)
}

// ReadBody reads at most one byte more than a body may have, so that whoever
// called can tell that it is too large. Fails with CodeTimeout, CodeTooLarge where
// something before us has a limit of its own, and CodeFormat.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := readUpTo(r.Body, r.ContentLength)
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return nil, consent.E(consent.CodeTimeout, "the body did not come in time").Because(err)
	case tooLarge:
		return nil, ErrTooLarge()
	default:
		return nil, consent.At(consent.CodeFormat, PathBody, "could not be read").Because(err)
	}
}

// readUpTo reads a body of a length that the client has said, -1 where it has not,
// into as much memory as it takes, and at most one byte more than a body may have.
func readUpTo(r io.Reader, length int64) ([]byte, error) {
	if length < 0 || length > MaxBody {
		return io.ReadAll(io.LimitReader(r, MaxBody+1)) //nolint:wrapcheck // by the caller
	}
	body := make([]byte, length)
	n, err := io.ReadFull(r, body) // net/http gives no more than was said
	return body[:n], err           //nolint:wrapcheck // by the caller
}

// IsJSON tells whether a Content-Type is application/json, in UTF-8 where it
// names a charset.
func IsJSON(header []string) bool {
	if len(header) != 1 {
		return false
	}
	if header[0] == mediaJSON {
		return true
	}
	media, params, err := mime.ParseMediaType(header[0])
	if err != nil || media != mediaJSON {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}
