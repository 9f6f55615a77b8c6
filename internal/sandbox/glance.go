package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"consentd/internal/sandbox/pages"
)

// tool is a card of the start page: where it leads, and how things stand there.
type tool struct {
	Path, Name string
	Word       string // what there is to know at a glance
	Note       string // the same, more exactly
	Mood       string // a class: on where something is not as usual, good, bad; or empty
}

// toolsPage is the cards, a page of its own in a frame: it loads itself again
// while the start page stays as the visitor left it.
type toolsPage struct{ Tools []tool }

func (s *Sandbox) tools(c echo.Context) error {
	phones, err := s.phonesTool(c.Request().Context())
	if err != nil {
		return s.problem(c, err)
	}
	pages.Refresh(c, 5)
	return s.render(c, http.StatusOK, "tools", toolsPage{[]tool{s.requestsTool(), s.clockTool(), s.faultsTool(), phones}})
}

func (s *Sandbox) requestsTool() tool {
	t := tool{Path: "/sandbox/requests", Name: "Requests", Word: "None yet", Note: "Every call, and why it was answered so"}
	method, target, status, ok := s.Inspector.Last()
	if !ok {
		return t
	}
	t.Word, t.Note, t.Mood = strconv.Itoa(status), method+" "+target, "good"
	if status >= http.StatusBadRequest {
		t.Mood = "bad"
	}
	return t
}

func (s *Sandbox) clockTool() tool {
	now, offset := s.Clock.Read()
	now = now.In(s.zone())
	t := tool{Path: "/sandbox/clock", Name: "Clock", Word: now.Format("15:04"), Note: now.Format("2 Jan 2006") + ", not turned"}
	if offset != 0 {
		t.Note, t.Mood = now.Format("2 Jan 2006")+", "+apart(offset), "on"
	}
	return t
}

func (s *Sandbox) faultsTool() tool {
	t := tool{Path: "/sandbox/faults", Name: "Faults", Word: "None", Note: "Errors and delays, by route and rate"}
	if n := s.Faults.Count(); n > 0 {
		t.Word, t.Note, t.Mood = strconv.Itoa(n)+" active", "Some calls are answered wrong or late", "on"
	}
	return t
}

func (s *Sandbox) phonesTool(ctx context.Context) (tool, error) {
	t := tool{Path: "/sandbox/psus", Name: "People", Word: "Quiet", Note: "Codes and questions arrive here"}
	var all waiting
	for _, p := range personas() {
		w, err := s.pending(ctx, p.ID)
		if err != nil {
			return tool{}, err
		}
		all.Questions, all.Codes = all.Questions+w.Questions, all.Codes+w.Codes
	}
	if word := all.Word(); word != "" {
		t.Word, t.Note, t.Mood = strconv.Itoa(all.Questions+all.Codes)+" waiting", word, "on"
	}
	return t, nil
}

// waiting is what there is to do on a phone.
type waiting struct {
	Questions int // to answer
	Codes     int // that can still be used
}

// codeAge is for how long a code that came is worth a look.
const codeAge = 5 * time.Minute

// Word says it in short; empty for nothing.
func (w waiting) Word() string {
	questions, codes := count(w.Questions, "question"), count(w.Codes, "code")
	if questions != "" && codes != "" {
		return questions + ", " + codes
	}
	return questions + codes
}

// count says how many of something there are; empty for none.
func count(n int, of string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + of
	default:
		return strconv.Itoa(n) + " " + of + "s"
	}
}

// pending counts what waits on a persona's phone. Fails with pages.ErrUnknown.
func (s *Sandbox) pending(ctx context.Context, psu string) (waiting, error) {
	questions, err := s.Bank.waiting(ctx, psu)
	if err != nil {
		return waiting{}, err
	}
	messages, err := s.Bank.messages(ctx, psu)
	if err != nil {
		return waiting{}, err
	}
	live, err := s.live(ctx, messages)
	return waiting{Questions: len(questions), Codes: len(live)}, err
}

// live are the keys of the messages with a code that can still be used: the last
// one of an authorisation, while that goes on and the code is young. Whether a code
// was typed is not known here.
func (s *Sandbox) live(ctx context.Context, messages []message) (map[string]bool, error) {
	found, seen, now := map[string]bool{}, map[string]bool{}, s.Bank.Now()
	for _, m := range slices.Backward(messages) {
		run, _, _ := strings.Cut(m.Key, "/")
		if m.Code == "" || seen[run] || s.Waits == nil {
			continue
		}
		seen[run] = true
		if now.Before(m.At) || !now.Before(m.At.Add(codeAge)) {
			continue
		}
		waits, err := s.Waits(ctx, m.Key)
		if err != nil {
			return nil, fmt.Errorf("the code of a message: %w", err)
		}
		if waits {
			found[m.Key] = true
		}
	}
	return found, nil
}

// apart says how far the clock is from the right time, in its two largest units.
func apart(offset time.Duration) string {
	side := "ahead"
	if offset < 0 {
		side, offset = "behind", -offset
	}
	offset = offset.Round(time.Second)
	days, hours := int(offset/aDay), int(offset%aDay/time.Hour)
	minutes, seconds := int(offset%time.Hour/time.Minute), int(offset%time.Minute/time.Second)
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%s %d h %s", count(days, "day"), hours, side)
	case days > 0:
		return count(days, "day") + " " + side
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min %s", hours, minutes, side)
	case hours > 0:
		return fmt.Sprintf("%d h %s", hours, side)
	case minutes > 0:
		return fmt.Sprintf("%d min %s", minutes, side)
	default:
		return fmt.Sprintf("%d s %s", seconds, side)
	}
}
