package ledger

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"consentd/internal/consent"
)

const (
	// burst is how many refusals of a source are written down at once, and every
	// after how long one more is: 86,400 a day.
	burst = 60
	every = time.Second
	// sources bounds the buckets that a process keeps. A caller needs few, and to
	// be another one it takes a certificate or a token.
	sources = 4096
	// telling is how often the log is told of a source of which too much comes.
	telling = time.Minute
)

// source is whose refusals share a bucket. Callers that are not known have no id:
// all of them share one for each code.
type source struct {
	who  string
	code consent.Code
}

// bucket fills up by one each every. Its zero value is full.
type bucket struct {
	full    time.Time // when it is full again
	leftOut int       // since the last that was written down
	told    time.Time // when the log was told last
	untold  int       // left out since then
}

// bound keeps a caller who is refused over and over from filling the audit, and
// from keeping others waiting for it. Its zero value is ready.
type bound struct {
	mu      sync.Mutex
	buckets *simplelru.LRU[source, *bucket]
}

// verdict is what becomes of a refusal.
type verdict struct {
	written bool
	before  int // how many were left out since the last that was written down
	tell    int // how many left out the log is to be told of; 0: none, now
}

// judge tells what becomes of a refusal at now.
func (b *bound) judge(s source, now time.Time) verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(s)
	// A clock that is turned back leaves full in a future that may be far away.
	if k.full.Before(now) || k.full.Sub(now) > burst*every {
		k.full = now
	}
	if k.full.Sub(now) > (burst-1)*every {
		k.leftOut++
		k.untold++
		return verdict{tell: k.tell(now)}
	}
	k.full = k.full.Add(every)
	v := verdict{written: true, before: k.leftOut}
	k.leftOut = 0
	return v
}

// left is how many refusals of a source were left out.
type left struct {
	source

	count int
}

// rested are the sources that have been quiet since, at most limit. They are
// accounted for from then on.
func (b *bound) rested(now time.Time, limit int) []left {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buckets == nil {
		return nil
	}
	var list []left
	for _, s := range b.buckets.Keys() {
		k, ok := b.buckets.Peek(s)
		if ok && k.leftOut > 0 && !k.full.After(now) && len(list) < limit {
			list = append(list, left{s, k.leftOut})
			k.leftOut = 0
		}
	}
	return list
}

// failed takes back that refusals are accounted for: the entry that should have
// told of them could not be written down.
func (b *bound) failed(s source, count int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bucket(s).leftOut += count
}

func (b *bound) bucket(s source) *bucket {
	if b.buckets == nil {
		b.buckets, _ = simplelru.NewLRU[source, *bucket](sources, nil) // fails for sizes below one only
	}
	k, ok := b.buckets.Get(s)
	if !ok {
		k = &bucket{}
		b.buckets.Add(s, k)
	}
	return k
}

func (k *bucket) tell(now time.Time) int {
	if since := now.Sub(k.told); 0 <= since && since < telling {
		return 0
	}
	count := k.untold
	k.told, k.untold = now, 0
	return count
}
