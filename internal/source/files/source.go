// Package files is the source that reads a directory of manifests: YAML or JSON, several
// files, sub-directories, followed with fsnotify, including the symbolic links that a
// mounted ConfigMap swaps.
//
// # What stays and what goes
//
// Only two things remove an object: its file is gone from a directory that could be
// listed, or its file was read in full, with every document identified, and does not
// have it. Whenever a file is empty, half-written, unparseable or too large, or a
// directory cannot be listed, what was read from it before stays, additions go on, and
// the source is not in sync. An object that cannot be read keeps its last good version.
//
// Where two documents describe the same object, the first counts: by path, then by
// place in the file. The other is reported.
//
// # What agents tell each other
//
// DIR/.published/<node>.yaml is what the agent of that node publishes: a patch of the
// Node object, which every agent on the directory merges. See Publisher.
//
// # What has gone wrong elsewhere
//
// A reader that takes a truncated file for a short one deletes what the writer was about
// to write. A file is therefore not read while somebody has it open for writing; when it
// is closed, the kernel says so.
//
// A reader that a dead server keeps waiting still looks as healthy as it did (patience.go),
// and one that opens whatever has the right name waits for the writer of a pipe (open.go).
//
// The package owns nothing in the kernel.
package files

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// Options say which directory a Source reads, and how.
type Options struct {
	Directory string
	// MaxFileSize is the size in bytes from which on a file is refused. Zero is
	// manifest.DefaultMaxSize.
	MaxFileSize int64
	// Patience is how long the file system may take for one answer before the source is no
	// longer in sync, and names what it waits for. Zero is DefaultPatience.
	Patience time.Duration
	Convert  convert.Options
	Sink     source.Sink
	// Published is told of a node about which something else is published than before, or
	// nothing any more; may be nil. It must not block.
	Published func(node string)
	Log       *logrus.Entry
}

// Source follows a directory of manifests.
type Source struct {
	directory string
	sink      *patience
	published func(node string)
	log       *logrus.Entry
	reader    *manifest.Reader
	limit     int64 // bytes of a file that are read at most
	catalogue *catalogue
	files     map[string]*file
	patches   map[string]patchFile
	// writers are the files that somebody has open for writing.
	writers map[string]*closeWatch
	// unlisted is what the sink was told of the listing.
	unlisted []model.Problem
}

// New makes a Source. It reads nothing before Run.
func New(o Options) *Source {
	if o.MaxFileSize == 0 {
		o.MaxFileSize = manifest.DefaultMaxSize
	}
	if o.Published == nil {
		o.Published = func(string) {}
	}
	return &Source{
		directory: filepath.Clean(o.Directory),
		sink:      newPatience(o.Sink, o.Patience),
		published: o.Published,
		log:       o.Log,
		reader:    manifest.New(manifest.Options{MaxSize: o.MaxFileSize}),
		limit:     o.MaxFileSize,
		catalogue: newCatalogue(convert.New(o.Convert)),
		files:     map[string]*file{},
		patches:   map[string]patchFile{},
		writers:   map[string]*closeWatch{},
	}
}

// Run reads the directory and follows it until the context ends. It does not return while the
// file system keeps it waiting. Its error is that no watch could be set up at all.
func (s *Source) Run(ctx context.Context) error {
	w, err := newWatch()
	if err != nil {
		return fmt.Errorf("watch %s: %w", s.directory, err)
	}
	defer w.close()
	defer s.stopWaiting()
	for {
		s.turn(ctx, w)
		s.sink.over()
		select {
		case <-ctx.Done():
			return nil
		case <-w.changed:
		}
	}
}

// turn reads what has changed. It looks again as long as directories come up that were
// not watched when they were listed: what was put into them meanwhile gave no event.
//
// It looks again too before it believes that a file is gone. A listing is not taken in one
// moment: a file that is moved meanwhile from a directory that has yet to be listed into one
// that already has been is seen in neither. What two listings in a row of the same tree lack
// is gone.
func (s *Source) turn(ctx context.Context, w *watch) {
	var before listing
	for again := true; again && ctx.Err() == nil; {
		l := list(s.directory, s.await)
		fresh, problems := w.follow(l.directories, s.await)
		l.problems = append(l.problems, problems...)
		for i := range l.problems {
			l.problems[i].Where = s.shortName(l.problems[i].Where)
		}
		missing := s.update(l, w, l.follows(before))
		if fresh && !s.sink.spoken() {
			before, again = l, true
			continue // the first listing is no full one before its directories are watched
		}
		s.tellSync(l)
		before, again = l, fresh || missing
	}
}

// update brings the catalogue in line with a listing and tells the sink. Files that the
// listing lacks are dropped if it is sure of that; update says whether some were not.
func (s *Source) update(l listing, w *watch, sure bool) (missing bool) {
	s.updatePatches(l)
	for path := range s.files {
		if _, there := l.files[path]; there || l.hidden(path) {
			continue
		}
		if !sure {
			missing = true
			continue
		}
		s.catalogue.drop(s.files[path])
		delete(s.files, path)
		s.sink.Report(path, nil)
	}
	for _, path := range l.sorted() {
		s.updateFile(path, l.files[path], w)
	}
	if events := s.catalogue.changes(); len(events) > 0 {
		s.sink.Update(events)
	}
	if !missing { // else a file that has been moved would be reported to stand there twice
		for _, f := range s.catalogue.reports() {
			s.sink.Report(f.path, f.allProblems())
		}
	}
	s.reportListing(l)
	return missing
}

// updateFile reads a file if it is not what it was.
func (s *Source) updateFile(path string, listed stamp, w *watch) {
	f := s.files[path]
	if f == nil {
		f = &file{path: path, name: s.shortName(path)}
		s.files[path] = f
	}
	if f.busy = s.busy(path, w); !f.busy && (f.stamp != listed || f.again) {
		s.read(f, listed)
	}
}

// reportListing reports what could not be listed, if that has changed.
func (s *Source) reportListing(l listing) {
	if !slices.Equal(l.problems, s.unlisted) {
		s.unlisted = l.problems
		s.sink.Report(s.directory, slices.Clone(l.problems))
	}
}

// tellSync tells the sink how complete the source is.
func (s *Source) tellSync(l listing) {
	var reasons []string
	for _, p := range l.problems {
		reasons = append(reasons, p.Where+": "+p.Message)
	}
	for _, path := range l.sorted() {
		switch f := s.files[path]; {
		case f.busy:
			reasons = append(reasons, f.name+": somebody is writing it")
		case f.incomplete != "":
			reasons = append(reasons, f.name+": "+f.incomplete)
		}
	}
	s.sink.Sync(source.Sync{InSync: len(reasons) == 0, Reasons: reasons})
}

// await says that the file system is asked about a path.
func (s *Source) await(path string) { s.sink.await(s.shortName(path)) }

// shortName is a file's path as messages show it: relative to the directory.
func (s *Source) shortName(path string) string {
	if short, err := filepath.Rel(s.directory, path); err == nil && short != "." {
		return short
	}
	return path
}
