package files

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/source/manifest"
)

// place is where in a file something stands. Lines, documents and items of lists count
// from 1; 0 is none in particular.
type place struct{ line, document, item int32 }

func placeOf(doc *manifest.Document) place {
	return place{int32(doc.Line), int32(doc.Index), int32(doc.Item)} //nolint:gosec // of a file in memory
}

// in names the place: file, line and document.
func (p place) in(file string) string {
	for _, part := range []struct {
		before string
		n      int32
	}{{":", p.line}, {": document ", p.document}, {" item ", p.item}} {
		if part.n > 0 {
			file += part.before + strconv.Itoa(int(part.n))
		}
	}
	return file
}

// byPlace compares the names of places as people order them: numbers by what they count, so
// that document 2 comes before document 10.
func byPlace(a, b string) int {
	for a != "" && b != "" {
		m, n := number(a), number(b)
		if m == "" || n == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(m, "0"), strings.TrimLeft(n, "0")
		if order := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(m, n)); order != 0 {
			return order
		}
		a, b = a[len(m):], b[len(n):]
	}
	return cmp.Compare(a, b)
}

// number is the digits that a text begins with.
func number(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}
