package manager

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/bankauth"
	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/explain"
	"consentd/internal/service"
	"consentd/internal/service/staging"
)

// errPanic stands for a panic, which was logged where it was caught.
var errPanic = errors.New("panic")

// call is one request of a caller that may make it.
type call struct {
	echo   echo.Context
	req    *http.Request
	ep     *endpoint
	caller bankauth.Caller
	ids    edge.PathIDs // of the path, decoded
	query  url.Values   // only parameters that the endpoint takes
	body   []byte
	faults consent.Faults // of path, headers and query
	// user is for whom a dashboard acts, viewer the same; empty for all others.
	user   string
	viewer staging.Viewer
	// person is the member of staff for whom the back office calls; empty where it does
	// not say.
	person string
}

func (k *call) ctx() context.Context { return k.req.Context() }

// identify finds out for whom a dashboard acts.
func (h *Handler) identify(k *call) error {
	if k.caller.Role != service.Dashboard {
		return nil
	}
	if h.Users == nil {
		return consent.E(consent.CodeUnauthenticated, "no dashboard is set up to act for users")
	}
	user, err := h.Users.User(k.req)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(user)
	if err != nil || id == uuid.Nil {
		return consent.E(consent.CodeUnauthenticated, "the user for whom the dashboard acts is not known").Because(err)
	}
	k.user, k.viewer = id.String(), staging.Viewer{User: id}
	return nil
}

// staff reports whether the caller is the back office, whose reads are written down
// and whose acts may take two persons.
func (k *call) staff() bool { return k.caller.Role == service.BackOffice }

// cause says in the audit who called. A dashboard brings the wish of its user.
func (k *call) cause() consent.Cause {
	c := consent.Cause{By: consent.ByASPSP, Who: k.caller.ID, Certificate: k.caller.Certificate, RequestID: edge.RequestID(k.echo)}
	c.For = k.user
	if k.person != "" {
		c.Who = people + k.person
	}
	return c
}

// headerStaff says for which of the bank's staff its back office calls.
const headerStaff = "X-Staff"

// people is how the audit names the bank's staff, on the pages too.
const people = "staff/"

var staffForm = regexp.MustCompile(`^[!-~]{1,255}$`)

// readStaff reads for whom the back office calls. Of others the header is not read, and
// acts that take two persons must have one.
func (h *Handler) readStaff(k *call) {
	if !k.staff() {
		return
	}
	switch sent := k.req.Header[headerStaff]; {
	case len(sent) > 1:
		k.faults = append(k.faults, fault("Header."+headerStaff, "must be there once"))
	case len(sent) == 1 && !staffForm.MatchString(sent[0]):
		k.faults = append(k.faults, fault("Header."+headerStaff, "must be 1 to 255 visible characters"))
	case len(sent) == 1:
		k.person = sent[0]
	case k.ep.body && h.Office.FourEyesOn(): // what has no body is no act
		k.faults = append(k.faults, fault("Header."+headerStaff, "is required: an act takes two persons, and this is the first"))
	}
}

// wrong is what is wrong with the request, more included; nil for nothing.
func (k *call) wrong(more consent.Faults) error {
	all := slices.Concat(k.faults, more)
	for _, f := range all {
		explain.Note(k.ctx(), "wrong: %s: %s", f.Path, f.Text)
	}
	return all.Err()
}

// receive reads the request. What is wrong with path, headers and query is kept, to be
// reported together with the body's faults.
func (k *call) receive() error {
	k.faults = checkID(k.req.Header[edge.KeyRequestID])
	k.readPath()
	k.readQuery()
	if !k.ep.body {
		return nil
	}
	if !edge.IsJSON(k.req.Header["Content-Type"]) {
		return consent.At(consent.CodeMediaType, "Header.Content-Type", "must be application/json")
	}
	var err error
	if k.body, err = edge.ReadBody(k.req); err != nil {
		return err
	}
	if len(k.body) > edge.MaxBody {
		return edge.ErrTooLarge()
	}
	return nil
}

// checkID is what is wrong with the request id that was sent. It may be left out.
func checkID(sent []string) consent.Faults {
	switch {
	case len(sent) == 0 || len(sent) == 1 && edge.IsRequestID(sent[0]):
		return nil
	case len(sent) > 1:
		return wrong("Header."+edge.HeaderRequestID, "must be there once")
	default:
		return wrong("Header."+edge.HeaderRequestID, "must be a UUID")
	}
}

// maxID is the length of the longest id in characters: a ConsentId has 128.
const maxID = 128

func (k *call) readPath() {
	ids, _ := k.ep.matches(k.req)
	for i, id := range ids {
		if id == "" {
			continue
		}
		decoded, err := url.PathUnescape(id)
		if err != nil || text(maxID)("", decoded) != nil {
			k.faults = append(k.faults, fault("Path", "must hold ids of 1 to "+strconv.Itoa(maxID)+" characters"))
		}
		k.ids[i] = decoded
	}
}

// repeatable are the parameters that may be there several times.
var repeatable = map[string]bool{queryStatus: true}

// readQuery takes the parameters that the endpoint knows.
func (k *call) readQuery() {
	k.query = url.Values{}
	values, err := url.ParseQuery(k.req.URL.RawQuery)
	if err != nil {
		k.faults = append(k.faults, fault("Query", "must be a query string"))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case !slices.Contains(k.ep.query, name):
			k.faults = append(k.faults, fault(queryPath(plain(name)), "is not known here"))
		case len(values[name]) > 1 && !repeatable[name]:
			k.faults = append(k.faults, fault(queryPath(name), "must be there once"))
		default:
			k.query[name] = values[name]
		}
	}
}

func queryPath(name string) string { return "Query." + name }

// object reads the body as one JSON object; the faults are those of the whole
// request where it is none.
func (k *call) object() (map[string]any, error) {
	o, broken := edge.ParseObject(k.body)
	if broken != nil {
		return nil, k.wrong(consent.Faults{broken})
	}
	return o, nil
}
