package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// standInDemo are the options of a demo of the example's cluster with stand-ins for agents, and what it
// prints. The expected table is what stand-ins that route come to: all is open, but between
// guest and receiver, where one way is forbidden and so the other gets no answers.
func standInDemo(t *testing.T, behaviour string) (Options, *bytes.Buffer) {
	t.Helper()
	netlab.Require(t)
	t.Setenv(standInEnv, behaviour)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	manifests := t.TempDir()
	if err := os.CopyFS(manifests, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	var expected strings.Builder
	for _, r := range exampleTable(t) {
		for _, f := range family.All() {
			if cell := r.Cells.At(f); *cell != notApplicable {
				*cell = "TU"
				if closed := [2]string{guestSender, receiver}; closed == [2]string{r.From, r.To} || closed == [2]string{r.To, r.From} {
					*cell = "--"
				}
			}
		}
		fmt.Fprintln(&expected, r.From, r.To, r.Cells.Get(family.V4), r.Cells.Get(family.V6))
	}
	if err := os.WriteFile(filepath.Join(manifests, ExpectedFile), []byte(expected.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return Options{
		Agent:     self,
		Manifests: manifests,
		Directory: filepath.Join(t.TempDir(), "demo"),
		Patience:  10 * time.Second,
		Out:       &out,
	}, &out
}

// wantNothingLeft fails the test if namespaces, processes or manifests of the demo are still there.
func wantNothingLeft(t *testing.T, o Options) {
	t.Helper()
	if left, err := ownNamespaces(); err != nil || len(left) > 0 {
		t.Errorf("%d named namespaces are left (%v)", len(left), err)
	}
	if _, err := os.Stat(o.manifests()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copied manifests are left (%v)", err)
	}
	if pids := standIns(t); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
}

// standIns are the processes, by their directories in /proc, of stand-ins.
func standIns(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, path := range paths {
		text, _ := os.ReadFile(path) // gone meanwhile: empty
		if words := strings.Split(string(text), "\x00"); len(words) > 1 && words[0] == self && (words[1] == "run" || words[1] == "greet") {
			pids = append(pids, filepath.Dir(path))
		}
	}
	return pids
}

func TestTheDemoIsGreenAndLeavesNothing(t *testing.T) {
	o, out := standInDemo(t, routes)
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"Building 3 nodes and 6 pods",
		"ready after",
		"all as expected",
		"shop/db      shop/api     --        --          --        --",
		"shop/web to shop/api, allowed all the time: lost",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	wantNothingLeft(t, o)
	if _, err := os.Stat(o.Directory); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}

func TestTheDemoShowsWhatDiffers(t *testing.T) {
	o, out := standInDemo(t, routes)
	path := filepath.Join(o.Manifests, ExpectedFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), "ops/probe shop/web TU TU", "ops/probe shop/web TU -U", 1)
	if err := os.WriteFile(path, []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), o)
	if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "ops/probe to shop/web, IPv6 TCP: should be denied, is answered") {
		t.Errorf("error: %v", err)
	}
	for _, want := range []string{"1 are not as expected", "-U        TU differs", "let in after"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	wantNothingLeft(t, o)
	if _, err := os.Stat(filepath.Join(o.Directory, "node-1.log")); err != nil {
		t.Errorf("the logs are not kept: %v", err)
	}
}

func TestAnAgentThatEndsIsNoticedAtOnce(t *testing.T) {
	for behaviour, want := range map[string]string{
		dies:  "ended: exit status 3",
		fails: "the agent on node-2 ended: exit status 3",
	} {
		t.Run(behaviour, func(t *testing.T) {
			o, out := standInDemo(t, behaviour)
			o.Patience = time.Hour
			err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("error: %v\nwant one with %q\n%s", err, want, out)
			}
			// Where all of them die, any may be the first; the others' logs may still be empty.
			_, after, _ := strings.Cut(err.Error(), "the agent on ")
			node, _, _ := strings.Cut(after, " ")
			if !strings.Contains(out.String(), node+".log:\n    stand-in on "+node+" with ") {
				t.Errorf("the output lacks the end of the log:\n%s", out)
			}
			wantNothingLeft(t, o)
		})
	}
}

func TestAnAgentThatDoesNotBecomeReady(t *testing.T) {
	o, out := standInDemo(t, neverYet)
	o.Patience = 300 * time.Millisecond
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "is not ready after 300ms") || !strings.Contains(err.Error(), "IPv6 routes: still waiting") {
		t.Errorf("error: %v\n%s", err, out)
	}
	wantNothingLeft(t, o)
}

