package cluster

import (
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/margay-net/margay/internal/netlab"
)

// Memory is what an agent has of memory, in octets.
type Memory struct{ Resident, Peak uint64 }

// AgentMemory is the memory of the node's agent.
func (n *Node) AgentMemory() Memory {
	n.c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.AgentPID()))
	n.c.must(err)
	kib := func(field string) uint64 {
		found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(status)
		if found == nil {
			n.c.t.Fatalf("no %s in the status of the agent", field)
		}
		v, err := strconv.ParseUint(string(found[1]), 10, 64)
		n.c.must(err)
		return v << 10
	}
	return Memory{Resident: kib("VmRSS"), Peak: kib("VmHWM")}
}

// Traffic is what has come and gone over the node's uplink, in octets, headers included.
type Traffic struct{ In, Out uint64 }

// Sub is the traffic since an earlier moment.
func (t Traffic) Sub(before Traffic) Traffic { return Traffic{t.In - before.In, t.Out - before.Out} }

// Uplink is the traffic of the node since it was made. As long as its pods are quiet all of it is
// between the agent and the server.
func (n *Node) Uplink() Traffic {
	n.c.t.Helper()
	links, err := n.Netlink()
	n.c.must(err)
	defer links.Close()
	link, err := links.LinkByName(netlab.Uplink)
	n.c.must(err)
	s := link.Attrs().Statistics
	return Traffic{In: s.RxBytes, Out: s.TxBytes}
}
