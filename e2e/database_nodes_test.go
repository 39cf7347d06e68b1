//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nodeNames are the database's nodes, in the order in which they take the writes.
var nodeNames = []string{"database", "database2", "database3"}

// nodeState is what a node says of itself.
type nodeState struct{ Primary, Synced, Writer, Reader bool }

func writes(s nodeState) bool { return s.Writer }
func isRead(s nodeState) bool { return s.Reader }

// mustFindNode returns the first node of a kind.
func mustFindNode(t *testing.T, is func(nodeState) bool) string {
	t.Helper()
	for _, node := range nodeNames {
		var state nodeState
		text := mustDocker(t, "exec", containers(t, node)[0], "database", "status")
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			t.Fatalf("%s says %s: %v", node, text, err)
		}
		if is(state) {
			return node
		}
	}
	t.Fatal("no node is of that kind")
	return ""
}

// killNode ends a node at once, with all its programs.
func killNode(t *testing.T, is func(nodeState) bool) {
	id := containers(t, mustFindNode(t, is))[0]
	mustDocker(t, "kill", id)
	awaitNoContainer(t, id)
}

// awaitNoContainer waits until a container does not run any more.
func awaitNoContainer(t *testing.T, id string) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if text, err := docker("inspect", "--format", "{{.State.Running}}", id); err != nil || text == "false" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("container %s still runs", id)
		}
	}
}

// pauseNode stops a node's server (SIGSTOP) for a while.
func pauseNode(t *testing.T, is func(nodeState) bool) {
	server := mustFindServer(t, mustFindNode(t, is))
	mustSignal(t, server, syscall.SIGSTOP)
	defer mustSignal(t, server, syscall.SIGCONT)
	time.Sleep(outage)
}

// mustFindServer returns the process of a node's mariadbd.
func mustFindServer(t *testing.T, node string) int {
	t.Helper()
	text := mustDocker(t, "top", containers(t, node)[0], "-eo", "pid,comm")
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 2 && words[1] == "mariadbd" {
			pid, err := strconv.Atoi(words[0])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("%s runs no server:\n%s", node, text)
	return 0
}

func mustSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Errorf("%v to process %d: %v", signal, pid, err)
	}
}

// cutOffNode drops all that a node and the other nodes send each other for a while. Its proxies still reach it.
func cutOffNode(t *testing.T, is func(nodeState) bool) {
	node := mustFindNode(t, is)
	var others []string
	for _, name := range nodeNames {
		if name != node {
			others = append(others, mustDocker(t, "inspect", "--format",
				"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", containers(t, name)[0]))
		}
	}
	from := mustDocker(t, "inspect", "--format", "{{.State.Pid}}", containers(t, node)[0])
	rules := func(verb string) {
		for _, other := range others {
			for _, rule := range [][]string{{"INPUT", "-s", other}, {"OUTPUT", "-d", other}} {
				args := append([]string{"--net", "--target", from, "iptables", "-w", verb}, rule...)
				args = append(args, "-j", "DROP")
				if text, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
					t.Errorf("nsenter %v: %v %s", args, err, text)
				}
			}
		}
	}
	rules("-I")
	defer rules("-D")
	time.Sleep(outage)
}

// fillNode fills the disk of a node for a while (onSmallDisks).
func fillNode(t *testing.T, is func(nodeState) bool) {
	filler := filepath.Join(disks[mustFindNode(t, is)], "filler")
	mustFill(t, filler)
	time.Sleep(outage)
	if err := os.Remove(filler); err != nil {
		t.Error(err)
	}
}

// mustFill writes a file that takes all that is left of its disk.
func mustFill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); ; {
		switch _, err := file.Write(block); {
		case err == nil:
		case len(block) > 4096:
			block = block[:len(block)/4]
		default:
			return // full
		}
	}
}

// dataOf returns the folder of a node's volume.
func dataOf(node string) string { return swarmDir + "/1/data/volumes/woody_" + node + "/_data" }

// disks are the disks that onSmallDisks gave the nodes. Data is a folder there, beside what fills the disk: a node that
// is given all data anew removes what else is in its own folder.
var disks = map[string]string{}

// onSmallDisks moves each node's data to a disk of its own, of memory, which can be filled; without it they would share
// this machine's. They come back to where they were when the test ends.
func onSmallDisks(t *testing.T) {
	t.Helper()
	for _, node := range nodeNames {
		small := t.TempDir()
		disks[node] = small
		stopped(t, node, func() {
			const move = `mount -t tmpfs -o size=1400m,mode=0755 woody "$1" && cp -a "$0" "$1/data" &&
				mount --bind "$1/data" "$0"`
			if text, err := exec.Command("sh", "-c", move, dataOf(node), small).CombinedOutput(); err != nil {
				t.Fatalf("move the data of %s: %v %s", node, err, text)
			}
		})
		t.Cleanup(func() {
			stopped(t, node, func() {
				const back = `umount "$0" && find "$0" -mindepth 1 -delete && cp -a "$1/data/." "$0" && umount "$1"`
				if text, err := exec.Command("sh", "-c", back, dataOf(node), small).CombinedOutput(); err != nil {
					t.Errorf("move the data of %s back: %v %s", node, err, text)
				}
			})
		})
	}
}

// stopped does something while a node does not run, and waits until it is back.
func stopped(t *testing.T, node string, do func()) {
	t.Helper()
	id := containers(t, node)[0]
	mustDocker(t, "service", "scale", "--detach", "woody_"+node+"=0")
	awaitNoContainer(t, id)
	do()
	mustDocker(t, "service", "scale", "--detach", "woody_"+node+"=1")
	awaitNodes(t)
}

// emptyNode stops a node in order, takes all its data away and starts it again.
func emptyNode(t *testing.T) {
	node := mustFindNode(t, isRead)
	stopped(t, node, func() { emptyVolume(t, node) })
}

// loseVolume ends the writing node at once, with all its data, and starts it again.
func loseVolume(t *testing.T) {
	node := mustFindNode(t, writes)
	id := containers(t, node)[0]
	mustDocker(t, "kill", id)
	mustDocker(t, "service", "scale", "--detach", "woody_"+node+"=0")
	awaitNoContainer(t, id)
	emptyVolume(t, node)
	mustDocker(t, "service", "scale", "--detach", "woody_"+node+"=1")
}

func emptyVolume(t *testing.T, node string) {
	t.Helper()
	if text, err := exec.Command("find", dataOf(node), "-mindepth", "1", "-delete").CombinedOutput(); err != nil {
		t.Errorf("empty the volume of %s: %v %s", node, err, text)
	}
}

// restartNodes has scripts/deploy give every node something new.
func restartNodes(t *testing.T) {
	mustScript(t, "deploy", "DATABASE_BUFFER_POOL=272M", "redis", "database")
}

// loseMajority kills two nodes at the same time, keeps them down for a while, and has them come back.
func loseMajority(t *testing.T) {
	var ids []string
	for _, node := range nodeNames[:2] {
		ids = append(ids, containers(t, node)[0])
	}
	mustDocker(t, append([]string{"kill"}, ids...)...)
	mustDocker(t, "service", "scale", "--detach", "woody_database=0", "woody_database2=0")
	time.Sleep(outage)
	text, err := script("status")
	if err == nil || !strings.Contains(text, "scripts/database bootstrap database3") {
		t.Errorf("without a majority, scripts/status says (%v):\n%s", err, text)
	}
	mustDocker(t, "service", "scale", "--detach", "woody_database=1", "woody_database2=1")
}
