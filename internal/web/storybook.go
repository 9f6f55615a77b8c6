package web

import (
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"consentd/internal/consent"
	"consentd/internal/secret"
	"consentd/internal/service/overview"
	"consentd/internal/service/sca"
	"consentd/internal/service/sessions"
)

// Story is a page in one state, made of canned data. It has no way to any consent.
type Story struct {
	Name string
	Path string // below where the book is mounted
}

// Stories are all pages in all their states, in the order of the book.
func Stories() []Story {
	var all []Story
	for _, s := range scenes() {
		all = append(all, Story{Name: s.name, Path: "/" + s.name})
	}
	return all
}

// StoryBook shows the stories to those who design or test the pages. Brand may be empty.
type StoryBook struct {
	Brand string
	Log   *slog.Logger // for pages that cannot be rendered
	Keys  *secret.Keys // signs CSRF tokens, which count nowhere

	board *Dashboard
	walks *SCA
}

// Mount adds the book's pages to a group: a list of them, and each by its name. The
// files that they refer to are served by whoever mounts SCA or Dashboard.
func (b *StoryBook) Mount(g *echo.Group) {
	b.board = &Dashboard{Keys: b.Keys, Log: b.Log, Brand: b.Brand, Now: storyNow}
	b.board.prepare()
	b.walks = &SCA{Keys: b.Keys, Log: quiet(), Brand: b.Brand, frame: b.board.frame}
	b.walks.Brand = b.board.brand
	g.GET("", b.list, b.board.protect)
	g.GET("/:story", b.show, b.board.protect)
}

// scene is how a story is shown.
type scene struct {
	name string
	show func(b *StoryBook, l *look) error
}

// list names all stories.
func (b *StoryBook) list(c echo.Context) error {
	l := b.look(c)
	sh, err := b.board.sheetOf(l, kindStories, nil)
	if err != nil {
		return err
	}
	var all []choiceOf
	for _, s := range Stories() {
		all = append(all, choiceOf{Href: c.Request().URL.Path + s.Path + "?lang=" + l.speech.Tag, Text: s.Name})
	}
	sh.Heading, sh.Body, sh.Inside = "Stories", all, false
	return b.board.write(c, http.StatusOK, sh)
}

// show is one story.
func (b *StoryBook) show(c echo.Context) error {
	for _, s := range scenes() {
		if s.name == c.Param("story") {
			return s.show(b, b.look(c))
		}
	}
	return b.board.trouble(b.look(c), consent.E(consent.CodeNotFound, "no such story"))
}

// look is the request of somebody who is logged in, and nobody.
func (b *StoryBook) look(c echo.Context) *look {
	choice := b.board.chosenLanguage(c.Request())
	return &look{
		c: c, speech: b.board.pages.speeches.find(choice, c.Request().Header.Get("Accept-Language")),
		session: "story", browser: "story", who: sessions.Visitor{PSU: storyID("omar"), Name: "Omar Al Farsi"},
	}
}

// boardScene lists cards.
func boardScene(name string, w overview.Wish, board func() *overview.Board) scene {
	return scene{name, func(b *StoryBook, l *look) error { return b.board.boardPage(l, w, board()) }}
}

// detailScene shows a consent.
func detailScene(name string, d func() *overview.Detail) scene {
	return scene{name, func(b *StoryBook, l *look) error { return b.board.detailPage(l, d()) }}
}

// stopScene asks whether to end it.
func stopScene(name string, confirm bool, d func() *overview.Detail) scene {
	return scene{name, func(b *StoryBook, l *look) error {
		board := *b.board
		board.Confirm = confirm
		return board.stopPage(l, d())
	}}
}

func receiptScene(name string, of receiptKind, d func() *overview.Detail) scene {
	return scene{name, func(b *StoryBook, l *look) error { return b.board.receiptPage(l, of, d()) }}
}

// troubleScene is a failure.
func troubleScene(name string, code consent.Code) scene {
	return scene{name, func(b *StoryBook, l *look) error {
		board, frame := *b.board, *b.board.frame
		frame.log = quiet()
		board.frame = &frame
		return board.trouble(l, consent.E(code, "a story"))
	}}
}

