package outbox

import "strings"

// statements is the SQL of an outbox. Each stands beside the function that uses it, with the words of its dialect and
// namespace in braces.
type statements struct {
	prove, look, state, claim, reclaim          string
	bump, hasBump, record, left, tags, remove   string
	handOver, take, progress, withdraw, carried string
	used, usedAlone, cached, backlog            string
}

func newStatements(d Dialect, namespace string) statements {
	say := d.say(namespace)
	bump := bumpSQL
	if d == Postgres {
		bump = bumpPostgresSQL
	}
	return statements{
		prove: say(proveSQL), look: say(lookSQL), state: say(stateSQL), claim: say(claimSQL),
		reclaim: say(reclaimSQL), bump: say(bump), hasBump: say(hasBumpSQL),
		record: say(recordSQL), left: say(leftSQL), tags: say(tagsSQL), remove: say(removeSQL),
		handOver: say(handOverSQL), take: say(takeSQL), progress: say(progressSQL), withdraw: say(withdrawSQL),
		carried: say(carriedSQL), used: say(usedSQL), usedAlone: say(strings.Replace(usedSQL, "{node}", "FALSE", 1)),
		cached: say(cachedSQL), backlog: say(backlogSQL),
	}
}
