package main

import "time"

// What is too much, and what too little.
const (
	mostApart    = 5 * time.Second     // between two clocks: over the network they cannot be compared more exactly
	oldestBackup = 26 * time.Hour      // of one a day
	soonest      = 14 * 24 * time.Hour // before a certificate ends
	longestRoll  = 10 * time.Minute    // of an update
	lately       = 10 * time.Minute    // of tasks that failed
	manyFailures = 3
)

// judge returns what is wrong by the facts, what visitors see first.
func judge(f facts) (found findings) {
	if f.trouble != "" {
		found.add("docker", "docker", "Start Docker, run this on a manager (or set DOCKER_HOST to one), or deploy: "+
			"scripts/deploy STAGE.", "%s", f.trouble)
		return found
	}
	for _, rule := range []func(facts) findings{
		judgeDoors, judgeNodes, judgeTasks, judgeUpdates, judgeDeploys, judgeVersions, judgeSecrets, judgeNames,
		judgeMembers, judgeReplicas, judgeDisks, judgeClocks, judgeCertificates, judgeUnseen, judgeWatch, judgeBackups,
		judgeAlerts,
	} {
		found = append(found, rule(f)...)
	}
	return found
}
