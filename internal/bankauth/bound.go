package bankauth

import (
	"sync"
	"time"
)

const (
	// strangerBurst is how many refusals of unknown callers the audit takes at
	// once, and strangerEvery after how long it takes one more: 86,400 a day.
	strangerBurst = 60
	strangerEvery = time.Second
)

// bound keeps strangers from filling the audit: a bucket of strangerBurst that
// fills up by one each strangerEvery. Its zero value is full.
type bound struct {
	mu      sync.Mutex
	full    time.Time // when the bucket is full again
	leftOut int       // since the last that was taken
}

// take reports whether one more is taken at now, and how many were left out
// since the last that was: this one included, where it is left out.
func (b *bound) take(now time.Time) (ok bool, leftOut int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A clock that is turned back leaves full in a future that may be far away.
	if b.full.Before(now) || b.full.Sub(now) > strangerBurst*strangerEvery {
		b.full = now
	}
	if b.full.Sub(now) > (strangerBurst-1)*strangerEvery {
		b.leftOut++
		return false, b.leftOut
	}
	b.full = b.full.Add(strangerEvery)
	leftOut, b.leftOut = b.leftOut, 0
	return true, leftOut
}
