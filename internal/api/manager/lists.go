package manager

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/staging"
	wire "consentd/pkg/manager"
)

const (
	defaultSize = 25
	maxSize     = 100
	maxPage     = 1_000_000
)

// listConsents serves GET /consents: what changed last comes last, so that whoever
// polls can go on from there.
func (h *Handler) listConsents(k *call) (said, error) {
	f := staging.Filter{Changed: true}
	k.readFilter(&f)
	return h.list(k, f)
}

func (h *Handler) listGroup(k *call) (said, error) {
	return h.list(k, staging.Filter{Group: k.ids[0]})
}

func (h *Handler) listPSU(k *call) (said, error) {
	return h.list(k, staging.Filter{User: k.ids[0]})
}

func (h *Handler) listAccount(k *call) (said, error) {
	return h.list(k, staging.Filter{Account: k.ids[0]})
}

// list answers a page of consents.
func (h *Handler) list(k *call, f staging.Filter) (said, error) {
	none := k.readTypes(&f)
	k.readPage(&f)
	if err := k.wrong(nil); err != nil {
		return said{}, err
	}
	if k.user != "" && f.User != "" && f.User != k.user {
		return said{}, otherUserError{}
	}
	if err := h.look(k); err != nil {
		return said{}, err
	}
	found := &staging.Records{}
	if !none {
		var err error
		if found, err = h.Staging.List(k.ctx(), k.viewer, f); err != nil {
			return said{}, err
		}
	}
	rows := make([][]byte, len(found.List))
	for i := range found.List {
		var err error
		if rows[i], err = h.whole(&found.List[i], k); err != nil {
			return said{}, err
		}
	}
	return ok(wire.AppendList(nil, rows, metaFor(f, found)))
}

// metaFor says where a page stands.
func metaFor(f staging.Filter, found *staging.Records) *wire.Meta {
	m := &wire.Meta{PageSize: len(found.List), TotalRecords: found.Total, TotalPages: (found.Total + f.Size - 1) / f.Size}
	if f.After == nil {
		m.PageNumber = f.Page
	}
	if found.Next != nil {
		m.Next = cursorText(found.Next)
	}
	return m
}

// readTypes reads the filters that every list has. It reports whether nothing can meet
// them.
func (k *call) readTypes(f *staging.Filter) (none bool) {
	switch t := k.query.Get(queryType); t {
	case wire.DataSharing:
		f.Kinds = []consent.Kind{consent.AccountAccess}
	case wire.ServiceInitiation:
		f.Kinds = []consent.Kind{consent.Payments}
	case wire.Insurance:
		none = true // none are kept
	default:
		if k.query.Has(queryType) {
			k.faults = append(k.faults, fault(queryPath(queryType), "must be a type of consents"))
		}
	}
	for _, value := range k.query[queryStatus] {
		for word := range strings.SplitSeq(value, ",") {
			status, known := readStatus(word)
			if !known {
				k.faults = append(k.faults, fault(queryPath(queryStatus), "must be a status of a consent"))
				continue
			}
			f.Statuses = append(f.Statuses, domain[status]...)
		}
	}
	return none
}

// domain are the states that each status stands for.
var domain = map[wire.Status][]consent.Status{
	wire.AwaitingAuthorization: {consent.Received, consent.PartiallyAuthorised},
	wire.Authorized:            {consent.Valid},
	wire.Suspended:             {consent.Suspended},
	wire.Rejected:              {consent.Rejected},
	wire.Revoked:               {consent.Revoked},
	wire.Expired:               {consent.Expired},
	wire.Consumed:              {consent.Consumed},
}

// readStatus reads a status however it is spelt: capitals make no other, nor does s
// for z.
func readStatus(s string) (wire.Status, bool) {
	folded := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "authoris", "authoriz")
	for _, status := range wire.Statuses() {
		if strings.ToLower(string(status)) == folded {
			return status, true
		}
	}
	return "", false
}

