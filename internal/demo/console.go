package demo

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// console shows people how far the demo is. On a terminal the line of the step under way is
// redrawn; elsewhere it is only ever added to.
type console struct {
	io.Writer
	terminal bool
	colours  colours
	step     string
	began    time.Time
}

func newConsole(w io.Writer) *console {
	c := &console{Writer: w, terminal: isTerminal(w)}
	// https://no-color.org: any value that is not empty.
	c.colours.on = c.terminal && os.Getenv("NO_COLOR") == ""
	return c
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// begin shows that a step begins.
func (c *console) begin(format string, args ...any) {
	c.step, c.began = fmt.Sprintf(format, args...), time.Now()
	fmt.Fprintf(c, "%-46s", c.step)
}

// progress shows how far the step is, where that can be redrawn.
func (c *console) progress(done, of int) {
	if c.terminal {
		fmt.Fprintf(c, "\r\x1b[K%-46s%d/%d", c.step, done, of)
	}
}

// end shows what came of the step, and how long it took.
func (c *console) end(format string, args ...any) {
	if c.terminal {
		fmt.Fprintf(c, "\r\x1b[K%-46s", c.step)
	}
	fmt.Fprintf(c, "%s (%.1f s)\n", fmt.Sprintf(format, args...), time.Since(c.began).Seconds())
	c.step = ""
}

// breakOff ends the line of a step that came to nothing.
func (c *console) breakOff() {
	if c.step != "" {
		fmt.Fprintln(c)
		c.step = ""
	}
}

// colours paint text, if they are on.
type colours struct{ on bool }

func (c colours) paint(code, text string) string {
	if !c.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (c colours) good(text string) string  { return c.paint("32", text) }
func (c colours) bad(text string) string   { return c.paint("1;31", text) }
func (c colours) faint(text string) string { return c.paint("2", text) }
