package scripts_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestRemoveKeepsSecretsOfOthers removes a stack with its data, and checks that ./secrets go with it alone: not when
// nothing of it was there, when another stack is made of them, or when Docker does not say.
func TestRemoveKeepsSecretsOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stack, away, others string
		after               int // so many calls of away that are answered
		stay, fails         bool
	}{
		"its own":          {stack: "woody"},
		"a mistyped name":  {stack: "wody", stay: true, fails: true},
		"another stack's":  {stack: "woody", others: "other_token_key-%s", stay: true},
		"another content":  {stack: "woody", others: "other_token_key-0123456789ab"},
		"no Swarm":         {stack: "woody", away: "service ls *", stay: true, fails: true},
		"no list of them":  {stack: "woody", away: "secret ls --format *", stay: true},
		"no volumes":       {stack: "woody", away: "volume ls *", stay: true, fails: true},
		"later no volumes": {stack: "woody", away: "volume ls *", after: 1, stay: true, fails: true},
		"no credentials":   {stack: "woody", others: "other_backup_credentials-%s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &claimed{tree: t.TempDir()}
			for _, file := range []string{"token_key", "backup_credentials"} {
				c.write(t, "secrets/"+file, "mine")
			}
			for _, script := range []string{"stack.sh", "remove"} {
				c.write(t, "scripts/"+script, mustRead(t, script))
			}
			c.swarm, c.environment = mustFakeSwarm(t, c.tree, map[string][]string{"woody_api": nil})
			hash := strings.TrimPrefix(contentName(t, c.tree, "token_key"), "woody_token_key-")
			c.write(t, "swarm/secrets", strings.ReplaceAll(test.others, "%s", hash)+"\n")
			c.write(t, "swarm/away", test.away)
			c.write(t, "swarm/answered", strconv.Itoa(test.after))
			cmd := exec.Command("bash", c.tree+"/scripts/remove", "--data")
			cmd.Env = append(c.environment, "STACK="+test.stack)
			out, err := cmd.CombinedOutput()
			if stay := c.has("secrets/token_key"); (err != nil) != test.fails || stay != test.stay {
				t.Errorf("./secrets are there afterwards: %t, want %t; %v %s", stay, test.stay, err, out)
			}
		})
	}
}
