package workload

import (
	"fmt"

	"github.com/margay-net/margay/api"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/convert"
)

// Event is the object as the graph takes it, by the conversion that the sources use. It
// panics on an object that has anything wrong with it: the workload is at fault then.
func Event(o any) model.Event {
	if r, ok := o.(api.Resource); ok {
		r.Default()
		if errs := r.Validate(); len(errs) > 0 {
			panic(fmt.Sprintf("workload: %T: %v", o, errs[0]))
		}
	}
	r, ok := convert.New(convert.Options{}).Object(o, nil)
	if !ok || len(r.Problems) > 0 {
		panic(fmt.Sprintf("workload: %T %v: %v", o, r.Key, r.Problems))
	}
	return model.Event{Key: r.Key, Value: r.Value}
}

// BaseEvents are the events of the whole base.
func (c *Cluster) BaseEvents() []model.Event {
	var events []model.Event
	c.Base(func(o any) { events = append(events, Event(o)) })
	return events
}
