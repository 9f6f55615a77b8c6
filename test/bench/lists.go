package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"consentd/internal/service"
	"consentd/pkg/manager"
)

const (
	listBudget = 50 * time.Millisecond // the median, over HTTP
	// listReads is how often each list is read in a round.
	listReads = 6
	// listPage is how many consents a page has where nothing is said.
	listPage = 25
)

// listed is a list, and how long its reads took.
type listed struct {
	name  string
	role  service.Role
	path  string // with the query
	total string // how many are listed, counted by SQL
	rows  int    // on the page
	count int
	took  []time.Duration
}

// bank is the one whose lists are measured.
type bank struct {
	server server
	db     *sql.DB
	tokens map[service.Role]string
	client http.Client
}

// lists measures how long the lists of a bank's consents take, over HTTP, one after
// the other, and prints it.
func (b *bench) lists(ctx context.Context) (err error) {
	fmt.Fprintf(os.Stderr, "filling up a bank of %d consents\n", managedConsents)
	bank, stop, err := b.openBank(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	known, err := bank.fill(ctx)
	if err != nil {
		return err
	}
	all, err := bank.questions(ctx, known)
	if err != nil {
		return err
	}
	for round := range b.rounds {
		fmt.Fprintf(os.Stderr, "lists, round %d of %d\n", round+1, b.rounds)
		for _, l := range all {
			if err := bank.measure(ctx, l); err != nil {
				return err
			}
		}
	}
	return b.printLists(all)
}

// questions are the lists that are measured. Each is read once, which warms it up, and
// must tell as many as the database counts.
func (k *bank) questions(ctx context.Context, known *known) ([]*listed, error) {
	middle, err := k.cursor(ctx, fmt.Sprintf("/consents?page=%d", managedConsents/listPage/2))
	if err != nil {
		return nil, err
	}
	polled, err := k.cursor(ctx, fmt.Sprintf("/consents?updatedAt=%d", known.longAgo))
	if err != nil {
		return nil, err
	}
	const (
		all        = "true"
		status     = "status = '%s'"
		since      = "greatest(status_changed_at, updated_at) >= to_timestamp(%d / 1000.0) + interval '1 millisecond'"
		awaiting   = "/consents?status=AwaitingAuthorization"
		authorized = "/consents?status=Authorized"
	)
	hub, staff := service.Hub, service.BackOffice
	lists := []*listed{
		{name: "the first page", role: hub, path: "/consents", total: all},
		{name: "a page in the middle", role: hub, path: fmt.Sprintf("/consents?page=%d", managedConsents/listPage/2), total: all},
		{name: "the last page", role: hub, path: fmt.Sprintf("/consents?page=%d", managedConsents/listPage), total: all},
		{name: "a page of 100, in the middle", role: hub, path: fmt.Sprintf("/consents?pageSize=100&page=%d", managedConsents/200), total: all},
		{name: "after a cursor in the middle", role: hub, path: "/consents?after=" + middle, total: all},
		{name: "authorized", role: hub, path: authorized, total: fmt.Sprintf(status, "valid")},
		{name: "authorized, a page in the middle", role: hub, path: authorized + "&page=1250", total: fmt.Sprintf(status, "valid")},
		{name: "authorized, a page of 100, in the middle", role: hub, path: authorized + "&pageSize=100&page=330", total: fmt.Sprintf(status, "valid")},
		{name: "awaiting authorization", role: hub, path: awaiting, total: fmt.Sprintf(status, "received")},
		{name: "suspended", role: hub, path: "/consents?status=Suspended", total: fmt.Sprintf(status, "suspended")},
		{name: "payments, a page in the middle", role: hub, path: "/consents?page=500&consentType=" + manager.ServiceInitiation, total: "kind = 'payment'"},
		{name: "updatedAt, of late", role: hub, path: fmt.Sprintf("/consents?updatedAt=%d", known.ofLate), total: fmt.Sprintf(since, known.ofLate)},
		{name: "updatedAt, long ago", role: hub, path: fmt.Sprintf("/consents?updatedAt=%d", known.longAgo), total: fmt.Sprintf(since, known.longAgo)},
		{name: "updatedAt, long ago, after a cursor", role: hub, path: fmt.Sprintf("/consents?updatedAt=%d&after=%s", known.longAgo, polled), total: fmt.Sprintf(since, known.longAgo)},
		{name: "of a user", role: hub, path: "/psu/" + known.user + "/consents", total: "customer_id = '" + known.customer + "'"},
		{name: "of an account", role: hub, path: "/accounts/" + known.account + "/consents", total: "customer_id = '" + known.customer + "'"},
		{name: "of a group", role: hub, path: "/consent-groups/" + known.group + "/consents", total: "group_id = '" + known.group + "'"},
		{name: "back office, of a TPP", role: staff, path: "/consents?tppId=T7", total: "tpp = 'T7'"},
		{name: "back office, of a TPP, authorized, in the middle", role: staff, path: "/consents?tppId=T7&status=Authorized&page=60", total: "tpp = 'T7' AND " + fmt.Sprintf(status, "valid")},
		{name: "back office, made in a week", role: staff, path: known.week(), total: known.thatWeek()},
		{name: "back office, made in a week, in the middle", role: staff, path: known.week() + "&page=480", total: known.thatWeek()},
	}
	for _, l := range lists {
		if err := k.check(ctx, l); err != nil {
			return nil, fmt.Errorf("list %s: %w", l.name, err)
		}
	}
	return lists, nil
}

// answer is what is looked at of a list.
type answer struct {
	Data []json.RawMessage `json:"data"`
	Meta manager.Meta      `json:"meta"`
}

// check wants a list to be what the database says that it is.
func (k *bank) check(ctx context.Context, l *listed) error {
	if err := k.db.QueryRowContext(ctx, "SELECT count(*) FROM consents WHERE "+l.total).Scan(&l.count); err != nil {
		return err
	}
	var a answer
	if err := k.get(ctx, l.role, l.path, &a); err != nil {
		return err
	}
	if l.rows = len(a.Data); a.Meta.TotalRecords != l.count || l.rows == 0 {
		return fmt.Errorf("lists %d of %d, but there are %d", l.rows, a.Meta.TotalRecords, l.count)
	}
	return nil
}

// cursor is where the page after a page begins.
func (k *bank) cursor(ctx context.Context, path string) (string, error) {
	var a answer
	if err := k.get(ctx, service.Hub, path, &a); err != nil {
		return "", err
	}
	if a.Meta.Next == "" {
		return "", fmt.Errorf("%s has no next page", path)
	}
	return a.Meta.Next, nil
}

// measure reads a list, whole, so many times.
func (k *bank) measure(ctx context.Context, l *listed) error {
	for range listReads {
		begin := time.Now()
		if err := k.get(ctx, l.role, l.path, nil); err != nil {
			return fmt.Errorf("list %s: %w", l.name, err)
		}
		l.took = append(l.took, time.Since(begin))
	}
	return nil
}

// get asks the Consent Manager API.
func (k *bank) get(ctx context.Context, role service.Role, path string, into any) error {
	return k.call(ctx, call{role: role, method: http.MethodGet, path: path, want: http.StatusOK}, into)
}

// call is a request to the Consent Manager API, and the status of its answer.
type call struct {
	role         service.Role
	method, path string
	body         io.Reader
	want         int
}

// call sends it, and reads the answer into what is there, which may be nothing.
func (k *bank) call(ctx context.Context, c call, into any) error {
	request, err := http.NewRequestWithContext(ctx, c.method, "http://"+k.server.bank+manager.BasePath+c.path, c.body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+k.tokens[c.role])
	request.Header.Set("Accept", "application/json")
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != c.want {
		return fmt.Errorf("%s %s: %s\n%s", c.method, c.path, response.Status, content)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(content, into)
}

// printLists prints the medians beside their budget.
func (b *bench) printLists(all []*listed) error {
	fmt.Printf("\nlists of a bank with %d consents, over HTTP by one client, %d reads each:\n\n",
		managedConsents, b.rounds*listReads)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "list\tlisted\ton the page\tp50\tlongest\tbudget\t\t\n")
	for _, l := range all {
		p50 := median(l.took)
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t< %d ms\t%s\t\n", l.name, l.count, l.rows,
			milliseconds(p50), milliseconds(slices.Max(l.took)), listBudget.Milliseconds(), verdict(p50 < listBudget))
	}
	return table.Flush()
}
