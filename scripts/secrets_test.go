package scripts_test

import (
	"regexp"
	"strings"
	"testing"
)

var rights = regexp.MustCompile(`\+eval [a-z+ ]*\+smembers`)

// oneLine returns a text whose lines are put together, those that end in a backslash too.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\\\n", " ")), " ")
}

// TestRedisRights holds the rights that scripts/secrets gives the API at Redis against those that the cache's protocol
// says it needs.
func TestRedisRights(t *testing.T) {
	needed := rights.FindString(oneLine(mustRead(t, "../cache/PROTOCOL.md")))
	given := rights.FindString(oneLine(mustRead(t, "secrets")))
	if needed == "" || given != needed {
		t.Errorf("scripts/secrets gives\n%s\ncache/PROTOCOL.md needs\n%s", given, needed)
	}
}
