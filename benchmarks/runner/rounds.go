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

// addRounds measures the headline's figures again, round by round, until the intervals of their comparison are tight
// enough, or the time for that is over.
func (p *phase) addRounds(r *run, names []string, shops map[string]*measure.Shop) error {
	until := time.Now().Add(r.Profile.MoreFor)
	for round := p.repeats; time.Now().Before(until); round++ {
		settled, err := settled(r.about, r.headline, p.headline)
		if err != nil || settled {
			return err
		}
		r.Progress.Plan(p.planned(names, round))
		if err := p.round(r, names, shops, round,
			fmt.Sprintf(" (round %d, for a narrower interval)", round+1)); err != nil {
			return err
		}
	}
	return nil
}

// settled reports whether each headline's interval is tight enough: that of the first stage that has the figure with
// the last one. What one stage alone has is not compared.
func settled(about raw.Run, measurements []raw.Measurement, headline []figures.Key) (bool, error) {
	results, err := figures.Make(about, measurements)
	if err != nil {
		return false, err
	}
	for _, key := range headline {
		first, last := results.Ends(key)
		if first.Stage == last.Stage {
			continue
		}
		if ratio, ok := figures.RatioOf(first, last); ok && !ratio.Within(tightEnough) {
			return false, nil
		}
	}
	return true, nil
}
