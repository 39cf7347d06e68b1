package main

import "strings"

func judgeUnseen(f facts) (found findings) {
	for _, u := range f.unseen {
		found.add("unseen", u.what,
			"Run scripts/doctor on a manager where one runs: docker service ps "+f.stack+"_"+u.service+" says where.",
			"From this node %s could not be asked: no task of %s runs on it.", u.what, u.service)
	}
	return found
}

func judgeWatch(f facts) (found findings) {
	p := f.prometheus
	if !p.there {
		return nil
	}
	if p.err != "" {
		found.add("watch", "prometheus", "docker service ps --no-trunc "+f.stack+"_prometheus says why.",
			"Prometheus does not answer: %s. While it is away, nobody is called.", p.err)
		return found
	}
	for _, job := range p.few {
		found.add("watch", job, "docker service ps --no-trunc "+f.stack+"_"+serviceOf(job)+" says more; "+
			"docs/runbook.md#containerdown.",
			"Fewer targets of the job %s answer Prometheus than should (%s): what they watch is not seen.", job,
			serviceOf(job))
	}
	for _, target := range p.down {
		found.add("watch", target, "The task is gone, ill, or not in Prometheus' network: "+
			"docs/runbook.md#containerdown.", "Prometheus gets no answer of the target %s.", target)
	}
	return found
}

// serviceOf returns the service behind a job of Prometheus.
func serviceOf(job string) string {
	switch job {
	case "proxy":
		return "reverse-proxy"
	case "edge":
		return "cdn"
	case "database", "redis", "node":
		return job + "-exporter"
	}
	return job
}

func judgeBackups(f facts) (found findings) {
	const do = "Look at what the service backup says, and at the room where it keeps them; then have it make one."
	p := f.prometheus
	if !p.backups || p.err != "" {
		return nil
	}
	age := f.now.Sub(p.backup)
	switch {
	case p.backup.IsZero():
		found.add("backup", "backup", do, "No good backup has ever been made.")
	case age > oldestBackup:
		found.add("backup", "backup", do, "The last good backup is %.0f hours old.", age.Hours())
	}
	return found
}

func judgeAlerts(f facts) (found findings) {
	for _, a := range f.prometheus.alerts {
		found.add("alert", a.name+" "+a.labels, "docs/runbook.md#"+strings.ToLower(a.name),
			"The alert %s fires (%s): %s.", a.name, a.severity, strings.TrimRight(a.summary, "."))
	}
	return found
}
