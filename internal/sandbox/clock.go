package sandbox

import (
	"sync"
	"time"

	"consentd/internal/consent"
)

// Clock is the program's clock in the sandbox. It can be turned, and goes on
// from where it was turned to. A new program starts with the right time.
type Clock struct {
	Real func() time.Time

	mu     sync.RWMutex
	offset time.Duration
}

// Now is the turned time, in UTC, cut to the microsecond.
func (c *Clock) Now() time.Time {
	now, _ := c.Read()
	return now
}

// Read returns the turned time and by how much it is turned.
func (c *Clock) Read() (time.Time, time.Duration) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.at(c.offset), c.offset
}

func (c *Clock) at(offset time.Duration) time.Time {
	return c.Real().UTC().Add(offset).Truncate(time.Microsecond)
}

// Turn sets the clock to an instant. Fails with CodeFormat outside the years in
// which dates can be counted.
func (c *Clock) Turn(to time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !reachable(to) {
		return consent.At(consent.CodeFormat, "now", "now must lie between the years %d and %d", firstYear, lastYear)
	}
	c.offset = to.Sub(c.Real())
	return nil
}

// Advance moves the clock on; a negative duration takes it back. Fails with
// CodeFormat like Turn.
func (c *Clock) Advance(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	to := c.at(c.offset).Add(by)
	if !reachable(to) {
		return consent.At(consent.CodeFormat, "advance", "the clock would leave the years %d to %d", firstYear, lastYear)
	}
	c.offset = to.Sub(c.Real())
	return nil
}

// Reset gives the right time back.
func (c *Clock) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = 0
}

// The clock stays well inside what a time.Duration can span from today.
const (
	firstYear = 2000
	lastYear  = 2200
)

func reachable(t time.Time) bool { return t.Year() >= firstYear && t.Year() <= lastYear }
