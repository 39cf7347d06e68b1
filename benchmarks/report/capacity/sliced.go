package capacity

import "github.com/woodytoys/woodytoys/benchmarks/report/figures"

// Machine is the name of the machine that all components of a stage share, with who makes the load.
const Machine = "machine"

// Sliced returns the rate that so many replicas are to carry, each in the slice of a core that the run gave it, and
// what is full then: "api", their slices, or Machine. It is made from what requests cost without slices, and from
// nothing that was measured in them.
func Sliced(r *figures.Results, stage string, reads float64, replicas int) (rate float64, full string, err error) {
	costs, err := CostsOf(r, stage)
	if err != nil {
		return 0, "", err
	}
	generatedReads, _ := r.Mean(stage, readsOf(r, stage).Of(figures.GeneratorName))
	generatedMix, _ := r.Mean(stage, figures.Generator)
	all := costOf(Machine, generatedReads, generatedMix)
	for _, c := range costs {
		all.Read, all.Write = all.Read+c.Read, all.Write+c.Write
	}
	has := map[string]float64{"api": float64(replicas) * r.Run.SliceCores}
	if cpus := r.Run.Machine.CPUs; cpus > 0 {
		has[Machine] = float64(cpus)
	}
	rate, full = Highest(append(costs, all), reads, has)
	return rate, full, nil
}