// interruption ends a context when a text is written.
type interruption struct {
	io.Writer
	at  string
	end context.CancelFunc
}

func (i interruption) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(i.at)) {
		i.end()
	}
	return i.Writer.Write(b)
}

func TestADemoThatIsBrokenOffLeavesNothing(t *testing.T) {
	for _, keep := range []bool{false, true} {
		for _, at := range []string{"Building", "Starting", "Trying", "Changing"} {
			t.Run(fmt.Sprintf("%s keep=%t", at, keep), func(t *testing.T) {
				o, out := standInDemo(t, routes)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				o.Out, o.Keep = interruption{out, at, cancel}, keep
				if err := Run(ctx, o); !errors.Is(err, context.Canceled) {
					t.Errorf("error: %v\n%s", err, out)
				}
				wantNothingLeft(t, o)
			})
		}
	}
}

func TestAKeptDemoStaysUntilItIsCleaned(t *testing.T) {
	o, out := standInDemo(t, routes)
	o.Keep = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out.String(), "make demo-clean") {
		t.Errorf("no word of how to remove what was kept:\n%s", out)
	}
	if left, err := ownNamespaces(); err != nil || len(left) != 10 { // 3 nodes, 6 pods, the link
		t.Errorf("%d named namespaces are left, want 10 (%v)", len(left), err)
	}
	if pids := standIns(t); len(pids) != 9 {
		t.Errorf("%d processes are left, want 3 agents and 6 greeters", len(pids))
	}
	if _, err := os.Stat(filepath.Join(o.manifests(), "pods.yaml")); err != nil {
		t.Error(err)
	}
	if err := Clean(o); err != nil {
		t.Fatal(err)
	}
	wantNothingLeft(t, o)
	if err := Clean(o); err != nil {
		t.Errorf("clean where nothing is left: %v", err)
	}
}

func TestADemoTakesOverWhatAnotherLeft(t *testing.T) {
	o, out := standInDemo(t, routes)
	o.Keep = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := standIns(t)
	o.Keep = false
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(first) != 9 {
		t.Errorf("the first left %v", first)
	}
	wantNothingLeft(t, o)
}

func TestTwoDemosAtOnce(t *testing.T) {
	o, _ := standInDemo(t, routes)
	unlock, err := lock(o.Directory)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another demo is running") {
		t.Errorf("a second demo: %v", err)
	}
	if err := Clean(o); err == nil {
		t.Error("cleaned away a demo that is running")
	}
}

func TestAnAgentThatDoesNotEndIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as an agent may take to end")
	}
	o, out := standInDemo(t, stubborn)
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "did not end within") {
		t.Errorf("error: %v\n%s", err, out)
	}
	wantNothingLeft(t, o)
}

// Processes of other programs in the demo's namespaces, a person's shell for instance, are not ours.
func TestCleanLeavesOtherProgramsAlone(t *testing.T) {
	netlab.Require(t)
	lab := netlab.Test(t, netlab.Options{Prefix: prefix, Named: true, Nodes: []netlab.NodeSpec{{Name: "node-1"}}})
	sleeper := lab.Node("node-1").Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	namespaces, err := ownNamespaces()
	if err != nil || len(namespaces) != 2 {
		t.Fatalf("%d namespaces, want node and link (%v)", len(namespaces), err)
	}
	if err := endProcesses(namespaces, []string{"/some/agent"}); err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", sleeper.Process.Pid))
	if err != nil {
		t.Fatalf("the other program was ended: %v", err)
	}
	if err := endProcesses(namespaces, []string{program}); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Wait(); err == nil || sleeper.ProcessState.ExitCode() != -1 {
		t.Errorf("the program was not killed: %v", err)
	}
}

func TestGreetersTellWhoAsks(t *testing.T) {
	netlab.Require(t)
	t.Setenv(standInEnv, routes)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "n"}}})
	node := lab.Node("n")
	if err := node.Command(self, "greet", "--name", "shop/web").Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), netlab.Patience)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DialContext: dialFrom(node)}}
	for _, host := range []string{"127.0.0.1", "::1"} {
		text, err := get(ctx, &client, "http://"+net.JoinHostPort(host, "8080"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(text, "This is shop/web; you are "+net.JoinHostPort(host, "")) {
			t.Errorf("%s: greeted with %q", host, text)
		}
	}
}

// get asks until somebody listens.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		answer, err := client.Do(request)
		if err == nil {
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			return string(text), err
		}
		if ctx.Err() != nil {
			return "", err
		}
	}
}