// readPage reads which page is asked for.
func (k *call) readPage(f *staging.Filter) {
	f.Page = k.number(queryPage, 1, maxPage)
	f.Size = k.number(queryPageSize, defaultSize, maxSize)
	if !k.query.Has(queryAfter) {
		return
	}
	if k.query.Has(queryPage) {
		k.faults = append(k.faults, fault(queryPath(queryAfter), "cannot be there beside page"))
	}
	cursor, valid := cursorOf(k.query.Get(queryAfter), f.Changed)
	if !valid {
		k.faults = append(k.faults, fault(queryPath(queryAfter), "must be next of a former page of this list"))
	}
	f.After = cursor
}

// number reads a parameter from 1 to most.
func (k *call) number(name string, otherwise, most int) int {
	if !k.query.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(k.query.Get(name))
	if err != nil || n < 1 || n > most {
		k.faults = append(k.faults, fault(queryPath(name), "must be a number from 1 to "+strconv.Itoa(most)))
		return otherwise
	}
	return n
}

// readFilter reads the filters of GET /consents.
func (k *call) readFilter(f *staging.Filter) {
	f.User, f.Account, f.TPP = k.word(queryUser), k.word(queryAccount), k.word(queryTPP)
	f.MadeFrom, f.MadeTo = k.time(queryFrom), k.time(queryTo)
	if k.query.Has(queryUpdated) {
		var valid bool
		if f.ChangedAfter, valid = updatedAfter(k.query.Get(queryUpdated)); !valid {
			k.faults = append(k.faults, fault(queryPath(queryUpdated), "must be a time in seconds or milliseconds since 1970"))
		}
	}
}

// secondsEnd is where numbers stop to be seconds: as milliseconds it is in 1973.
const secondsEnd = 1e11

// updatedAfter reads an updatedAt, in seconds or milliseconds. Answers have it in
// milliseconds, so that all of the one that is named has been seen.
func updatedAfter(s string) (time.Time, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789.eE+") != "" || n > math.MaxInt64/1e6 {
		return time.Time{}, false
	}
	if n < secondsEnd {
		n *= 1000
	}
	return time.UnixMilli(int64(n)).Add(time.Millisecond - time.Microsecond).UTC(), true
}

func (k *call) word(name string) string {
	if !k.query.Has(name) {
		return ""
	}
	value := k.query.Get(name)
	k.faults = append(k.faults, text(maxBankID)(queryPath(name), value)...)
	return value
}

// maxBankID is the length, in characters, of the longest id of the bank's own.
const maxBankID = 300

func (k *call) time(name string) time.Time {
	if !k.query.Has(name) {
		return time.Time{}
	}
	t, valid := instant(k.query.Get(name))
	if !valid {
		k.faults = append(k.faults, fault(queryPath(name), "must be a time with its zone, like 2026-12-31T23:59:59Z"))
	}
	return t
}

// cursorText writes a cursor so that nobody is tempted to make one.
func cursorText(c *service.Cursor) string {
	b := append([]byte(nil), c.ID[:]...)
	if !c.Changed.IsZero() {
		b = binary.BigEndian.AppendUint64(b, uint64(c.Changed.UnixMicro()))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// cursorOf reads the cursor of a list in the order of changes, or of one in the other
// order: those of the other have another length.
func cursorOf(s string, changed bool) (*service.Cursor, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	const id, whole = 16, 24
	want := id
	if changed {
		want = whole
	}
	if err != nil || len(b) != want {
		return nil, false
	}
	c := &service.Cursor{ID: uuid.UUID(b[:id])}
	if changed {
		c.Changed = time.UnixMicro(int64(binary.BigEndian.Uint64(b[id:]))).UTC() //nolint:gosec // likewise
	}
	const last = 9999 // what a date can say
	return c, c.Changed.Year() <= last && c.Changed.Year() >= 1
}
