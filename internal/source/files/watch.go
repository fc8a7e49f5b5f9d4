package files

import (
	"fmt"
	"os"
	"slices"

	"github.com/fsnotify/fsnotify"

	"github.com/margay-net/margay/internal/model"
)

// watch tells when something in a set of directories may have changed. What changed is
// not asked: whoever is woken lists the tree again, so no event can be missed or misread.
type watch struct {
	changed chan struct{} // holds a token after a change
	fs      *fsnotify.Watcher
	// directories are those that are watched.
	directories map[string]directoryID
	done        chan struct{}
}

// newWatch makes a watch of no directory.
func newWatch() (*watch, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	out := &watch{changed: make(chan struct{}, 1), fs: w, directories: map[string]directoryID{}, done: make(chan struct{})}
	go out.forward()
	return out, nil
}

// forward turns events into a token until the watcher is closed. An overrun of the event
// queue is a change like any other.
func (w *watch) forward() {
	defer close(w.done)
	events, errors := w.fs.Events, w.fs.Errors
	for events != nil || errors != nil {
		select {
		case _, ok := <-events:
			if !ok {
				events = nil
			} else {
				w.poke()
			}
		case _, ok := <-errors:
			if !ok {
				errors = nil
			} else {
				w.poke()
			}
		}
	}
}

func (w *watch) poke() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watch) close() {
	w.fs.Close()
	<-w.done
}

// follow watches the directories, and no others. It says whether one of them was not
// watched before, and which cannot be. A directory that has been replaced by another of the
// same name is a new one; one that has several names is watched under the first, as inotify
// knows it once. await is told of each directory that the file system is asked about.
func (w *watch) follow(directories []string, await func(path string)) (fresh bool, problems []model.Problem) {
	wanted := make(map[string]directoryID, len(directories))
	named := make(map[directoryID]bool, len(directories))
	for _, d := range directories {
		await(d)
		if id := identify(d); !named[id] {
			wanted[d], named[id] = id, true
		}
	}
	live := w.fs.WatchList()
	for d, id := range w.directories {
		if wanted[d] != id || !slices.Contains(live, d) {
			_ = w.fs.Remove(d) // a directory that is gone has taken its watch with it
			delete(w.directories, d)
		}
	}
	for d := range wanted {
		if _, watched := w.directories[d]; watched {
			continue
		}
		await(d)
		if err := w.fs.Add(d); err != nil {
			problems = append(problems, model.Problem{
				Severity: model.Failure, Where: d, Object: "directory", Message: fmt.Sprintf("changes in it are not seen: %v", err),
			})
			continue
		}
		w.directories[d] = wanted[d]
		fresh = true
	}
	return fresh, problems
}

// directoryID tells one directory from another of the same name.
type directoryID struct{ device, inode uint64 }

func identify(path string) directoryID {
	st, err := os.Stat(path)
	if err != nil {
		return directoryID{}
	}
	s := stampOf(st)
	return directoryID{s.device, s.inode}
}
