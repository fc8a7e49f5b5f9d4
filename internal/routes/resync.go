package routes

import "fmt"

// resync reads everything and forgets what was known before.
func (d *Driver) resync() error {
	links, err := d.kernel.Links()
	if err != nil {
		return fmt.Errorf("%s routes: %w", d.family, err)
	}
	addresses, err := d.kernel.Addresses(d.family)
	if err != nil {
		return fmt.Errorf("%s routes: %w", d.family, err)
	}
	routes, err := d.kernel.Routes(d.family)
	if err != nil {
		return fmt.Errorf("%s routes: %w", d.family, err)
	}
	before := d.view
	d.view = newView()
	for _, l := range links {
		d.view.setLink(l)
	}
	for _, a := range addresses {
		d.view.setAddress(a, false)
	}
	d.soilLost(before)
	told := d.keepRoutes(routes)
	if d.unsettled || !d.view.sees(&before) {
		d.settleAll()
	}
	d.settleProxied() // by the routes of others
	d.observe(routes)
	for link := range told {
		d.tell(link)
	}
	d.stale = false
	return nil
}

// soilLost soils the addresses of pods whose interface has gone, or is another one now.
func (d *Driver) soilLost(before view) {
	for name, index := range before.byName {
		if now, ok := d.view.byName[name]; ok && now == index {
			continue
		}
		for dst := range d.onInterface[name] {
			d.soil(d.wishes[dst])
		}
	}
}

// keepRoutes takes note of the routes that matter whoever made them. It returns the pod
// interfaces that have, or had, any.
func (d *Driver) keepRoutes(routes []Route) map[int]bool {
	told := map[int]bool{}
	for link := range d.onPods {
		told[link] = true
	}
	d.onPods = map[int]map[Key]Route{}
	for i := range routes {
		r := &routes[i]
		pod := d.onPod(*r)
		d.view.setLead(*r, d.traits.proxied, pod, false)
		if pod {
			d.keep(*r)
		}
	}
	for link := range d.onPods {
		told[link] = true
	}
	return told
}

// observe tells the tracker what there is of ours, and finds the strangers that stand
// where ours should.
func (d *Driver) observe(routes []Route) {
	mine := make([]*Route, 0, len(routes))
	strangers := map[Key]Route{}
	for i := range routes {
		r := &routes[i]
		if d.mine(*r) {
			mine = append(mine, r)
		} else if _, desired := d.tracker.Desired(r.Key()); desired {
			strangers[r.Key()] = *r
		}
	}
	d.tracker.ObserveAll(func(yield func(Key, Route) bool) {
		for _, r := range mine {
			if !yield(r.Key(), *r) {
				return
			}
		}
	})
	for k := range d.strangers {
		if _, still := strangers[k]; !still {
			d.tracker.Retry(k)
		}
	}
	d.strangers = strangers
}
