package files

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/manifest"
)

// file is one file as it was last read.
type file struct {
	path, name string
	stamp      stamp
	// again says that the file was not as listed when it was read: look at it again.
	again bool
	// busy says that somebody is writing it, so that it has not been looked at.
	busy bool
	// incomplete says why not everything in the file could be read; empty if it could.
	incomplete string
	// objects are those in force, of the last good version of each.
	objects map[manifest.Key]*object
	// problems are those that no object in force has.
	problems []model.Problem
}

// read reads a file that has changed, and puts what is in it into the catalogue.
func (s *Source) read(f *file, listed stamp) {
	f.stamp, f.again = listed, false
	text, err := s.load(f)
	s.sink.over()
	if errors.Is(err, fs.ErrNotExist) {
		f.again, f.incomplete = true, "vanished while it was read"
		return
	}
	if err != nil {
		f.again = true
		f.fail(err.Error())
		s.catalogue.touch(f)
		return
	}
	next := &file{path: f.path, name: f.name, stamp: f.stamp, objects: map[manifest.Key]*object{}}
	foreign := true
	for doc := range s.reader.Documents(f.name, text) {
		foreign = foreign && isForeign(&doc)
		s.catalogue.document(next, f, &doc)
	}
	if foreign && len(f.objects) == 0 {
		next.incomplete, next.problems = "", []model.Problem{{Severity: model.Note, Where: f.name, Object: "file", Message: "holds no Kubernetes object; skipped"}}
	}
	if next.incomplete != "" {
		for key, o := range f.objects {
			if next.objects[key] == nil {
				next.objects[key] = o
			}
		}
	}
	s.catalogue.replace(f, next)
}

// load reads the file's text, and notices if it changes meanwhile.
func (s *Source) load(f *file) (string, error) {
	s.await(f.path)
	in, err := openRegular(f.path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if f.stamp.size > s.limit {
		return "", fmt.Errorf("larger than %d bytes", s.limit)
	}
	text, err := s.reader.Load(awaiting{in, s.await})
	if err != nil {
		return "", err
	}
	st, err := in.Stat()
	if err != nil {
		return "", err
	}
	if now := stampOf(st); now != f.stamp {
		f.stamp = now
		if now.size != int64(len(text)) && int64(len(text)) < s.limit {
			return "", errors.New("changed while it was read")
		}
	}
	return text, nil
}

// fail notes that the file could not be read. What it held stays in force.
func (f *file) fail(why string) {
	f.incomplete = why
	f.problems = []model.Problem{{Severity: model.Failure, Where: f.name, Object: "file", Message: why + "; what was read from it before stays in force"}}
}

// isForeign says whether the document is no Kubernetes object at all, and does not try
// to be one: a CNI configuration, for example. What stands in a List does try.
func isForeign(doc *manifest.Document) bool {
	if doc.Item > 0 || doc.Key.APIVersion != "" || doc.Key.Kind != "" {
		return false
	}
	for _, p := range doc.Problems {
		if p.Reason != manifest.Unidentified {
			return false
		}
	}
	return len(doc.Problems) > 0
}

// allProblems are those of the file and of its objects, one line each, in the file's order.
func (f *file) allProblems() []model.Problem {
	out := slices.Clone(f.problems)
	for key, o := range f.objects {
		out = append(out, o.problems...)
		if o.shadow != nil {
			out = append(out, twice(key, o.at.in(f.name), o.shadowAt.in(o.shadow.name)))
		}
	}
	slices.SortStableFunc(out, func(a, b model.Problem) int { return byPlace(a.Where, b.Where) })
	return out
}
