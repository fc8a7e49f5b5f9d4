package main

import (
	"os"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/hostconfig"
)

// besideCondition is about other programs on the node that would undo what the agent does.
const besideCondition = "OthersLeaveAlone"

// lookBeside warns of such programs, once, at the start.
func (d *daemon) lookBeside() {
	warnings := hostconfig.Warnings(os.DirFS("/"))
	for _, text := range warnings {
		d.log.WithField("component", "hostconfig").Warn(text)
	}
	if len(warnings) > 0 {
		d.board.SetCondition(time.Now(), health.Condition{
			Name: besideCondition, Status: health.False, Message: strings.Join(warnings, "; "),
		})
	}
}
