package overview_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"consentd/internal/consent"
	"consentd/internal/service"
	"consentd/internal/service/overview"
)

var (
	someTypes    = []overview.Type{"", overview.DataSharing, overview.Connected, overview.Funds, overview.SinglePayment, overview.FlexiPay}
	someStatuses = []consent.Status{
		"", consent.Received, consent.PartiallyAuthorised, consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked, consent.Expired, consent.Consumed,
	}
)

// TestRandomSights: whoever looks, and however, sees nothing out of sight, even where
// storage would tell it; the tabs hold every line; the choices are those of the cards.
func TestRandomSights(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFake()
		f.leaky, f.size = rapid.Bool().Draw(rt, "leaky"), rapid.IntRange(1, 9).Draw(rt, "page")
		viewers := someViewers(rt, f)
		someConsents(rt, f, viewers)
		v := rapid.SampledFrom(viewers).Draw(rt, "viewer")
		sight, err := f.Sight(rt.Context(), v.BankID, f.bank.customers[v.BankID])
		if err != nil {
			rt.Fatal(err)
		}
		w := world{f, rt, v, sight}
		w.checkBoards()
		w.checkChoices()
		w.checkDetails()
	})
}

// someViewers act for whom chance wants.
func someViewers(rt *rapid.T, f *fake) []overview.Viewer {
	var all []overview.Viewer
	for _, psu := range []string{"P", "Q", "R"} {
		all = append(all, f.viewer(psu, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"c", "d", "e"}), 0, 3, rapid.ID).Draw(rt, psu)...))
	}
	return all
}

func someConsents(rt *rapid.T, f *fake, viewers []overview.Viewer) {
	var made []*consent.Consent
	for range rapid.IntRange(0, 30).Draw(rt, "consents") {
		psu := rapid.SampledFrom(viewers).Draw(rt, "psu").PSU
		set := []func(*consent.Consent){
			of(rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "tpp")),
			rapid.SampledFrom([]func(*consent.Consent){
				kind(consent.AccountAccess), kind(consent.FundsConfirmation), connection(psu), forwarded(psu),
				pays(consent.PaymentTerms{Schedule: consent.SingleInstant}), pays(consent.PaymentTerms{Schedule: consent.FixedPeriodic}),
			}).Draw(rt, "what"),
			begunBy(psu),
			in(rapid.SampledFrom(someStatuses[1:]).Draw(rt, "status")),
		}
		if len(made) > 0 && rapid.Bool().Draw(rt, "goes on") {
			set = append(set, after(rapid.SampledFrom(made).Draw(rt, "with")))
		}
		c := f.add(rapid.SampledFrom([]string{"", "c", "d", "e"}).Draw(rt, "customer"), set...)
		f.entries[c.ID] = []consent.Entry{{Seq: 1, At: c.CreatedAt, To: string(consent.Received)}}
		made = append(made, c)
	}
}

// world is what one viewer sees, and what they should.
type world struct {
	*fake

	rt    *rapid.T
	v     overview.Viewer
	sight service.Sight
}

