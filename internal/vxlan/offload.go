package vxlan

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolValue is struct ethtool_value of linux/ethtool.h.
type ethtoolValue struct{ command, data uint32 }

// ifreqData is struct ifreq of linux/if.h as SIOCETHTOOL wants it.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data *ethtoolValue
	_    [16]byte // the union's other members are longer
}

// Offload implements Kernel.
func (l *Linux) Offload(name string) (bool, error) {
	v := ethtoolValue{command: unix.ETHTOOL_GTXCSUM}
	if err := l.ethtool(name, &v); err != nil {
		return false, fmt.Errorf("checksum offload: %w", err)
	}
	return v.data != 0, nil
}

// SetOffload implements Kernel.
func (l *Linux) SetOffload(name string, on bool) error {
	v := ethtoolValue{command: unix.ETHTOOL_STXCSUM}
	if on {
		v.data = 1
	}
	if err := l.ethtool(name, &v); err != nil {
		return fmt.Errorf("checksum offload: %w", err)
	}
	return nil
}

func (l *Linux) ethtool(name string, v *ethtoolValue) error {
	request := ifreqData{data: v}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.control), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}
