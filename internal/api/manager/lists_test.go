package manager_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"consentd/internal/consent"
	"consentd/internal/service/staging"
)

// Pages one after the other hold all there is, by number and by cursor, and say where
// they stand.
func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := w.call("hub GET /consents", "")
	require.Equal(t, map[string]any{"pageNumber": 1.0, "totalPages": 0.0, "totalRecords": 0.0}, empty.object(t, "meta"))
	var all []string
	for i := range 7 {
		made := w.call("hub POST /consents", replaced(dataRequest, "budget-1", fmt.Sprintf("budget-%d", i)))
		id, ok := made.object(t, "data", "id").(string)
		require.True(t, ok)
		all = append(all, id)
	}
	for size := 1; size <= 8; size++ {
		var byNumber, byCursor []string
		for page := 1; page <= (7+size-1)/size; page++ {
			got := w.call(fmt.Sprintf("hub GET /consents?pageSize=%d&page=%d", size, page), "")
			rows := got.rows(t, "id")
			byNumber = append(byNumber, rows...)
			require.InDelta(t, len(rows), got.object(t, "meta", "pageSize"), 0)
			require.InDelta(t, page, got.object(t, "meta", "pageNumber"), 0)
			require.InDelta(t, (7+size-1)/size, got.object(t, "meta", "totalPages"), 0)
			require.InDelta(t, 7, got.object(t, "meta", "totalRecords"), 0)
		}
		require.Equal(t, all, byNumber)
		for query := fmt.Sprintf("?pageSize=%d", size); ; {
			got := w.call("hub GET /consents"+query, "")
			byCursor = append(byCursor, got.rows(t, "id")...)
			next, more := got.object(t, "meta", "next").(string)
			if !more {
				break
			}
			query = fmt.Sprintf("?pageSize=%d&after=%s", size, next)
		}
		require.Equal(t, all, byCursor)
	}
	past := w.call("hub GET /consents?page=9", "")
	require.Equal(t, map[string]any{"pageNumber": 9.0, "totalPages": 1.0, "totalRecords": 7.0}, past.object(t, "meta"))
}

// The cursor comes back as it was, to the microsecond.
func TestCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.now = start.Add(time.Duration(i) * 1234567 * time.Microsecond)
		w.call("hub POST /consents", replaced(dataRequest, "budget-1", fmt.Sprintf("budget-%d", i)))
	}
	first := w.call("hub GET /consents?pageSize=2", "")
	next, _ := first.object(t, "meta", "next").(string)
	w.call("hub GET /consents?pageSize=2&after="+next, "")
	require.Equal(t, w.staging.all[1].ID, w.staging.last.After.ID)
	require.Equal(t, start.Add(1234567*time.Microsecond), w.staging.last.After.Changed)

	both := w.call("hub GET /consents?page=1&after="+next, "")
	require.Contains(t, both.object(t, "errorMessage"), "Query.after cannot be there beside page")

	for _, r := range w.staging.all {
		r.Accounts = []string{"r1"}
	}
	newest, _ := w.call("hub GET /accounts/r1/consents?pageSize=1", "").object(t, "meta", "next").(string)
	require.NotEmpty(t, newest)
	// One of a list in the other order begins no page, which would be empty.
	for path, cursor := range map[string]string{"/consents": newest, "/psu/" + omar + "/consents": next, "/accounts/r1/consents": next, "/consent-groups/g/consents": next} {
		other := w.call("hub GET "+path+"?after="+cursor, "")
		require.Equal(t, "Resource.InvalidFormat", other.object(t, "errorCode"), path)
		require.Contains(t, other.object(t, "errorMessage"), "Query.after", path)
	}
	require.Equal(t, 200, w.call("hub GET /accounts/r1/consents?after="+newest, "").status)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pending := []consent.Status{consent.Received, consent.PartiallyAuthorised}
	for query, want := range map[string][]consent.Status{
		"status=AwaitingAuthorisation": pending, "status=awaitingauthorization": pending, "status=%20AUTHORISED": {consent.Valid},
		"status=Revoked,Expired&status=Consumed": {consent.Revoked, consent.Expired, consent.Consumed},
	} {
		require.Equal(t, 200, w.call("hub GET /accounts/r1/consents?"+query, "").status)
		require.Equal(t, want, w.staging.last.Statuses, query)
	}
	for query, want := range map[string][]consent.Kind{
		"cbuae-account-access-consents": {consent.AccountAccess}, "cbuae-service-initiation-consents": {consent.Payments},
	} {
		w.call("hub GET /consents?consentType="+query, "")
		require.Equal(t, want, w.staging.last.Kinds)
	}
	// A row of that very millisecond has been seen.
	seen := time.UnixMilli(1772700060000).UTC().Add(999 * time.Microsecond)
	for _, updated := range []string{"1772700060000", "1772700060", "1.77270006e12"} {
		require.Equal(t, 200, w.call("hub GET /consents?updatedAt="+updated, "").status)
		require.Equal(t, seen, w.staging.last.ChangedAfter, updated)
	}
	require.True(t, w.staging.last.Changed)
	w.call("back-office GET /consents?"+url.Values{
		"userId": {omar}, "accountId": {"r1"}, "tppId": {"budget"}, "createdFrom": {"2026-03-01T00:00:00+04:00"}, "createdTo": {"2026-04-01T00:00:00Z"},
	}.Encode(), "")
	f := w.staging.last
	require.Equal(t, []string{omar, "r1", "budget"}, []string{f.User, f.Account, f.TPP})
	require.Equal(t, []time.Time{time.Date(2026, time.February, 28, 20, 0, 0, 0, time.UTC), time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)}, []time.Time{f.MadeFrom, f.MadeTo})
	w.call("hub GET /consent-groups/g1/consents", "")
	require.Equal(t, "g1", w.staging.last.Group)
	require.False(t, w.staging.last.Changed)
	w.call("hub POST /consents", dataRequest)
	require.Empty(t, w.call("hub GET /consents?consentType=cbuae-insurance-consents", "").rows(t, "id"))

	for query, says := range map[string]string{
		"page=0": "Query.page", "page=x": "Query.page", "pageSize=101": "Query.pageSize", "pageSize=0": "Query.pageSize", "status=Paused": "Query.status",
		"status=": "Query.status", "consentType=x": "Query.consentType", "updatedAt=-1": "Query.updatedAt", "updatedAt=NaN": "Query.updatedAt",
		"updatedAt=1e300": "Query.updatedAt", "after=x": "Query.after", "after=AAAAAAAAAAAAAAAAAAAAAH__________": "Query.after", "createdFrom=2026": "Query.createdFrom", "colour=1": "Query.colour is not known",
		"page=1&page=2": "Query.page", "tppId=": "Query.tppId", "%zz": "Query",
	} {
		got := w.call("hub GET /consents?"+query, "")
		require.Equal(t, 400, got.status, query)
		require.Equal(t, "Resource.InvalidFormat", got.object(t, "errorCode"), query)
		require.Contains(t, got.object(t, "errorMessage"), says, query)
	}
	wrongID := w.call("hub GET /consents", "", "X-Request-Id", "x")
	require.Equal(t, "Resource.InvalidFormat", wrongID.object(t, "errorCode"))
}

