package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

var errNoFile = errors.New("is no regular file")

// openRegular opens a file for reading, and nothing else than a regular one: to open a pipe is
// to wait for somebody who writes, and to open a device may be to start something. What is
// looked at is held without being opened (O_PATH, open(2)) and then opened by that hold, so
// that nothing else can take its place in between.
func openRegular(path string) (*os.File, error) {
	hold, err := openRetrying(path, unix.O_PATH)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(hold)
	var st unix.Stat_t
	if err := unix.Fstat(hold, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNoFile}
	}
	fd, err := openRetrying(fmt.Sprintf("/proc/self/fd/%d", hold), unix.O_RDONLY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openRetrying opens past signals, as package os does.
func openRetrying(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// awaiting reads a file, and says of each piece that it waits for it.
type awaiting struct {
	*os.File
	await func(path string)
}

// Read implements io.Reader.
func (a awaiting) Read(to []byte) (int, error) {
	a.await(a.Name())
	return a.File.Read(to)
}
