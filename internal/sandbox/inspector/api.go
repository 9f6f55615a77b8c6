package inspector

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/edge"
	"consentd/internal/sandbox/pages"
)

// pathRequests is where the inspector is.
const pathRequests = "/sandbox/requests"

// queryRequestID is the filter by X-Request-ID.
const queryRequestID = "requestId"

// requestView is a call on the wire.
type requestView struct {
	*inspected

	Curl string `json:"curl"`
}

// requestQuery are the filters of the list.
type requestQuery struct {
	Limit  int
	Status string // 401, or 4xx; empty for any
	Part   string // of the target; empty for any
	// RequestID is the X-Request-ID of the call; empty for any.
	RequestID string
	Still     bool // the page does not load itself again
}

// readQuery reads the filters. Fails with CodeFormat.
func readQuery(c echo.Context) (q requestQuery, err error) {
	q = requestQuery{Limit: maxInspected, Status: c.QueryParam("status"), Part: c.QueryParam("path"), RequestID: c.QueryParam(queryRequestID), Still: c.QueryParam("still") != ""}
	if text := c.QueryParam("limit"); text != "" {
		q.Limit, err = strconv.Atoi(text)
		if err != nil || q.Limit < 1 || q.Limit > maxInspected {
			return q, consent.At(consent.CodeFormat, "Query.limit", "limit must be a number from 1 to %d", maxInspected)
		}
	}
	if q.Status == "" {
		return q, nil
	}
	class, isClass := strings.CutSuffix(q.Status, "xx")
	n, err := strconv.Atoi(class)
	if err != nil || isClass && (n < 1 || n > 5) || !isClass && (n < 100 || n > 599) {
		return q, consent.At(consent.CodeFormat, "Query.status", "status must be a status such as 401, or all of a kind such as 4xx")
	}
	return q, nil
}

// fits reports whether a call is one of those that are asked for.
func (q requestQuery) fits(c *inspected) bool {
	return strings.Contains(c.Target, q.Part) && (q.RequestID == "" || c.carries(q.RequestID)) && q.fitsStatus(c)
}

// fitsStatus also finds calls by the status with which a TPP is to be refused.
func (q requestQuery) fitsStatus(c *inspected) bool {
	fits := func(status int) bool {
		text := strconv.Itoa(status)
		class, isClass := strings.CutSuffix(q.Status, "xx")
		return q.Status == "" || text == q.Status || isClass && text[:1] == class
	}
	return fits(c.Status) || slices.ContainsFunc(c.Denials, func(d inspectedDeny) bool { return fits(d.Status) })
}

// carries reports whether a call was sent with an X-Request-ID, or answered with it.
func (c *inspected) carries(id string) bool {
	return strings.EqualFold(c.RequestID, id) || strings.EqualFold(c.Request.Headers.Get(edge.HeaderRequestID), id)
}

// Handler shows the calls that an Inspector keeps, to people and to programs.
type Handler struct {
	Inspector *Inspector
	Answers   pages.Answers
	Faults    func() int // how many faults are set, which the page tells
}

// Mount registers the calls and the pages; page is what stands before pages.
func (h *Handler) Mount(g *echo.Group, page echo.MiddlewareFunc) {
	g.GET("/requests", h.listRequests, page)
	g.POST("/requests", h.emptyRequests, page)
	g.DELETE("/requests", h.emptyRequests)
	g.GET("/requests/:id", h.readRequest, page)
}

// listRequests shows the last calls, to people or to programs.
func (h *Handler) listRequests(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	people := pages.WantsHTML(c.Request())
	q, err := readQuery(c)
	switch {
	case err != nil && people:
		return h.Answers.Problem(c, err)
	case err != nil:
		return h.Answers.Fail(c, err)
	}
	calls := h.Inspector.list(q.Limit, q.fits)
	if people && q.RequestID != "" && len(calls) == 1 {
		return c.Redirect(http.StatusSeeOther, pathRequests+"/"+strconv.Itoa(calls[0].ID))
	}
	if people {
		return h.requestsPage(c, q, calls)
	}
	views := make([]requestView, len(calls))
	for i, call := range calls {
		views[i] = viewOfCall(call)
	}
	return c.JSON(http.StatusOK, map[string]any{"requests": views})
}

func viewOfCall(call *inspected) requestView {
	view := requestView{inspected: call, Curl: call.curl()}
	if call.Path == nil {
		copied := *call
		copied.Path, view.inspected = []string{}, &copied
	}
	return view
}

// readRequest shows one call, to people or to programs.
func (h *Handler) readRequest(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	var call *inspected
	if id, err := strconv.Atoi(c.Param("id")); err == nil {
		call = h.Inspector.find(id)
	}
	people := pages.WantsHTML(c.Request())
	switch {
	case call == nil && people:
		return h.Answers.Render(c, http.StatusNotFound, "problem", pages.Fault{Error: "This call is not kept any more, or never was: the last " + strconv.Itoa(maxInspected) + " are."})
	case call == nil:
		return h.Answers.Fail(c, pages.ErrUnknown)
	case people:
		return h.requestPage(c, call)
	default:
		return c.JSON(http.StatusOK, viewOfCall(call))
	}
}

// emptyRequests forgets all calls.
func (h *Handler) emptyRequests(c echo.Context) error {
	h.Inspector.empty()
	if c.Request().Method == http.MethodPost { // a page's form
		return c.Redirect(http.StatusSeeOther, pathRequests)
	}
	return c.NoContent(http.StatusNoContent)
}
