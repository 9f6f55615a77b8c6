package eidas

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxAnchorFile bounds a file of anchors, in bytes: all authorities of the
// European trusted lists together are below one tenth of it.
const maxAnchorFile = 16 << 20

// Anchors are the authorities at which a chain must end. They may be used by many
// verifiers, and read again while these work.
type Anchors struct {
	paths  []string
	reload sync.Mutex // one at a time
	set    atomic.Pointer[anchorSet]
}

// anchorSet is what was loaded at one time.
type anchorSet struct {
	pool       *x509.CertPool
	named      map[string][]*x509.Certificate // by subject, as DER
	digest     [sha256.Size]byte              // of the names and contents of the files
	generation uint64                         // counts the sets of one Anchors
}

// NewAnchors makes anchors of certificates at hand. None at all is allowed: then
// nobody is trusted.
func NewAnchors(certs ...*x509.Certificate) *Anchors {
	a := &Anchors{}
	a.set.Store(newAnchorSet(certs))
	return a
}

// LoadAnchors reads anchors from files and folders; of a folder, what ends in
// .pem, .crt or .cer and lies directly in it. A file holds one certificate or more
// as PEM, or as DER. A file without a certificate, one that cannot be read, and a
// set without any certificate are errors.
func LoadAnchors(paths ...string) (*Anchors, error) {
	a := &Anchors{paths: slices.Clone(paths)}
	set, err := readAnchors(a.paths)
	if err != nil {
		return nil, err
	}
	a.set.Store(set)
	return a, nil
}

// Reload looks at the files again, and says whether they hold something else than
// before. On an error what was loaded stays. Contents are compared, not times and
// sizes, since files are swapped under a name by links and copied with their times;
// there are few of them, and small.
func (a *Anchors) Reload() (changed bool, err error) {
	if len(a.paths) == 0 {
		return false, nil
	}
	a.reload.Lock()
	defer a.reload.Unlock()
	next, err := readAnchors(a.paths)
	if err != nil {
		return false, err
	}
	current := a.set.Load()
	if next.digest == current.digest {
		return false, nil
	}
	next.generation = current.generation + 1
	a.set.Store(next)
	return true, nil
}

// current is the set in force; without anchors, one that trusts nobody: a nil pool
// would mean the machine's own authorities.
func (a *Anchors) current() *anchorSet {
	if a == nil {
		return &anchorSet{pool: x509.NewCertPool()}
	}
	if set := a.set.Load(); set != nil {
		return set
	}
	return &anchorSet{pool: x509.NewCertPool()}
}

func newAnchorSet(certs []*x509.Certificate) *anchorSet {
	named := make(map[string][]*x509.Certificate, len(certs))
	for _, c := range certs {
		named[string(c.RawSubject)] = append(named[string(c.RawSubject)], c)
	}
	return &anchorSet{pool: poolOf(certs), named: named}
}

func poolOf(certs []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

func readAnchors(paths []string) (*anchorSet, error) {
	files, err := anchorFiles(paths)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	digest := sha256.New()
	for _, file := range files {
		content, err := readAnchorFile(file)
		if err != nil {
			return nil, err
		}
		found, err := certificatesIn(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if i := slices.IndexFunc(found, func(c *x509.Certificate) bool { return !c.IsCA }); i >= 0 {
			return nil, fmt.Errorf("%s: %s is not an authority's certificate", file, found[i].Subject)
		}
		certs = append(certs, found...)
		// Which file holds what does not matter, but where one ends does.
		sum := sha256.Sum256(content)
		digest.Write(sum[:])
	}
	if len(certs) == 0 {
		return nil, errors.New("no trust anchor in " + strings.Join(paths, ", "))
	}
	set := newAnchorSet(certs)
	set.digest = [sha256.Size]byte(digest.Sum(nil))
	return set, nil
}

// anchorFiles names the files to read, those of a folder in the order of their names.
func anchorFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("trust anchors: %w", err)
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("trust anchors: %w", err)
		}
		for _, e := range entries {
			switch strings.ToLower(filepath.Ext(e.Name())) {
			case ".pem", ".crt", ".cer":
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
	}
	return files, nil
}

// readAnchorFile reads a regular file, or what a link to one leads to; a pipe
// would hold the reader for ever.
func readAnchorFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("trust anchors: %s: not a file", path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, maxAnchorFile+1))
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	if len(content) > maxAnchorFile {
		return nil, fmt.Errorf("trust anchors: %s: more than %d bytes", path, maxAnchorFile)
	}
	return content, nil
}

// certificatesIn reads PEM, or else DER. Other PEM blocks than certificates are
// passed over; a certificate that the PEM decoder passes over, since it is damaged,
// is an error, and not an anchor the fewer.
func certificatesIn(content []byte) ([]*x509.Certificate, error) {
	begin := []byte("-----BEGIN CERTIFICATE-----")
	if !bytes.Contains(content, []byte("-----BEGIN ")) {
		certs, err := x509.ParseCertificates(content)
		if err == nil && len(certs) == 0 {
			err = errors.New("empty")
		}
		return certs, err
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("no certificate")
	}
	if n := bytes.Count(content, begin); n != len(certs) {
		return nil, fmt.Errorf("%d certificates begin, but only %d can be read", n, len(certs))
	}
	return certs, nil
}
