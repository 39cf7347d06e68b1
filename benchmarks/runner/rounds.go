package runner

import (
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
)

// tightEnough is how far the interval of a headline may reach to each side, as a part of the ratio.
const tightEnough = .1

// addRounds measures those of the headline's figures again, round by round, whose intervals are not tight enough, as
// long as the time that the run has for that is enough for a round.
func (p *phase) addRounds(r *run, names []string, shops map[string]*measure.Shop) error {
	for round := p.repeats; ; round++ {
		wide, err := wide(r.about, r.headline, p.headline)
		if err != nil {
			return err
		}
		wide = p.affordable(names, round, wide, r.moreFor)
		if len(wide) == 0 {
			return nil
		}
		r.Progress.Plan(p.planned(names, round, wide))
		began := time.Now()
		if err := p.round(r, names, shops, round, wide,
			fmt.Sprintf(" (round %d, for a narrower interval)", round+1)); err != nil {
			return err
		}
		r.moreFor -= time.Since(began)
	}
}

// affordable returns the first figures for which a round takes no longer than there is time.
func (p *phase) affordable(names []string, round int, wide []figures.Key, left time.Duration) []figures.Key {
	for len(wide) > 0 && p.planned(names, round, wide) > left {
		wide = wide[:len(wide)-1]
	}
	return wide
}

// wide returns the headline's figures whose interval is not tight enough: that of the first stage that has the figure
// with the last one. What one stage alone has is not compared.
func wide(about raw.Run, measurements []raw.Measurement, headline []figures.Key) (wide []figures.Key, err error) {
	about.Ended = time.Now() // what is given is whole, though the run goes on
	results, err := figures.Make(about, measurements)
	if err != nil {
		return nil, err
	}
	for _, key := range headline {
		first, last := results.Ends(key)
		if first.Stage == last.Stage {
			continue
		}
		if ratio, ok := figures.RatioOf(first, last); ok && !ratio.Within(tightEnough) {
			wide = append(wide, key)
		}
	}
	return wide, nil
}
