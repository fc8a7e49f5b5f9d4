package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// beingWritten says whether somebody has the file open for writing: then, and only then,
// a read lease is refused with EAGAIN (fcntl(2), F_SETLEASE). A file system without
// leases, or a file of somebody else's, counts as not being written.
func beingWritten(path string) bool {
	f, err := openRegular(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}

// closeWatch waits until a file that was open for writing is closed.
type closeWatch struct{ inotify *os.File }

// watchClose calls then once after a writer of the file has closed it. fsnotify does not
// tell of that.
func watchClose(path string, then func()) (*closeWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	c := &closeWatch{inotify: os.NewFile(uintptr(fd), "inotify")}
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_CLOSE_WRITE|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF); err != nil {
		c.stop()
		return nil, err
	}
	go func() {
		var event [unix.SizeofInotifyEvent + unix.NAME_MAX + 1]byte
		if _, err := c.inotify.Read(event[:]); err == nil {
			then()
		}
	}()
	return c, nil
}

func (c *closeWatch) stop() { c.inotify.Close() }

// busy says whether the file must not be read now, because somebody is writing it. The
// watch is woken when that is over.
func (s *Source) busy(path string, w *watch) bool {
	if old := s.writers[path]; old != nil {
		old.stop()
		delete(s.writers, path)
	}
	s.await(path)
	if !beingWritten(path) {
		return false
	}
	c, err := watchClose(path, w.poke)
	if err != nil {
		s.log.WithError(err).WithField("file", path).Warn("Cannot wait for the file's writer; reading it as it is")
		return false
	}
	if !beingWritten(path) { // closed before the watch was there
		c.stop()
		return false
	}
	s.writers[path] = c
	return true
}

func (s *Source) stopWaiting() {
	for _, c := range s.writers {
		c.stop()
	}
}
