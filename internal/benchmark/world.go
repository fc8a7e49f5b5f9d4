package main

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/workload"
)

// world is a node as it is before its agent comes.
type world struct {
	lab  *netlab.Lab
	node *netlab.Node
	// far holds the pods' ends of the veth pairs. That they share one namespace makes no
	// difference to the node, and large clusters cheap to set up.
	far *netlab.Node
}

// newWorld makes a node with an interface for each local pod of the cluster and for some
// that come later.
func newWorld(size workload.Size, spare int) (*world, error) {
	spec := netlab.NodeSpec{Name: workload.LocalNode}
	for _, f := range size.Families.Families() {
		spec.Addresses = append(spec.Addresses, workload.NodeAddress(f, 0))
	}
	lab, err := netlab.New(netlab.Options{Nodes: []netlab.NodeSpec{spec, {Name: "far"}}})
	if err != nil {
		return nil, err
	}
	w := &world{lab: lab, node: lab.Node(workload.LocalNode), far: lab.Node("far")}
	if err := w.plug(size, spare); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	return w, nil
}

func (w *world) plug(size workload.Size, spare int) error {
	near, err := w.node.Netlink()
	if err != nil {
		return err
	}
	defer near.Close()
	far, err := w.far.Netlink()
	if err != nil {
		return err
	}
	defer far.Close()
	c := workload.New(size)
	pods := c.LocalPods()
	for i := range spare {
		pods = append(pods, c.LocalPod(i))
	}
	for i, pod := range pods {
		name := podOf(workload.Event(pod)).Interface
		if err := w.veth(near, far, name, fmt.Sprintf("pod%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// veth makes a pair, both ends up.
func (w *world) veth(near, far *netlink.Handle, name, peer string) error {
	veth := netlink.NewVeth(netlink.NewLinkAttrs())
	veth.Name, veth.HardwareAddr = name, netlab.HostMAC()
	veth.PeerName, veth.PeerNamespace = peer, netlink.NsFd(w.far.NetFD())
	if err := near.LinkAdd(veth); err != nil {
		return fmt.Errorf("veth %s: %w", name, err)
	}
	for handle, name := range map[*netlink.Handle]string{near: name, far: peer} {
		link, err := handle.LinkByName(name)
		if err != nil {
			return fmt.Errorf("veth %s: %w", name, err)
		}
		if err := handle.LinkSetUp(link); err != nil {
			return fmt.Errorf("veth %s: %w", name, err)
		}
	}
	return nil
}

func (w *world) close() error { return w.lab.Close() }

// wipe removes all tables, and all routes that are not the kernel's own.
func (w *world) wipe() error {
	if err := w.flush(); err != nil {
		return err
	}
	handle, err := w.node.Netlink()
	if err != nil {
		return err
	}
	defer handle.Close()
	for _, f := range family.All() {
		af := family.PairOf(netlink.FAMILY_V4, netlink.FAMILY_V6)
		routes, err := handle.RouteList(nil, af.Get(f))
		if err != nil {
			return fmt.Errorf("list %v routes: %w", f, err)
		}
		for i := range routes {
			if routes[i].Protocol == routeOfKernel {
				continue
			}
			if err := handle.RouteDel(&routes[i]); err != nil {
				return fmt.Errorf("delete %v: %w", routes[i], err)
			}
		}
	}
	return nil
}

// routeOfKernel is RTPROT_KERNEL.
const routeOfKernel = 2
