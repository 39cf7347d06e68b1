package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// What three nodes of the database cost is measured without a cache, after everything else: the same replicas before
// one server, and before the nodes, in pairs of rounds.

// nodesStart is about how long three nodes take to be there.
const nodesStart = 15 * time.Second

// nodesStage returns the stage with the nodes, if it is measured and the profile asks for the pairs.
func (r *run) nodesStage(names []string) (s stage.Stage, ok bool) {
	if r.Driver != "local" || r.Profile.NodePairs == 0 {
		return s, false
	}
	i := slices.IndexFunc(names, func(name string) bool { return stage.Named(name).Nodes })
	if i < 0 {
		return s, false
	}
	return stage.Named(names[i]), true
}

// nodesPlanned returns about how long all of it takes.
func (p Profile) nodesPlanned() time.Duration {
	return nodesStart + startPlanned + time.Duration(p.NodePairs)*6*(p.Warm+p.NodesFor)
}

func (r *run) planNodes(names []string) {
	if _, ok := r.nodesStage(names); ok {
		r.Progress.Plan(r.Profile.nodesPlanned())
	}
}

// measureNodes measures the pairs.
func (r *run) measureNodes(names []string) error {
	s, ok := r.nodesStage(names)
	if !ok {
		return nil
	}
	defer r.driver.End()
	s.Redis = false
	shops := map[string]*measure.Shop{}
	for _, side := range []string{figures.OneServer, figures.ThreeNodes} {
		s.Nodes = side == figures.ThreeNodes
		what := fmt.Sprintf("%s: starting it without a cache, databases: %s", s.Name, side)
		if err := r.step(what, nodesStart, func() error {
			running, err := r.driver.Start(r.ctx, s, r.Profile.Config.WithoutDelays())
			if err != nil {
				return err
			}
			shops[side], err = measure.Open(r.ctx, running, r.Profile.Products)
			return err
		}); err != nil {
			return err
		}
	}
	for pair := range r.Profile.NodePairs {
		if err := r.measureNodePair(shops, pair); err != nil {
			return err
		}
	}
	return nil
}

// measureNodePair measures both sides once, every other time in the other order.
func (r *run) measureNodePair(shops map[string]*measure.Shop, pair int) error {
	sides := []string{figures.OneServer, figures.ThreeNodes}
	if pair%2 == 1 {
		slices.Reverse(sides)
	}
	p := r.Profile
	for _, load := range []struct {
		what   string
		conns  int
		writes float64
	}{{figures.NodeReads, p.NodeConns, 0}, {figures.NodeWrites, p.NodeConns, 1}, {figures.NodeAlone, 1, 1}} {
		for _, side := range sides {
			shop := shops[side]
			what := fmt.Sprintf("%s: uncached %s, databases: %s (pair %d of %d)", shop.Name, load.what, side, pair+1,
				p.NodePairs)
			if err := r.step(what, p.Warm+p.NodesFor, func() error {
				if err := shop.Warm(r.ctx, p.Warm); err != nil {
					return err
				}
				m, err := shop.Nodes(r.ctx, side+"/"+load.what, load.conns, load.writes, p.NodesFor)
				if err != nil {
					return r.keepCutOff(shop, pair+1, err)
				}
				m.Repeat = pair + 1
				return r.folder.Keep(m)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
