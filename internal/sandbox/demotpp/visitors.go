package demotpp

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/labstack/echo/v4"
)

// What is kept at most.
const (
	maxVisitors  = 64
	maxExchanges = 60 // of a visitor
	maxDeals     = 20 // of a visitor

	maxConnections = 20 // of a visitor
)

// cookie names the visitor.
const cookie = "demo_tpp"

// visitors are those who have sent a form, by what their cookies say. The one who
// was not seen for the longest time goes first.
type visitors struct {
	mu    sync.Mutex
	known map[string]*visitor
	order []string // of their cookies, the last seen at the end
}

// find returns who shows a cookie; nil for nobody.
func (v *visitors) find(id string) *visitor {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.known[id]
	if found != nil {
		v.order = append(slices.DeleteFunc(v.order, func(o string) bool { return o == id }), id)
	}
	return found
}

func (v *visitors) add(id string) *visitor {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		v.known = map[string]*visitor{}
	}
	if len(v.order) >= maxVisitors {
		delete(v.known, v.order[0])
		v.order = v.order[1:]
	}
	made := &visitor{}
	v.known[id], v.order = made, append(v.order, id)
	return made
}

// visitor finds who sent a request; one who has done nothing yet is nobody's, and
// forgotten after the answer.
func (a *App) visitor(c echo.Context) *visitor {
	if shown, err := c.Cookie(cookie); err == nil {
		if v := a.visitors.find(shown.Value); v != nil {
			return v
		}
	}
	return &visitor{}
}

// guest is the visitor of a request that does something: they are kept, by a cookie
// that comes along when the bank sends the browser back (Lax).
func (a *App) guest(c echo.Context) *visitor {
	if shown, err := c.Cookie(cookie); err == nil {
		if v := a.visitors.find(shown.Value); v != nil {
			return v
		}
	}
	id := rand.Text()
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure where the page itself came over TLS; the sandbox speaks plain http too
		Name: cookie, Value: id, Path: "/tpp", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.IsTLS(),
	})
	return a.visitors.add(id)
}

// visitor is somebody before a browser, and what they did.
type visitor struct {
	mu        sync.Mutex
	exchanges []exchange
	counted   int // exchanges ever
	deals     []deal
	begun     int   // deals ever
	refused   draft // the last form, where the bank refused it

	connections []connection
	connected   int // connections ever
}

// note keeps an exchange and returns its number.
func (v *visitor) note(x exchange) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := len(v.exchanges) - 1; i >= max(0, len(v.exchanges)-2); i-- {
		if before := &v.exchanges[i]; before.same(x) {
			before.Times, before.At, before.Took = before.Times+1, x.At, x.Took
			return before.Number
		}
	}
	v.counted++
	x.Number, x.Times = v.counted, 1
	v.exchanges = append(v.exchanges, x)
	v.exchanges = v.exchanges[max(0, len(v.exchanges)-maxExchanges):]
	return x.Number
}

// exchange finds one by its number; nil for one that is no longer kept.
func (v *visitor) exchange(number int) *exchange {
	for _, x := range v.all() {
		if x.Number == number {
			return &x
		}
	}
	return nil
}

// all are the exchanges, the oldest first.
func (v *visitor) all() []exchange {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.exchanges)
}

// open keeps a new deal under a number of its own.
func (v *visitor) open(d deal) deal {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.begun++
	d.Number = v.begun
	v.deals = append(v.deals, d)
	v.deals = v.deals[max(0, len(v.deals)-maxDeals):]
	return d
}

// begunDeals are the deals, the newest first.
func (v *visitor) begunDeals() []deal {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := slices.Clone(v.deals)
	slices.Reverse(list)
	return list
}

// deal finds one by its number, as text.
func (v *visitor) deal(number string) (deal, bool) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return deal{}, false
	}
	return v.where(func(d deal) bool { return d.Number == n })
}

// where finds the newest deal of a kind.
func (v *visitor) where(fits func(deal) bool) (deal, bool) {
	for _, d := range v.begunDeals() {
		if fits(d) {
			return d, true
		}
	}
	return deal{}, false
}

// change changes a deal, and returns it as it is then.
func (v *visitor) change(number int, how func(*deal)) deal {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.deals {
		if v.deals[i].Number == number {
			how(&v.deals[i])
			return v.deals[i]
		}
	}
	return deal{}
}

// keepRefused keeps a form that the bank refused, to be mended.
func (v *visitor) keepRefused(d draft) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refused = d
}

func (v *visitor) lastRefused() draft {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refused
}

// clear forgets everything.
func (v *visitor) clear() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.exchanges, v.deals, v.refused, v.connections = nil, nil, nil, nil
}
