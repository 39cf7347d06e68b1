package scripts_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mustAskNodes has scripts/nodes.sh judge what the nodes say of themselves, those that are named, with a piece of bash.
func mustAskNodes(t *testing.T, program string, says map[string]string) string {
	t.Helper()
	script := "STACK=woody; . scripts/nodes.sh\n"
	for node, json := range says {
		script += "said[" + node + "]='" + json + "'\n"
	}
	cmd := exec.Command("bash", "-euc", script+program)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v %s", program, err, out)
	}
	return strings.TrimSpace(string(out))
}

// What nodes say: as the program database writes it.
const (
	nodeWrites = `{"name":"database","phase":"running","why":"part of the cluster","data":"cluster","uuid":"u",` +
		`"seqno":7,"primary":true,"synced":true,"donor":false,"size":3,"queue":0,"lagging":false,"disk_full":false,` +
		`"writer":true,"reader":false}`
	nodeWaits = `{"name":"database2","phase":"waiting","why":"wait for \"database\" and database3","data":"cluster",` +
		`"uuid":"u","seqno":5,"primary":false,"synced":false,"donor":false,"size":0,"writer":false,"reader":false}`
	nodeAhead = `{"name":"database3","phase":"waiting","why":"wait for database","data":"cluster","uuid":"u",` +
		`"seqno":6,"primary":false,"synced":false,"size":0}`
	nodeAlone     = `{"name":"database","phase":"waiting","why":"wait","data":"alone","primary":false,"size":0}`
	nodeUndecided = `{"name":"database","phase":"waiting","why":"both have data of their own: run ` +
		"`database bootstrap`" + ` on the one to begin with","data":"alone","primary":false,"size":0}`
	nodeNonPrimary = `{"name":"database","phase":"running","why":"wait for database2","data":"cluster","seqno":9,` +
		`"primary":false,"synced":false,"size":1}`
	nodeSilent = `{"name":"database","phase":"running","why":"part of the cluster","data":"cluster","seqno":9,` +
		`"primary":false,"synced":false,"size":0}`
	nodeGives = `{"name":"database3","phase":"running","primary":true,"synced":false,"donor":true,"size":2,` +
		`"writer":true,"reader":false,"disk_full":true}`
	nodeJoins = `{"name":"database3","phase":"starting","why":"join database","primary":false,"size":0}`
)

// TestConditions checks the words for what a node is.
func TestConditions(t *testing.T) {
	t.Parallel()
	for json, want := range map[string]string{
		"":             "silent",
		nodeWrites:     "synced, writes",
		nodeWaits:      `waiting: wait for "database" and database3`,
		nodeNonPrimary: "non-primary: without the majority it takes and answers nothing (wait for database2)",
		nodeSilent:     "silent: its program lives, and its server says nothing",
		nodeGives:      "donor: it sends all the data to another node, writes, its disk is full",
		nodeJoins:      "joining: join database",
	} {
		if got := mustAskNodes(t, "condition database", map[string]string{"database": json}); got != want {
			t.Errorf("%s is %q, want %q", json, got, want)
		}
	}
}

// TestHints checks that there is one command where the nodes need a hand, with the node that has most, and none where
// they do not.
func TestHints(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says map[string]string
		want string
	}{
		{map[string]string{"database": nodeWrites, "database2": nodeWaits}, ""},
		{map[string]string{"database2": nodeWaits, "database3": nodeAhead}, "There is no majority. It comes back by " +
			"itself with database.\nIf that is lost for good, with what it may have that the others have not: " +
			"scripts/database bootstrap database3"},
		{map[string]string{"database": nodeAlone, "database2": nodeWaits}, "There is no majority. It comes back by " +
			"itself with database3.\nIf that is lost for good, with what it may have that the others have not: " +
			"scripts/database bootstrap database"},
		{map[string]string{"database": nodeAlone, "database2": nodeWaits, "database3": nodeAhead},
			"All three are there: they begin by themselves in a moment"},
		{map[string]string{"database": nodeUndecided, "database2": nodeWaits, "database3": nodeAhead},
			"The nodes cannot tell whose data is the newest: choose one of them, scripts/database bootstrap database"},
		{nil, "No node says anything: docker service ps woody_database tells why"},
	} {
		if got := mustAskNodes(t, "hint", row.says); got != row.want {
			t.Errorf("%v: %q, want %q", row.says, got, row.want)
		}
	}
}

// TestStackFilesArePartedByService checks that scripts/deploy takes some services out of a file, or all others, and
// nothing else.
func TestStackFilesArePartedByService(t *testing.T) {
	t.Parallel()
	function := regexp.MustCompile(`(?ms)^services_of\(\) \{$.*?^\}$`).FindString(mustRead(t, "deploy"))
	parted := func(file, wanted string, services ...string) string {
		cmd := exec.Command("bash", append([]string{"-euc", function + "\nservices_of \"$@\"", "bash", file, wanted},
			services...)...)
		cmd.Dir = ".."
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}
	service := regexp.MustCompile(`(?m)^  ([a-z0-9-]+):$`)
	names := func(text string) (found []string) {
		_, text, _ = strings.Cut(text, "\nservices:\n")
		text, _, _ = strings.Cut(text, "\nnetworks:\n")
		for _, match := range service.FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		return found
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	without := parted("stack.yml", "no", "database")
	if got := strings.Join(names(without), " "); got != "reverse-proxy front api" {
		t.Errorf("stack.yml without database has %s", got)
	}
	if !strings.Contains(without, "file: "+root+"/secrets/database_dsn,") ||
		!strings.Contains(without, "\nvolumes:\n") {
		t.Errorf("what is beside the services is not what it was:\n%s", without)
	}
	for _, node := range []string{"database", "database2", "database3"} {
		if got := strings.Join(names(parted("stack-database.yml", "yes", node)), " "); got != node {
			t.Errorf("stack-database.yml with %s alone has %s", node, got)
		}
	}
}

// TestDatabaseTagIsOfAllItIsMadeOf checks that the version of the nodes' image changes with every package of ours in
// it.
func TestDatabaseTagIsOfAllItIsMadeOf(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}",
		"./database")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	tag := regexp.MustCompile(`tagged node (.*)\)`).FindStringSubmatch(mustRead(t, "stack.sh"))
	if tag == nil {
		t.Fatal("scripts/stack.sh makes no DATABASE_TAG")
	}
	for _, imported := range strings.Fields(string(out)) {
		folder := strings.TrimPrefix(imported, shop+"/")
		if !strings.Contains(" "+tag[1]+" ", " "+folder+" ") && !strings.Contains(tag[1], " "+folder+"/*.go ") {
			t.Errorf("DATABASE_TAG is made of %s, and not of %s", tag[1], folder)
		}
	}
}
