package dataplane_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// breakPrograms puts a script in the place of those programs of a variant of iptables whose
// names fit a pattern of the shell, in the node alone. All of them are one file under many
// names. The script finds the real program in $real.
func breakPrograms(t *testing.T, n *nodetest.Node, variant, pattern, script string) (mend func()) {
	t.Helper()
	program := "/usr/sbin/xtables-" + variant + "-multi"
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	real, wrapper := filepath.Join(dir, "real"), filepath.Join(dir, "wrapper")
	text := fmt.Sprintf("#!/bin/bash\nreal=%s\ncase \"$0\" in %s) %s;; esac\nexec -a \"$0\" $real \"$@\"\n", real, pattern, script)
	for name, content := range map[string]string{real: string(binary), wrapper: text} {
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		if out, err := n.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	run("mount", "--bind", wrapper, program)
	return func() { run("umount", program) }
}

// While one family's programs fail, in whatever way, the other's policy follows every change,
// and the failing one stays as it was: never open. When they work again, it is as it should be.
func TestOneFamilysProgramsFail(t *testing.T) {
	t.Parallel()
	if nodetest.Backend() == nodetest.NFTables {
		t.Skip("nftables starts no programs")
	}
	for name, script := range map[string]string{
		"at once":             "cat >/dev/null; echo out of order >&2; exit 1",
		"in the middle":       `head -n -1 | exec -a "$0" $real "$@"; exit 1`,
		"without doing it":    "cat >/dev/null; sleep 0.5; echo killed >&2; exit 137",
		"one is not runnable": "kill -SEGV $$",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startCluster(t, family.Both, nil)
			n.Write("policy.yaml", udpToAPI(9000))
			n.Settled()
			mend := breakPrograms(t, n, strings.TrimPrefix(nodetest.Backend(), "iptables-"), "*ip6tables*-restore", script)
			var allowed, denied []*netlab.Stream
			for i, f := range family.All() {
				allowed = append(allowed, stream(t, n, till, api, f, uint16(9000+i), true))
				denied = append(denied, blocked(t, n, till, api, f, uint16(9100+i)))
			}
			n.Write("policy.yaml", udpToAPI(9100))
			n.Settled()
			next(t, denied[0]) // IPv4 has turned
			next(t, allowed[1])
			if r := denied[1].Report(); len(r.Lost()) != len(r.Sent) {
				t.Errorf("IPv6 is open: %v", r)
			}
			if status := n.Dump("status"); !strings.Contains(status, "IPv6: iptables") || strings.Contains(status, "IPv4: iptables") {
				t.Errorf("not told of:\n%s", status)
			}
			mend()
			next(t, denied[1]) // nobody need tell it to try again
			for i := range allowed {
				allowed[i].Stop()
				denied[i].Stop()
			}
		})
	}
}