// quiet logs nothing: what fails in a story has not failed.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// walkScene is a page of SCA; a code that is not empty is how it has failed.
func walkScene(name string, code consent.Code, view func() *sca.View) scene {
	return scene{name, func(b *StoryBook, l *look) error {
		v := &visit{c: l.c, handle: "story", browser: l.browser, address: l.c.Request().URL.Path, found: true, choice: l.speech.Tag, view: view()}
		if code != "" {
			v.err = consent.E(code, "a story")
		}
		return b.walks.respond(v)
	}}
}

// scenes are all stories.
func scenes() []scene {
	var all []scene
	all = append(all, boardScenes()...)
	all = append(all, detailScenes()...)
	all = append(all, stopScenes()...)
	all = append(all, sessionScenes()...)
	return append(all, walkScenes()...)
}

func boardScenes() []scene {
	current, history := overview.Wish{Tab: overview.Current, Page: 1}, overview.Wish{Tab: overview.History, Page: 1}
	with := func(w overview.Wish, change func(*overview.Wish)) overview.Wish {
		change(&w)
		return w
	}
	pays := func(w *overview.Wish) { w.Pays = true }
	filtered := with(history, func(w *overview.Wish) { w.Status = consent.Rejected })
	empty := func() *overview.Board { return &overview.Board{} }
	return []scene{
		boardScene("consents", current, func() *overview.Board { return storyBoard(current) }),
		boardScene("consents-payments", with(current, pays), func() *overview.Board { return storyBoard(with(current, pays)) }),
		boardScene("consents-history", history, func() *overview.Board { return storyBoard(history) }),
		boardScene("consents-history-payments", with(history, pays), func() *overview.Board { return storyBoard(with(history, pays)) }),
		boardScene("consents-pages", with(current, func(w *overview.Wish) { w.Page = 2 }), func() *overview.Board {
			b := storyBoard(current)
			b.Page, b.Pages, b.Total, b.Shares, b.Current = 2, 3, 58, 58, 61
			return b
		}),
		boardScene("consents-long", current, func() *overview.Board {
			b := storyBoard(current)
			b.Cards = []overview.Card{storyDetail(overview.DataSharing, consent.Valid, longNamed).Card}
			return b
		}),
		boardScene("consents-empty", current, empty),
		boardScene("consents-empty-payments", with(current, pays), empty),
		boardScene("consents-empty-history", history, empty),
		boardScene("consents-empty-filter", filtered, func() *overview.Board {
			b := storyBoard(history)
			b.Cards, b.Total, b.Pages = nil, 0, 0
			return b
		}),
	}
}

func detailScenes() []scene {
	var all []scene
	add := func(name string, ty overview.Type, s consent.Status, change ...func(*overview.Detail)) {
		all = append(all, detailScene("detail-"+name, func() *overview.Detail { return storyDetail(ty, s, change...) }))
	}
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment, overview.FlexiPay, overview.Funds, overview.Connected} {
		for _, s := range []consent.Status{
			consent.Received, consent.PartiallyAuthorised, consent.Valid, consent.Suspended, consent.Rejected, consent.Revoked, consent.Expired, consent.Consumed,
		} {
			if s != consent.Consumed || ty.Payment() {
				add(string(ty)+"-"+string(s), ty, s)
			}
		}
	}
	for _, reason := range consent.BankReasons() {
		add("suspended-"+string(reason), overview.DataSharing, consent.Suspended, suspendedFor(reason))
		add("revoked-"+string(reason), overview.DataSharing, consent.Revoked, endedBy(consent.ByASPSP, reason))
	}
	add("revoked-terminated", overview.DataSharing, consent.Revoked, endedBy(consent.ByTPP, consent.ReasonTerminated))
	add("revoked-withdrawnAtTPP", overview.DataSharing, consent.Revoked, endedBy(consent.ByTPP, consent.ReasonAtTPP))
	add("rejected-by-hub", overview.DataSharing, consent.Rejected, endedBy(consent.ByASPSP, consent.ReasonRefused))
	add("rejected-by-bank", overview.DataSharing, consent.Rejected, byRights, endedBy(consent.ByASPSP, consent.ReasonRefused))
	add("rejected-too-late", overview.SinglePayment, consent.Rejected, endedBy(consent.BySystem, consent.ReasonNotAuthorised))
	add("payment-failed", overview.SinglePayment, consent.Consumed, payFailed)
	add("expired-replaced", overview.DataSharing, consent.Expired, endedBy(consent.BySystem, consent.ReasonReplaced))
	add("renewed", overview.DataSharing, consent.Valid, renewed)
	add("rights", overview.DataSharing, consent.Valid, byRights)
	add("all-accounts", overview.DataSharing, consent.Valid, byRights, allAccounts)
	add("one-off", overview.DataSharing, consent.Valid, byRights, once)
	add("company", overview.DataSharing, consent.Valid, ofCompany)
	add("long", overview.DataSharing, consent.Valid, longNamed)
	add("arabic-name", overview.FlexiPay, consent.Valid, arabicNamed)
	add("sealed", overview.FlexiPay, consent.Valid, sealed)
	for _, s := range []consent.Schedule{
		consent.SingleDated, consent.FixedDefined, consent.VariableDefined, consent.FixedPeriodic, consent.FixedOnDemand, consent.VariableOnDemand, consent.FilePayment,
	} {
		add("rules-"+string(s), overview.FlexiPay, consent.Valid, scheduled(s))
	}
	return all
}