// all are all cards that a wish finds.
func (w world) all(wish overview.Wish) (cards []overview.Card, first *overview.Board) {
	for wish.Page = 1; ; wish.Page++ {
		b, err := w.Board(w.rt.Context(), w.v, wish)
		if err != nil {
			w.rt.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if cards = append(cards, b.Cards...); wish.Page >= b.Pages {
			if len(cards) != b.Total {
				w.rt.Fatalf("%d cards of %d", len(cards), b.Total)
			}
			return cards, first
		}
	}
}

// checkBoards holds the tabs against the lines in sight.
func (w world) checkBoards() {
	in := map[overview.Tab]map[uuid.UUID]bool{overview.Current: {}, overview.History: {}}
	carded := map[uuid.UUID]bool{}
	for tab, lines := range in {
		var n, counted int
		for _, pays := range []bool{false, true} {
			cards, b := w.all(overview.Wish{Tab: tab, Pays: pays})
			n += len(cards)
			counted = map[overview.Tab]int{overview.Current: b.Current, overview.History: b.History}[tab]
			for _, c := range cards {
				if !w.sight.Sees(c.Consent) || c.Type.Payment() != pays || c.Status.Final() != (tab == overview.History) || carded[c.ID] {
					w.rt.Fatalf("consent %s (%s, %s) has no business in %s", c.ID, c.Type, c.Status, tab)
				}
				carded[c.ID], lines[c.GroupID] = true, true
			}
		}
		if n != counted {
			w.rt.Fatalf("%s: %d cards, and %d are counted", tab, n, counted)
		}
	}
	for _, c := range w.consents {
		if !w.sight.Sees(c) || c.Kind == consent.Connection {
			continue
		}
		if !c.Status.Final() && !carded[c.ID] {
			w.rt.Fatalf("consent %s is %s and has no card", c.ID, c.Status)
		}
		if !in[overview.Current][c.GroupID] && !in[overview.History][c.GroupID] && !w.connects(c.GroupID) {
			w.rt.Fatalf("line %s is nowhere", c.GroupID)
		}
	}
}

// connects reports whether a connection is in a line, whose card may be another's.
func (w world) connects(group uuid.UUID) bool {
	for _, c := range w.consents {
		if c.GroupID == group && c.Kind == consent.Connection {
			return true
		}
	}
	return false
}

// checkChoices holds filters against what they should leave, and choices against all.
func (w world) checkChoices() {
	wish := overview.Wish{
		Tab:  rapid.SampledFrom([]overview.Tab{overview.Current, overview.History}).Draw(w.rt, "tab"),
		Pays: rapid.Bool().Draw(w.rt, "pays"),
	}
	every, _ := w.all(wish)
	wish.TPP = rapid.SampledFrom([]string{"", "A", "B"}).Draw(w.rt, "TPP")
	wish.Type = rapid.SampledFrom(someTypes).Draw(w.rt, "type")
	wish.Status = rapid.SampledFrom(someStatuses).Draw(w.rt, "filter")
	got, b := w.all(wish)
	var want []uuid.UUID
	for _, c := range every {
		if (wish.TPP == "" || wish.TPP == c.TPP) && (wish.Type == "" || wish.Type == c.Type) && (wish.Status == "" || chosen(wish.Status) == chosen(c.Status)) {
			want = append(want, c.ID)
		}
		if !slices.Contains(b.TPPs, overview.TPP{ID: c.TPP, Name: c.TPPName}) || !slices.Contains(b.Types, c.Type) || !slices.Contains(b.Statuses, chosen(c.Status)) {
			w.rt.Fatalf("%s, %s and %s are not all to be chosen", c.TPP, c.Type, c.Status)
		}
	}
	if !slices.Equal(want, idsOf(got)) {
		w.rt.Fatalf("%+v finds %v instead of %v", wish, idsOf(got), want)
	}
	if n := len(every); n == 0 && len(b.TPPs)+len(b.Types)+len(b.Statuses) > 0 {
		w.rt.Fatal("something is to be chosen of nothing")
	}
}

// chosen is a status as it is chosen.
func chosen(s consent.Status) consent.Status {
	if s == consent.PartiallyAuthorised {
		return consent.Received
	}
	return s
}

// checkDetails holds what can be read of each consent, and all that is downloaded,
// against the sight.
func (w world) checkDetails() {
	all, err := w.All(w.rt.Context(), w.v)
	if err != nil {
		w.rt.Fatal(err)
	}
	seen := 0
	for id, c := range w.consents {
		d, err := w.Overview.Get(w.rt.Context(), w.v, id)
		if w.sight.Sees(c) != (err == nil) {
			w.rt.Fatalf("consent %s: %v", id, err)
		}
		if err == nil {
			seen++
			w.checkSeen(d)
		}
	}
	for i := range all {
		w.checkSeen(&all[i])
	}
	if seen != len(all) {
		w.rt.Fatalf("%d are seen, %d are downloaded", seen, len(all))
	}
}

func (w world) checkSeen(d *overview.Detail) {
	for _, c := range append(d.Line, d.Card) {
		if !w.sight.Sees(c.Consent) || c.GroupID != d.GroupID || c.Members != len(d.Line)+1 {
			w.rt.Fatalf("consent %s is shown with %s", c.ID, d.ID)
		}
	}
	for _, e := range d.Events {
		if !w.sight.Sees(w.consents[e.Consent]) {
			w.rt.Fatalf("an event of consent %s is shown", e.Consent)
		}
	}
}
