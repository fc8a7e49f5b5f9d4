package files

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/model"
)

// stamp tells whether a file is still what it was.
type stamp struct {
	device, inode uint64
	size          int64
	modified      time.Time
}

// listing is what a directory tree holds at one moment.
type listing struct {
	// files are the manifests, by path; published the patches of nodes.
	files, published map[string]stamp
	// directories are those in which a change may change the listing: those that were listed,
	// symbolic links followed, and those on the way to them and to files.
	directories []string
	// changed is when entries of those last came or went, as it was before they were listed.
	changed map[string]time.Time
	// unlisted are directories that could not be listed, and names that lead to no file or
	// directory: what is in them is not known.
	unlisted []string
	problems []model.Problem
	// await is told of each path that the file system is asked about.
	await func(path string)
}

// publishedDirectory is where agents put what they tell each other.
const publishedDirectory = ".published"

// list lists the tree below a directory. Names that begin with a dot are left out, as
// the parts of a mounted ConfigMap are; its links are followed. await is told of each path
// that the file system is asked about.
func list(directory string, await func(path string)) listing {
	l := listing{files: map[string]stamp{}, published: map[string]stamp{}, changed: map[string]time.Time{}, await: await}
	l.await(directory)
	l.directories = waysTo(directory)
	l.walk(directory, map[directoryID]bool{})
	l.walkPublished(filepath.Join(directory, publishedDirectory))
	return l
}

// walk lists one directory and those in it. seen holds the ones on the way here, since
// links can lead in a circle.
func (l *listing) walk(directory string, seen map[directoryID]bool) {
	l.await(directory)
	l.changed[directory] = changeTime(directory)
	entries, err := os.ReadDir(directory)
	if err != nil {
		l.hide(directory, "directory", err.Error())
		return
	}
	l.directories = append(l.directories, directory)
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		l.await(path)
		if entry.Type()&fs.ModeSymlink != 0 {
			l.directories = append(l.directories, ways(directory, entry.Name())...)
		}
		st, err := os.Stat(path)
		if err != nil {
			if _, gone := os.Lstat(path); !os.IsNotExist(gone) { // a link to nothing is not gone
				l.hide(path, "file", err.Error())
			}
			continue
		}
		switch s := stampOf(st); {
		case st.IsDir():
			id := directoryID{s.device, s.inode}
			if !seen[id] {
				seen[id] = true
				l.walk(path, seen)
				delete(seen, id)
			}
		case st.Mode().IsRegular() && isManifest(path):
			l.files[path] = s
		case isManifest(path):
			l.hide(path, "file", "is neither a file nor a directory, but "+st.Mode().Type().String())
		}
	}
}

// hide notes that what stands under a path cannot be seen, and why.
func (l *listing) hide(path, object, why string) {
	l.unlisted = append(l.unlisted, path)
	l.problems = append(l.problems, model.Problem{
		Severity: model.Failure, Where: path, Object: object, Message: why + "; what was read from it before stays in force",
	})
}

// walkPublished lists the patches of nodes. The directory need not be there.
func (l *listing) walkPublished(directory string) {
	l.await(directory)
	entries, err := os.ReadDir(directory)
	if err != nil {
		return
	}
	l.directories = append(l.directories, directory)
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && filepath.Ext(path) == ".yaml" && !strings.HasPrefix(entry.Name(), ".") {
			l.published[path] = stampOf(st)
		}
	}
}

// follows says whether this listing and the one before it have seen the same tree: no entry
// has come or gone from the beginning of the first to now.
func (l *listing) follows(before listing) bool {
	if !maps.Equal(l.changed, before.changed) {
		return false
	}
	for directory, then := range l.changed {
		if !changeTime(directory).Equal(then) {
			return false
		}
	}
	return true
}

// changeTime is when an entry of a directory was last made, removed or renamed; zero if the
// directory cannot be looked at.
func changeTime(directory string) time.Time {
	st, err := os.Stat(directory)
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}

func isManifest(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func stampOf(st fs.FileInfo) stamp {
	s := stamp{size: st.Size(), modified: st.ModTime()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode = sys.Dev, sys.Ino
	}
	return s
}

// hidden says whether a path lies where nothing can be seen, so that its absence from
// the listing means nothing.
func (l *listing) hidden(path string) bool {
	return slices.ContainsFunc(l.unlisted, func(d string) bool {
		return path == d || strings.HasPrefix(path, d+string(filepath.Separator))
	})
}

// sorted are the manifests' paths in the order in which they count.
func (l *listing) sorted() []string { return slices.Sorted(maps.Keys(l.files)) }
