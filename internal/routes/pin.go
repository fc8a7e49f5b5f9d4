package routes

// pin is a route to the gateway of tunnel routes, for as long as any of them needs it.
type pin struct {
	route Route
	users int
}

// pinGateway counts a wish among those that need the pin, if it needs one. Of all that need it,
// it is the same: there is one device for a gateway.
func (d *Driver) pinGateway(w *wish, route Route) {
	if route == (Route{}) {
		return
	}
	k := route.Key()
	p := d.pins[k]
	if p == nil {
		p = &pin{}
		d.pins[k] = p
	}
	if !w.pinned {
		w.pin, w.pinned = k, true
		p.users++
	}
	if p.route != route {
		p.route = route
		d.tracker.Desire(k, route)
	}
}

// unpin takes a wish from those that need its pin.
func (d *Driver) unpin(w *wish) {
	if !w.pinned {
		return
	}
	w.pinned = false
	k := w.pin
	if d.pins[k].users--; d.pins[k].users > 0 {
		return
	}
	delete(d.pins, k)
	if other := d.wishes[k.Destination]; other == nil || !other.placed || other.key != k {
		d.tracker.Undesire(k)
	}
}

// undesire takes the route of a wish back, unless it is a pin as well.
func (d *Driver) undesire(k Key) {
	if p := d.pins[k]; p != nil {
		d.tracker.Desire(k, p.route)
		return
	}
	d.tracker.Undesire(k)
}
