package main

import (
	"math"
	"slices"
)

func judgeDoors(f facts) (found findings) {
	for _, d := range f.entryPoints {
		if d.err != "" {
			found.add("door", d.url, "Visitors see this. Look at the tasks of reverse-proxy, api and front: "+
				"scripts/status.", "%s does not answer as the shop does: %s.", d.url, d.err)
		}
	}
	return found
}

func judgeNames(f facts) (found findings) {
	const (
		doInside = "docker network inspect --verbose shows whose an address is; docker service update --force of the " +
			"service makes its records anew."
		doOutside = "Correct the records (scripts/dns), or have the shop answer there."
	)
	for _, n := range f.names {
		public := n.want == nil
		wrong, missing := without(n.got, n.want), without(n.want, n.got)
		switch {
		case n.err != "":
			found.add("dns", n.name, doOutside, "DNS does not answer for %s: %s.", n.name, n.err)
		case public && len(n.got) == 0:
			found.add("dns", n.name, doOutside, "DNS has no address for %s.", n.name)
		case public && len(n.astray) > 0:
			found.add("dns", n.name, doOutside, "DNS leads %s astray: %s.", n.name, list(n.astray))
		case !public && len(wrong) > 0:
			found.add("dns", n.name, doInside, "DNS leads %s to %s, where no healthy task of it is.", n.name,
				list(wrong))
		case !public && len(missing) > 0:
			found.add("dns", n.name, doInside, "DNS leaves %s out of %s, where a healthy task is: it gets no requests.",
				list(missing), n.name)
		}
	}
	return found
}

// without returns those that are not among others.
func without(all, others []string) (rest []string) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			rest = append(rest, one)
		}
	}
	return rest
}

func judgeReplicas(f facts) (found findings) {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, r := range f.replicas {
		switch {
		case r.err != "":
			found.add("replica", r.name, "It is healthy for Swarm: look at its log, and whether its machine is too "+
				"busy.", "The replica %s does not say how it is: %s.", r.name, r.err)
		case !f.has("redis"): // nothing is cached
		case r.lease <= 0:
			found.add("session", r.name, "Its log says why each session ended: Redis, the database, a right that is "+
				"missing, another WOODY_CACHE_LEASE.",
				"The replica %s has no session: it answers from no cache, and asks the database for everything.",
				r.name)
		default:
			lowest, highest = min(lowest, r.epoch), max(highest, r.epoch)
		}
	}
	if lowest < highest {
		found.add("epoch", "replicas", "docs/runbook.md#epochraisedrepeatedly: look at Redis first, then whether all "+
			"have one database.", "Replicas with a session are at different epochs, %.0f and %.0f: caches are emptied "+
			"again and again, or not all have the same database.", lowest, highest)
	}
	return found
}

// has reports whether the stack has a service.
func (f facts) has(name string) bool {
	return slices.ContainsFunc(f.services, func(s service) bool { return s.name == name })
}