// failing is a store that cannot be read.
type failing struct{ *memory }

func (failing) Get(context.Context, staging.Viewer, string) (*staging.Record, error) {
	return nil, errors.New("no route to 10.0.0.7")
}

// What is our own fault is told in the log, and there alone.
func TestOurFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.Staging = failing{w.staging}
	got := w.call("hub GET /consents/budget-1", "")
	require.Equal(t, 500, got.status)
	require.NotContains(t, string(got.body), "10.0.0.7")
	require.Contains(t, w.said.String(), "requestId="+requestID+` status=500 error="no route to 10.0.0.7"`)
}

// heeding is a store that stages only as long as somebody waits.
type heeding struct{ *memory }

func (h heeding) Stage(ctx context.Context, cause consent.Cause, s consent.Staging, base string) (*staging.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	return h.memory.Stage(ctx, cause, s, base)
}

// What was begun for a caller who has gone is done all the same.
func TestCallerHasGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.Staging = heeding{w.staging}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/consent-manager/consents", strings.NewReader(dataRequest))
	r.Header = http.Header{"X-Test-Role": {"hub"}, "X-Request-Id": {requestID}, "Content-Type": {"application/json"}}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, r)
	require.Equal(t, http.StatusCreated, rec.Code, rec.Body)
}

// What is wrong with a call itself has the one form of an error, too.
func TestTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for call, want := range map[string]string{
		"nobody GET /consents": "401 AccessToken.Invalid", "nobody GET /nothing": "401 AccessToken.Invalid", "app GET /consents": "403 AccessToken.InvalidScope",
		"hub GET /nothing": "404 Resource.NotFound", "hub GET /consents/": "404 Resource.NotFound", "hub DELETE /consents/x": "405 Resource.MethodNotAllowed",
		"hub GET /consents/a/b": "404 Resource.NotFound", "hub GET /consents//audit": "404 Resource.NotFound",
		"hub POST /consents": "415 Body.UnsupportedMediaType",
	} {
		got := w.call(call, "")
		require.Equal(t, want, fmt.Sprintf("%d %s", got.status, got.object(t, "errorCode")), call)
	}
	require.Equal(t, "POST, GET", w.call("hub PUT /consents", "").header.Get("Allow"))
	twice := httptest.NewRequest(http.MethodGet, "/consent-manager/consents", http.NoBody)
	twice.Header = http.Header{"X-Test-Role": {"back-office"}, "X-Request-Id": {requestID, requestID}, "X-Staff": {"mia", "mia"}}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, twice)
	for _, header := range []string{"X-Request-ID", "X-Staff"} {
		require.Contains(t, rec.Body.String(), "Header."+header+" must be there once")
	}
	for _, id := range []string{strings.Repeat("x", 129), "%FF", "%20"} {
		got := w.call("hub GET /consents/"+id, "")
		require.Contains(t, got.object(t, "errorMessage"), "Path must hold ids of 1 to 128 characters", id)
	}
	large := w.call("hub POST /consents", `{"x":"`+string(make([]byte, 65<<10))+`"}`)
	require.Equal(t, 413, large.status)
}
