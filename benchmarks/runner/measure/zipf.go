package measure

import (
	"math/rand/v2"
	"sort"
)

// zipf draws numbers below n so that the k-th is drawn in proportion to 1/k.
type zipf []float64

func newZipf(n int) zipf {
	z := make(zipf, n)
	sum := 0.0
	for k := range z {
		sum += 1 / float64(k+1)
		z[k] = sum
	}
	return z
}

func (z zipf) draw(random *rand.Rand) int {
	return min(sort.SearchFloat64s(z, random.Float64()*z[len(z)-1]), len(z)-1)
}
