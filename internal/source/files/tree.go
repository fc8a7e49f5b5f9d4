package files

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
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
	// directories are those that were listed, symbolic links followed.
	directories []string
	// unlisted are directories that could not be listed: what is in them is not known.
	unlisted []string
	problems []string
}

// publishedDirectory is where agents put what they tell each other.
const publishedDirectory = ".published"

// list lists the tree below a directory. Names that begin with a dot are left out, as
// the parts of a mounted ConfigMap are; its links are followed.
func list(directory string) listing {
	l := listing{files: map[string]stamp{}, published: map[string]stamp{}}
	l.walk(directory, map[directoryID]bool{})
	l.walkPublished(filepath.Join(directory, publishedDirectory))
	return l
}

// walk lists one directory and those in it. seen holds the ones on the way here, since
// links can lead in a circle.
func (l *listing) walk(directory string, seen map[directoryID]bool) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		l.unlisted = append(l.unlisted, directory)
		l.problems = append(l.problems, fmt.Sprintf("list directory: %v", err))
		return
	}
	l.directories = append(l.directories, directory)
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		st, err := os.Stat(path)
		if err != nil {
			if !os.IsNotExist(err) {
				l.unlisted = append(l.unlisted, path)
				l.problems = append(l.problems, fmt.Sprintf("look at file: %v", err))
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
			l.followLink(entry, path)
		}
	}
}

// followLink notes the directory that a link leads to: that is where the file itself
// changes.
func (l *listing) followLink(entry fs.DirEntry, path string) {
	if entry.Type()&fs.ModeSymlink == 0 {
		return
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return
	}
	if d := filepath.Dir(target); !slices.Contains(l.directories, d) {
		l.directories = append(l.directories, d)
	}
}

// walkPublished lists the patches of nodes. The directory need not be there.
func (l *listing) walkPublished(directory string) {
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