func stopScenes() []scene {
	var all []scene
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment, overview.FlexiPay, overview.Funds, overview.Connected} {
		all = append(all, stopScene("stop-"+string(ty), false, func() *overview.Detail { return storyDetail(ty, consent.Valid) }))
	}
	for _, ty := range []overview.Type{overview.DataSharing, overview.SinglePayment} {
		all = append(all, stopScene("stop-awaiting-"+string(ty), false, func() *overview.Detail { return storyDetail(ty, consent.Received) }))
	}
	all = append(all, stopScene("stop-line", false, func() *overview.Detail {
		d := storyDetail(overview.DataSharing, consent.Valid)
		d.With = []uuid.UUID{d.ID} // which, the page does not say
		return d
	}))
	all = append(all, stopScene("stop-confirm", true, func() *overview.Detail { return storyDetail(overview.DataSharing, consent.Valid) }))
	for _, ty := range []overview.Type{overview.DataSharing, overview.FlexiPay} {
		all = append(all,
			receiptScene("receipt-given-"+string(ty), receiptGiven, func() *overview.Detail { return storyDetail(ty, consent.Valid) }),
			receiptScene("receipt-ended-"+string(ty), receiptEnded, func() *overview.Detail { return storyDetail(ty, consent.Revoked) }))
	}
	return append(all,
		receiptScene("receipt-given-rights", receiptGiven, func() *overview.Detail { return storyDetail(overview.DataSharing, consent.Valid, byRights) }),
		receiptScene("receipt-given-schedule", receiptGiven, func() *overview.Detail {
			return storyDetail(overview.FlexiPay, consent.Valid, scheduled(consent.FixedDefined))
		}),
		receiptScene("receipt-rejected", receiptEnded, func() *overview.Detail {
			return storyDetail(overview.DataSharing, consent.Rejected, endedBy(consent.ByASPSP, consent.ReasonRefused))
		}),
		receiptScene("receipt-failed", receiptEnded, func() *overview.Detail { return storyDetail(overview.SinglePayment, consent.Consumed, payFailed) }),
		receiptScene("receipt-renewed", receiptRenewed, func() *overview.Detail { return storyDetail(overview.DataSharing, consent.Valid, renewed) }),
		receiptScene("receipt-long", receiptGiven, func() *overview.Detail { return storyDetail(overview.DataSharing, consent.Valid, longNamed) }))
}

func sessionScenes() []scene {
	anybody := func(show func(*Dashboard, *look) error) func(*StoryBook, *look) error {
		return func(b *StoryBook, l *look) error {
			l.who = sessions.Visitor{}
			return show(b.board, l)
		}
	}
	return []scene{
		{"logged-out", anybody(func(d *Dashboard, l *look) error { return d.goodbye(l) })},
		{"session-over", anybody(func(d *Dashboard, l *look) error { return d.over(l) })},
		{"session-refused", anybody(func(d *Dashboard, l *look) error { return d.stranger(l, consent.E(consent.CodeForbidden, "a story")) })},
		{"session-forged", func(b *StoryBook, l *look) error { return b.board.forged(l) }},
		troubleScene("consent-unknown", consent.CodeNotFound),
		troubleScene("dashboard-unavailable", consent.CodeUnavailable),
		troubleScene("dashboard-failed", consent.CodeInternal),
	}
}
