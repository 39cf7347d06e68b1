package main

import (
	"math"
	"time"
)

func judgeDisks(f facts) (found findings) {
	for _, d := range f.disks {
		if d.size > 0 && 100*d.free < f.leastFree*d.size {
			found.add("disk", d.where, "Make room there: docker system df shows what it holds, "+
				"docker image prune -a --filter until=168h removes old images.",
				"%.0f%% of the disk of %s is free (%.1f of %.1f GB).", 100*d.free/d.size, d.where, d.free/1e9,
				d.size/1e9)
		}
	}
	for _, r := range f.replicas {
		if r.full {
			found.add("disk", "database", "Make room on the node labelled woody.database: writes are taken again "+
				"within seconds.", "The database has no room for what is written: writes get 507.")
			break
		}
	}
	return found
}

func judgeClocks(f facts) (found findings) {
	const do = "Have a time service keep it (timedatectl, chrony): logs, certificates and backups go by it."
	low, high := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	for _, c := range f.clocks {
		low, high = min(low, c.ahead), max(high, c.ahead)
		if c.ahead.Abs() > mostApart {
			found.add("clock", c.whose, do, "The clock of %s is %s this machine's.", c.whose, ahead(c.ahead))
		}
	}
	if len(found) > 1 && len(found) == len(f.clocks) && high-low <= mostApart { // they agree with each other
		found = nil
		found.add("clock", "here", do, "This machine's clock is %s all others.", ahead(-high))
	}
	return found
}

func ahead(d time.Duration) string {
	if d < 0 {
		return d.Abs().Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead of"
}

func judgeCertificates(f facts) (found findings) {
	for _, c := range f.certificates {
		says, what := "", ""
		soon := min(soonest, c.expires.Sub(c.from)/10)
		switch {
		case !f.now.Before(c.expires):
			says, what = "The certificate of %s expired on %s.", c.expires.Format(time.DateOnly)
		case f.now.Before(c.from):
			says, what = "The certificate of %s is good from %s on, and not yet.", c.from.Format(time.DateOnly)
		case c.err != "":
			says, what = "The certificate of %s is refused: %s.", c.err
		case c.expires.Sub(f.now) < soon:
			says, what = "The certificate of %s expires on %s.", c.expires.Format(time.DateOnly)
		default:
			continue
		}
		found.add("certificate", c.where, "Renew it and deploy again; if that should happen by itself, find out why "+
			"it did not.", says, c.where, what)
	}
	return found
}
