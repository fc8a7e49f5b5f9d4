package demo

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOffATerminalNothingIsRedrawn(t *testing.T) {
	var out strings.Builder
	c := newConsole(&out)
	c.begin("Trying %d flows", 3)
	for i := range 3 {
		c.progress(i+1, 3)
	}
	c.end("all as expected")
	if got, want := out.String(), "Trying 3 flows                                all as expected (0.0 s)\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if c.colours.on {
		t.Error("colours where there is no terminal")
	}
}

func TestAStepThatIsBrokenOffEndsItsLine(t *testing.T) {
	var out strings.Builder
	c := newConsole(&out)
	c.breakOff()
	c.begin("Building")
	c.breakOff()
	c.breakOff()
	if got := strings.TrimRight(out.String(), "\n"); strings.Count(out.String(), "\n") != 1 || strings.TrimSpace(got) != "Building" {
		t.Errorf("%q, want one line", out.String())
	}
}

// pseudoTerminal is the two ends of one, see pts(4).
func pseudoTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestOnATerminalProgressIsRedrawnAndColoured(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	master, slave := pseudoTerminal(t)
	c := newConsole(slave)
	if !c.terminal || !c.colours.on {
		t.Fatalf("terminal %t, colours %t", c.terminal, c.colours.on)
	}
	c.begin("Trying")
	c.progress(1, 2)
	c.end("done")
	buf := make([]byte, 4096)
	n, err := master.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(buf[:n])
	for !strings.Contains(shown, "done") {
		n, err := master.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		shown += string(buf[:n])
	}
	if !strings.Contains(shown, "\r\x1b[KTrying") || !strings.Contains(shown, "1/2") {
		t.Errorf("shown: %q", shown)
	}
	t.Setenv("NO_COLOR", "1")
	if newConsole(slave).colours.on {
		t.Error("colours although NO_COLOR is set")
	}
}
