package main

import (
	"context"
	"errors"
	"net/netip"
	"os"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// linkAddresses lists the addresses of one family that links in this network namespace
// have, each with the length of its subnet.
func linkAddresses(f family.Family) ([]netip.Prefix, error) {
	socket, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	list, err := socket.Addresses(f)
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, a := range list {
		if !a.LinkScope {
			out = append(out, a.Prefix)
		}
	}
	return out, nil
}

// followAddresses tells the announcer when an address of the node comes or goes.
func (a *announcer) followAddresses(ctx context.Context) error {
	listener, err := rtnetlink.Listen(rtnetlink.Topics{Addresses: family.Both})
	if err != nil {
		return err
	}
	defer listener.Close() // twice does no harm
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	for {
		events, err := listener.Next()
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Address != nil || e.Overrun {
				a.addressesChanged()
			}
		}
	}
}
