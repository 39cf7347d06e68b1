package outbox

import "strings"

// statements is the SQL of an outbox. Each stands beside the function that uses it, with the words of its dialect and
// namespace in braces.
type statements struct {
	prove, look, state, claim, bump, hasBump    string
	record, left, tags, remove                  string
	handOver, take, progress, withdraw, carried string
	used                                        string
}

func newStatements(d Dialect, namespace string) statements {
	say := d.words(namespace).Replace
	return statements{
		prove: say(proveSQL), look: say(lookSQL), state: say(stateSQL), claim: say(claimSQL), bump: say(bumpSQL),
		hasBump: say(hasBumpSQL),
		record:  say(recordSQL), left: say(leftSQL), tags: say(tagsSQL), remove: say(removeSQL),
		handOver: say(handOverSQL), take: say(takeSQL), progress: say(progressSQL), withdraw: say(withdrawSQL),
		carried: say(carriedSQL), used: say(usedSQL),
	}
}

// in returns a statement with a list of ids for its {ids}, and what that takes.
func in(statement string, ids []int64) (with string, args []any) {
	for _, id := range ids {
		args = append(args, id)
	}
	list := "(" + strings.Repeat(",?", len(ids))[1:] + ")"
	return strings.Replace(statement, "{ids}", list, 1), args
}
