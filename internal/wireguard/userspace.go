package wireguard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

// Userspace makes devices in this process, for kernels without WireGuard: a tun interface, and
// the protocol in golang.zx2c4.com/wireguard. It is the Tunnel of its own devices, and of no
// others.
//
// The interface outlives the process (TUNSETPERSIST), with its addresses and routes: what a pod
// sends while no agent runs is lost, and nothing of it leaves in the clear. Sessions do not
// outlive it.
type Userspace struct {
	links   *Linux
	report  func(text string)
	running map[string]*device.Device
}

// UserspaceOptions for NewUserspace.
type UserspaceOptions struct {
	// Links is the namespace's interfaces. It is required; devices have to be made and changed
	// by a thread in that namespace.
	Links *Linux
	// Report gets what the device has to say when something goes wrong; nil drops it.
	Report func(text string)
}

// NewUserspace makes a Userspace without devices.
func NewUserspace(o UserspaceOptions) *Userspace {
	if o.Report == nil {
		o.Report = func(string) {}
	}
	return &Userspace{links: o.Links, report: o.Report, running: map[string]*device.Device{}}
}

// Has says whether the device runs in this process.
func (u *Userspace) Has(name string) bool { return u.running[name] != nil }

// Read implements Tunnel.
func (u *Userspace) Read(name string) (Device, error) {
	d := u.running[name]
	if d == nil {
		return Device{}, fs.ErrNotExist
	}
	text, err := d.IpcGet()
	if err != nil {
		return Device{}, err
	}
	return parseDevice(text)
}

// Change implements Tunnel.
func (u *Userspace) Change(name string, c Change) error {
	d := u.running[name]
	if d == nil {
		return fs.ErrNotExist
	}
	return d.IpcSet(changeText(c)) // names the port if that is taken, and no key
}

// Takes implements Maker.
func (u *Userspace) Takes(kind string) bool { return kind == kindTun }

// Make implements Maker.
func (u *Userspace) Make(name string, mtu int) error { return u.start(name, mtu) }

// Attach implements Maker: an interface that an earlier process left, or that lost its device.
func (u *Userspace) Attach(l Link) error {
	if d := u.running[l.Name]; d != nil {
		select {
		case <-d.Wait(): // closed by itself: its interface was deleted and made anew
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
	d := device.NewDevice(link, conn.NewStdNetBind(), u.logger(name))
	if err := d.Up(); err != nil {
		d.Close()
		return fmt.Errorf("device in user space: %w", err)
	}
	u.running[name] = d
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
	if d := u.running[name]; d != nil {
		d.Close()
		delete(u.running, name)
	}
}

func (u *Userspace) logger(name string) *device.Logger {
	return &device.Logger{
		Verbosef: device.DiscardLogf,
		Errorf:   func(format string, args ...any) { u.report(name + ": " + fmt.Sprintf(format, args...)) },
	}
}

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
