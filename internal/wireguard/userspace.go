package wireguard

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun"
)

// Userspace makes devices in this process, for kernels without WireGuard: a tun interface, and
// the protocol in golang.zx2c4.com/wireguard. They are configured like the kernel's, by their
// socket in /var/run/wireguard.
//
// The interface outlives the process (TUNSETPERSIST), with its addresses and routes: what a pod
// sends while no agent runs is lost, and nothing of it leaves in the clear. Sessions do not
// outlive it.
type Userspace struct {
	links   *Linux
	options UserspaceOptions
	running map[string]*running
}

// UserspaceOptions for NewUserspace.
type UserspaceOptions struct {
	// Links is the namespace's interfaces. It is required.
	Links *Linux
	// Report gets what the device has to say when something goes wrong; nil drops it.
	Report func(text string)
	// Enter calls a function in the network namespace; nil where all of the process is in it.
	Enter func(func() error) error
}

// NewUserspace makes a Userspace without devices.
func NewUserspace(o UserspaceOptions) *Userspace {
	if o.Report == nil {
		o.Report = func(string) {}
	}
	if o.Enter == nil {
		o.Enter = func(f func() error) error { return f() }
	}
	return &Userspace{links: o.Links, options: o, running: map[string]*running{}}
}

// running is a device of this process.
type running struct {
	device *device.Device
	socket net.Listener
}

// Takes implements Maker.
func (u *Userspace) Takes(kind string) bool { return kind == kindTun }

// Make implements Maker.
func (u *Userspace) Make(name string, mtu int) error { return u.start(name, mtu) }

// Attach implements Maker: an interface that an earlier process left, or that lost its process.
func (u *Userspace) Attach(l Link) error {
	if r := u.running[l.Name]; r != nil {
		select {
		case <-r.device.Wait(): // closed by itself: its interface was deleted and made anew
			u.stop(l.Name)
		default:
			return nil
		}
	}
	return u.start(l.Name, l.MTU)
}

func (u *Userspace) start(name string, mtu int) error {
	u.stop(name)
	file, err := openTun(name)
	if err != nil {
		return fmt.Errorf("device in user space: %w", err)
	}
	link, err := tun.CreateTUNFromFile(file, mtu)
	if err != nil {
		return fmt.Errorf("device in user space: %w", errors.Join(err, file.Close()))
	}
	r := &running{device: device.NewDevice(link, placedBind{conn.NewStdNetBind(), u.options.Enter}, u.logger(name))}
	if err := r.listen(name); err != nil {
		r.device.Close()
		return fmt.Errorf("device in user space: %w", err)
	}
	if err := r.device.Up(); err != nil {
		r.close()
		return fmt.Errorf("device in user space: %w", err)
	}
	u.running[name] = r
	return nil
}

// Remove implements Maker.
func (u *Userspace) Remove(name string) error {
	u.stop(name)
	return u.links.Remove(name)
}

// Close stops all devices. Their interfaces stay, for the next process.
func (u *Userspace) Close() error {
	for name := range u.running {
		u.stop(name)
	}
	return nil
}

func (u *Userspace) stop(name string) {
	if r := u.running[name]; r != nil {
		r.close()
		delete(u.running, name)
	}
}

func (u *Userspace) logger(name string) *device.Logger {
	return &device.Logger{
		Verbosef: device.DiscardLogf,
		Errorf:   func(format string, args ...any) { u.options.Report(name + ": " + fmt.Sprintf(format, args...)) },
	}
}

// listen serves the device's socket: one goroutine, and one for each connection, until close.
func (r *running) listen(name string) error {
	if err := os.MkdirAll(filepath.Dir(socketOf(name)), 0o700); err != nil {
		return err
	}
	file, err := ipc.UAPIOpen(name)
	if err != nil {
		return err
	}
	if r.socket, err = ipc.UAPIListen(name, file); err != nil {
		return err
	}
	go func() {
		for {
			c, err := r.socket.Accept()
			if err != nil {
				return
			}
			go r.device.IpcHandle(c)
		}
	}()
	return nil
}

func (r *running) close() {
	_ = r.socket.Close()
	r.device.Close()
}

func socketOf(name string) string { return "/var/run/wireguard/" + name + ".sock" }

// openTun makes a tun interface, or takes hold of the one of the name, and makes it last.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("/dev/net/tun: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// placedBind opens the device's sockets in the right network namespace: it is asked to on the
// goroutine of whoever speaks to the device.
type placedBind struct {
	conn.Bind
	enter func(func() error) error
}

// Open implements conn.Bind.
func (b placedBind) Open(port uint16) (fns []conn.ReceiveFunc, actual uint16, err error) {
	err = b.enter(func() (err error) {
		fns, actual, err = b.Bind.Open(port)
		return err
	})
	return fns, actual, err
}

// Either makes the kernel's device where that is possible, and else one in user space.
type Either struct {
	Kernel    *Linux
	Userspace *Userspace
}

// Takes implements Maker.
func (e Either) Takes(kind string) bool { return e.Kernel.Takes(kind) || e.Userspace.Takes(kind) }

// Make implements Maker.
func (e Either) Make(name string, mtu int) error {
	err := e.Kernel.Make(name, mtu)
	if errors.Is(err, ErrUnsupported) {
		return e.Userspace.Make(name, mtu)
	}
	return err
}

// Attach implements Maker.
func (e Either) Attach(l Link) error {
	if e.Userspace.Takes(l.Kind) {
		return e.Userspace.Attach(l)
	}
	return nil
}

// Remove implements Maker.
func (e Either) Remove(name string) error { return e.Userspace.Remove(name) }
