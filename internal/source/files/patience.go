package files

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// DefaultPatience is how long the file system may take for one answer before the source says
// that it waits.
const DefaultPatience = 10 * time.Second

// patience stands between a source and its sink. A file system may not answer, ever: one on a
// server that is gone (nfs(5), option hard) keeps the thread that asks. The source then stands
// still, in the one goroutine that it has, as all that it has read does; but what it has told
// last, that it is in sync, is no longer true. patience says so, and names what is waited for.
//
// A timer runs only while an answer is waited for.
type patience struct {
	sink  source.Sink
	limit time.Duration

	mu    sync.Mutex
	what  string // is waited for; empty if nothing is
	since time.Time
	timer *time.Timer
	// told is what the sink knows, of the source and of its waiting; nil if nothing.
	told *source.Sync
	// own is what the source itself has said last.
	own source.Sync
}

func newPatience(sink source.Sink, limit time.Duration) *patience {
	if limit <= 0 {
		limit = DefaultPatience
	}
	p := &patience{sink: sink, limit: limit}
	p.timer = time.AfterFunc(limit, p.look)
	p.timer.Stop()
	return p
}

// await says that an answer about a path is waited for now; what was waited for before has come.
func (p *patience) await(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what == "" {
		p.timer.Reset(p.limit)
	}
	p.what, p.since = path, time.Now()
}

// over says that nothing is waited for.
func (p *patience) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = ""
	p.timer.Stop()
}

// look tells the sink what has been waited for too long. While it does, the source does not
// speak: it has to come past over first.
func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what == "" {
		return
	}
	if rest := p.limit - time.Since(p.since); rest > 0 {
		p.timer.Reset(rest)
		return
	}
	reason := fmt.Sprintf("%s: the file system has not answered for %v", p.what, p.limit)
	p.tell(source.Sync{Reasons: append(slices.Clone(p.own.Reasons), reason)})
}

// tell tells the sink how complete the source is, if that is news.
func (p *patience) tell(s source.Sync) {
	if p.told != nil && p.told.InSync == s.InSync && slices.Equal(p.told.Reasons, s.Reasons) {
		return
	}
	p.told = &s
	p.sink.Sync(s)
}

// Update implements source.Sink.
func (p *patience) Update(events []model.Event) {
	p.over()
	p.sink.Update(events)
}

// Report implements source.Sink.
func (p *patience) Report(place string, problems []model.Problem) {
	p.over()
	p.sink.Report(place, problems)
}

// Sync implements source.Sink. The same word twice is told once.
func (p *patience) Sync(s source.Sync) {
	p.over()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = s
	p.tell(s)
}

// spoken says whether the source has said anything yet about how complete it is. Only the
// source's goroutine asks.
func (p *patience) spoken() bool { return p.own.InSync || len(p.own.Reasons) > 0 }
