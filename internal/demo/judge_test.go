package demo

import (
	"reflect"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

// moment is some milliseconds into a test.
func moment(ms int) time.Time { return time.Unix(1000, int64(ms)*int64(time.Millisecond)) }

// flowOf is the report of a flow with a message every millisecond, of which those from open on and before
// shut arrive, each half a millisecond after it was sent.
func flowOf(messages, open, shut int) netlab.Report {
	var r netlab.Report
	for n := range messages {
		r.Sent = append(r.Sent, moment(n))
		arrived := time.Time{}
		if n >= open && n < shut {
			arrived = moment(n).Add(time.Millisecond / 2)
		}
		r.Arrived = append(r.Arrived, arrived)
	}
	return r
}

func TestJudge(t *testing.T) {
	lossy, late := flowOf(600, 104, 402), flowOf(600, 104, 402)
	lossy.Arrived[200] = time.Time{}
	for n := 390; n < 402; n++ {
		late.Arrived[n] = time.Time{}
	}
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	for _, c := range []struct {
		name   string
		report netlab.Report
		want   arrival
	}{
		{"as it should be", flowOf(600, 104, 402), arrival{opened: ms(4.5), closed: ms(2)}},
		{"one lost while allowed", lossy, arrival{opened: ms(4.5), closed: ms(2), faults: []string{
			"after the first packet had passed: sent 246, lost 1 (first 95, last 95), longest gap 2ms"}}},
		{"the last ones stamped before the taking back were under way", late, arrival{opened: ms(4.5), closed: ms(1)}},
		{"open from the start", flowOf(600, 0, 402), arrival{opened: ms(0.5), closed: ms(2), faults: []string{
			"100 packets passed before the change"}}},
		{"never opens", flowOf(600, 600, 600), arrival{faults: []string{"nothing passed after the change"}}},
		{"opens when it should close", flowOf(600, 450, 500), arrival{faults: []string{"nothing passed after the change"}}},
		{"never closes", flowOf(600, 104, 600), arrival{opened: ms(4.5), faults: []string{
			"packets still pass after the change was taken back"}}},
	} {
		if got := judge(c.report, moment(100), moment(400)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "-", 1234 * time.Microsecond: "1.2 ms", 2 * time.Second: "2000.0 ms"} {
		if got := milliseconds(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
