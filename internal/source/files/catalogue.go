package files

import (
	"reflect"
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/convert"
	"github.com/margay-net/margay/internal/source/manifest"
)

// object is what one document comes to.
type object struct {
	key      model.Key
	value    model.Value // nil for what the model has no place for
	problems []model.Problem
	// at is where in its file it stands.
	at place
	// shadow is the file whose object of the same name counts instead, and shadowAt where it
	// stands there; nil if this one does.
	shadow   *file
	shadowAt place
	// node is kept for Nodes, which patches can change later.
	node *nodeObject
}

// catalogue holds the objects of all files: which of several that describe the same
// thing counts, and what the sink has been told.
type catalogue struct {
	convert *convert.Converter
	// in lists the files that have an object, in the order in which they count.
	in map[manifest.Key][]*file
	// told is what the sink knows.
	told map[model.Key]model.Value
	// changed are the keys that have to be looked at; reported the files whose problems have.
	changed  map[manifest.Key]bool
	reported map[*file]bool
	// keys are the model's names of the objects that were in force at any time.
	keys    map[manifest.Key]model.Key
	patches map[string]nodePatch
}

func newCatalogue(c *convert.Converter) *catalogue {
	return &catalogue{
		convert:  c,
		in:       map[manifest.Key][]*file{},
		told:     map[model.Key]model.Value{},
		changed:  map[manifest.Key]bool{},
		reported: map[*file]bool{},
		keys:     map[manifest.Key]model.Key{},
		patches:  map[string]nodePatch{},
	}
}

// replace puts what has been read of a file in the place of what it held.
func (c *catalogue) replace(f, next *file) {
	for key := range f.objects {
		c.changed[key] = true
		if next.objects[key] == nil {
			c.leave(key, f)
		}
	}
	for key := range next.objects {
		c.changed[key] = true
		if f.objects[key] == nil {
			c.enter(key, f)
		}
	}
	f.objects, f.problems, f.incomplete = next.objects, next.problems, next.incomplete
	c.touch(f)
}

// drop takes out a file that is gone.
func (c *catalogue) drop(f *file) {
	for key := range f.objects {
		c.changed[key] = true
		c.leave(key, f)
	}
	delete(c.reported, f)
}

// touch notes that a file's problems have to be reported again.
func (c *catalogue) touch(f *file) { c.reported[f] = true }

func (c *catalogue) enter(key manifest.Key, f *file) {
	files := append(slices.Clone(c.in[key]), f)
	slices.SortFunc(files, func(a, b *file) int {
		if a.path < b.path {
			return -1
		}
		return 1
	})
	c.in[key] = files
}

func (c *catalogue) leave(key manifest.Key, f *file) {
	files := slices.DeleteFunc(slices.Clone(c.in[key]), func(other *file) bool { return other == f })
	if len(files) == 0 {
		delete(c.in, key)
		return
	}
	c.in[key] = files
}

// changes are the events by which the sink comes to know what has changed.
func (c *catalogue) changes() []model.Event {
	var events []model.Event
	for key := range c.changed {
		files := c.in[key]
		for _, f := range files {
			c.shadow(f, key, files[0])
		}
		name, known := c.keys[key]
		var value model.Value
		if len(files) > 0 {
			o := files[0].objects[key]
			name, known, value = o.key, true, o.value
		}
		if !known || name == (model.Key{}) {
			continue
		}
		if before, told := c.told[name]; told == (value != nil) && (!told || reflect.DeepEqual(before, value)) {
			continue
		}
		events = append(events, model.Event{Key: name, Value: value})
		if value == nil {
			delete(c.told, name)
			delete(c.keys, key)
			continue
		}
		c.told[name], c.keys[key] = value, name
	}
	clear(c.changed)
	slices.SortFunc(events, func(a, b model.Event) int { return a.Key.Compare(b.Key) })
	return events
}

// shadow notes which file has the object that counts.
func (c *catalogue) shadow(f *file, key manifest.Key, first *file) {
	at := first.objects[key].at
	if first == f {
		first, at = nil, place{}
	}
	if o := f.objects[key]; o.shadow != first || o.shadowAt != at {
		o.shadow, o.shadowAt = first, at
		c.touch(f)
	}
}

// reports are the files whose problems may have changed.
func (c *catalogue) reports() []*file {
	var out []*file
	for f := range c.reported {
		out = append(out, f)
	}
	clear(c.reported)
	slices.SortFunc(out, func(a, b *file) int {
		if a.path < b.path {
			return -1
		}
		return 1
	})
	return out
}
