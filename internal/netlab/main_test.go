package netlab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/margay-net/margay/internal/netlab"
)

// rerun runs one test of this program where no namespaces are to be had: in a user namespace
// whose limits for further ones are zero (user_namespaces(7)).
func rerunRefused(t *testing.T, test string, env ...string) (output string, failed bool) {
	t.Helper()
	netlab.Require(t)
	c := exec.Command("sh", "-c",
		`echo 0 >/proc/sys/user/max_user_namespaces && echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" -test.v -test.run "$1"`,
		os.Args[0], "^"+test+"$")
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MARGAY_") {
			c.Env = append(c.Env, e)
		}
	}
	c.Env = append(c.Env, env...)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	return string(out), err != nil
}

func TestRefusedKernelTestsAreSkippedLoudly(t *testing.T) {
	log := filepath.Join(t.TempDir(), "skipped")
	out, failed := rerunRefused(t, "TestNodesAndLinkTalkToo", netlab.SkipLogEnv+"="+log)
	if failed || !strings.Contains(out, "\nKERNEL TESTS SKIPPED: ") || !strings.Contains(out, "--- SKIP: TestNodesAndLinkTalkToo") {
		t.Errorf("output:\n%s", out)
	}
	line, err := os.ReadFile(log)
	if err != nil || !strings.HasPrefix(string(line), "KERNEL TESTS SKIPPED: ") || strings.Count(string(line), "\n") != 1 {
		t.Errorf("log of skips is %q (%v), want one line", line, err)
	}
}

func TestRefusedKernelTestsFailWhereTheyAreRequired(t *testing.T) {
	for _, test := range []string{"TestNodesAndLinkTalkToo", "TestReportInFigures"} {
		out, failed := rerunRefused(t, test, netlab.RequireEnv+"=1")
		if !failed {
			t.Errorf("%s passes:\n%s", test, out)
		}
	}
}

func TestRefusedRunStillRunsOtherTests(t *testing.T) {
	out, failed := rerunRefused(t, "TestReportInFigures")
	if failed || !strings.Contains(out, "--- PASS: TestReportInFigures") {
		t.Errorf("output:\n%s", out)
	}
}
