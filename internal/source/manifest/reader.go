package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
)

// Options are the limits of a Reader. The zero value has the defaults.
type Options struct {
	// MaxSize is the size in bytes from which on a file is refused; default 256 MiB.
	MaxSize int64
	// MaxDepth is how deep lists and mappings may be nested; default 100. Kubernetes' objects need 20.
	MaxDepth int
	// MaxAliased is how many values a document may gain by YAML's aliases; default 100,000.
	MaxAliased int
}

// The defaults of Options.
const (
	DefaultMaxSize    = 256 << 20
	DefaultMaxDepth   = 100
	DefaultMaxAliased = 100_000
)

// Reader reads files of manifests. It keeps nothing of them, and may be used by many goroutines.
type Reader struct {
	maxSize int64
	limits  limits
	plans   plans
}

// New returns a reader with these limits.
func New(o Options) *Reader {
	r := &Reader{maxSize: o.MaxSize, limits: limits{depth: o.MaxDepth, aliased: o.MaxAliased}}
	if r.maxSize <= 0 {
		r.maxSize = DefaultMaxSize
	}
	if r.limits.depth <= 0 {
		r.limits.depth = DefaultMaxDepth
	}
	if r.limits.aliased <= 0 {
		r.limits.aliased = DefaultMaxAliased
	}
	return r
}

// File is everything that a file holds.
type File struct {
	Documents []Document
	// Complete reports whether every document's object is known (Document.Identified). Objects that an
	// earlier version of the file held and this one does not are removed from it only if it is complete.
	Complete bool
}

// Read reads a file at once. For large files Documents needs much less memory.
func (r *Reader) Read(file, text string) File {
	f := File{Complete: true}
	for d := range r.Documents(file, text) {
		f.Complete = f.Complete && d.Identified()
		f.Documents = append(f.Documents, d)
	}
	return f
}

// Load reads the text of a file. Of a file that is larger than the reader's limit it reads no more than it
// takes for Documents to say so: the size of a file can change while it is read, so it is what is read that
// counts.
func (r *Reader) Load(from io.Reader) (string, error) {
	var b strings.Builder
	if file, ok := from.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if st, err := file.Stat(); err == nil { // text that grows as it is read is held twice
			b.Grow(int(min(st.Size(), r.maxSize)) + 1)
		}
	}
	_, err := io.Copy(&b, io.LimitReader(from, r.maxSize+1))
	return b.String(), err
}

// Documents reads the text of a file document by document, so that no more than one of them needs memory
// besides the text. A file that is empty or too large yields one document that is not identified. A Document
// keeps the text from being freed, its Object does not.
func (r *Reader) Documents(file, text string) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		s := scan{reader: r, file: file, yield: yield}
		if why := s.unfit(text); why != "" {
			d := Document{File: file}
			d.add(Unreadable, Error, 0, why)
			yield(d)
			return
		}
		s.run(strings.TrimPrefix(text, "\xef\xbb\xbf"))
	}
}

// scan is one reading of one file.
type scan struct {
	reader *Reader
	file   string
	yield  func(Document) bool
	// index is the number of the present document.
	index int
	// stopped is set when the caller has had enough.
	stopped bool
	texts   texts
}

// unfit says why a file as a whole cannot be read.
func (s *scan) unfit(text string) string {
	switch {
	case int64(len(text)) > s.reader.maxSize:
		return fmt.Sprintf("larger than %d bytes", s.reader.maxSize)
	case strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff"):
		return "not UTF-8"
	}
	return ""
}

func (s *scan) run(text string) {
	for line := 1; text != "" && !s.stopped; {
		var c chunk
		c, text, line = nextChunk(text, line)
		if !c.blank() {
			s.chunk(c)
		}
	}
	if s.index == 0 && !s.stopped {
		d := Document{File: s.file}
		d.add(Unreadable, Error, 0, "empty: there is no document in the file")
		s.emit(d)
	}
}

// chunk reads the document of a chunk, or several, if they are JSON. A brace at the beginning does not make
// it so: YAML has braces and brackets too. Only the name of a file can say that it must be JSON.
func (s *scan) chunk(c chunk) {
	must := filepath.Ext(s.file) == ".json"
	if must || c.isJSON() {
		p := newJSONParser(c, s.reader.limits)
		n, err := p.next()
		if must || err == nil {
			s.json(p, n, err)
			return
		}
	}
	s.index++
	if n, ok := parseBlock(c, s.reader.limits); ok {
		s.document(n)
		return
	}
	n, err := parseYAML(c, s.reader.limits)
	if err != nil {
		s.syntax(err, c.line)
		return
	}
	s.document(n)
}

// json reads the values of a chunk, of which the first is read already.
func (s *scan) json(p *jsonParser, n *node, err error) {
	for !s.stopped && !errors.Is(err, io.EOF) {
		s.index++
		if err != nil {
			s.syntax(err, p.line)
			return
		}
		s.document(n)
		n, err = p.next()
	}
}

// syntax reports a document that cannot be read.
func (s *scan) syntax(err error, line int) {
	d := Document{File: s.file, Index: s.index, Line: line}
	message := err.Error()
	var at *syntaxError
	if errors.As(err, &at) {
		line, message = at.line, at.message
	}
	d.add(Unreadable, Error, line, message)
	s.emit(d)
}

func (s *scan) emit(d Document) {
	if !s.stopped && !s.yield(d) {
		s.stopped = true
	}
}
