package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// defaultSocket is where the agent answers `agent dump`.
const defaultSocket = "/run/margay/agent.sock"

func registerSocket(set *pflag.FlagSet, path *string) {
	set.StringVar(path, "socket", defaultSocket, "Unix `socket` that the agent answers dumps on; only its owner may ask")
}

// listenSocket listens on a Unix socket that only the owner may use. A socket that a
// dead agent has left is replaced; that of a living one is not.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: another agent answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// The mode of the file is that of the socket at the time of bind (unix_bind in
	// net/unix/af_unix.c), so that there is no moment at which others could connect.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var refused error
		if err := c.Control(func(fd uintptr) { refused = unix.Fchmod(int(fd), 0o600) }); err != nil {
			return err
		}
		return refused
	}}
	return config.Listen(ctx, "unix", path)
}

// answerDumps serves dumps on a listener until the context ends. dump writes a stage.
func answerDumps(ctx context.Context, l net.Listener, dump func(ctx context.Context, stage string, w io.Writer) error) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dump/{stage}", func(w http.ResponseWriter, r *http.Request) {
		// The stage is written at once where it can fail, so that a failure has a status.
		var text strings.Builder
		if err := dump(r.Context(), r.PathValue("stage"), &text); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text.String()) // whoever asked may have gone
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// askAgent has the agent on this node dump a stage.
func askAgent(ctx context.Context, socket, stage string, out io.Writer) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://agent/dump/"+stage, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("dump %s: is an agent running here? %w", stage, errors.Unwrap(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16)) // the status says enough without
		return errors.New(strings.TrimSpace(string(text)))
	}
	_, err = io.Copy(out, answer.Body)
	return err
}
