package main

import "time"

// facts are what was found out about a stack. What was not asked, since it is not in the stack, is empty.
type facts struct {
	now       time.Time
	stack     string
	leastFree float64 // percent of a disk that is to be free

	// trouble says why Docker could not be asked for the stack, or is empty.
	trouble  string
	nodes    []node
	services []service
	// secrets are the names of all that the Swarm has.
	secrets []string
	// files are the secrets that the stack files take from ./secrets, and whether each is there and not empty.
	files map[string]bool

	// unseen is what could not be asked from this node.
	unseen []unseen

	names        []name
	entryPoints  []entryPoint
	replicas     []replica
	members      []member
	disks        []disk
	clocks       []clock
	certificates []certificate
	deploys      []process

	prometheus prometheus
}

// node is a node of the Swarm.
type node struct {
	name, addr string
	state      string // ready, down, unknown, disconnected
	active     bool   // not drained, not paused
	reachable  string // of a manager: reachable, unreachable; empty for a worker
	engine     string // Docker's version
}

// service is a service of the stack, without the stack's name.
type service struct {
	name    string
	image   string // without the registry's digest
	wanted  int    // tasks
	secrets []string
	tasks   []task

	// update is the state of the last update, as Docker has it, since when, and what it says.
	update  string
	began   time.Time
	message string
}

// task is a task of a service that is to run, or has ended.
type task struct {
	id      string
	slot    int // its number, from 1
	node    string
	image   string
	state   string // running: also healthy
	wanted  bool   // to run
	err     string
	changed time.Time
	// addresses are its own, by network.
	addresses map[string]string
}

// unseen is a part of the stack that is asked from a container of a service, of which none runs on this node.
type unseen struct{ what, service string }

// name is a name that DNS was asked for.
type name struct {
	name string
	// want are the addresses that belong to it, or nil where any is right that leads to the shop.
	want, got []string
	// astray are the addresses of got that do not lead to the shop, each with what was there instead.
	astray []string
	err    string
}

// entryPoint is where the shop was asked as a visitor does.
type entryPoint struct {
	url string
	err string // why it did not answer as it should, or empty
}

// replica is what one of the API says of itself.
type replica struct {
	name  string
	lease float64 // in seconds; 0 or less: it has no session
	epoch float64
	full  bool // its database has no room
	err   string
}

// disk is a file system.
type disk struct {
	where      string
	free, size float64 // bytes
}

// clock is how far ahead of this machine's clock another one is.
type clock struct {
	whose string
	ahead time.Duration
}

// certificate is a certificate that a server presented, or that is in a file.
type certificate struct {
	where         string
	from, expires time.Time
	err           string // why it is not good, besides its time
}

// process is a scripts/deploy that runs on this machine.
type process struct {
	pid  int
	args string
}

// prometheus is what the one of stage observability says.
type prometheus struct {
	there  bool // in the stack
	err    string
	alerts []alert
	down   []string // targets that do not answer, as JOB INSTANCE
	few    []string // jobs with fewer targets than expected
	// backup is when the last good backup was made; zero if none was. It is judged only if backups is set: the service
	// is there.
	backups bool
	backup  time.Time
}

// alert is a firing alert. Its labels, in one order, tell it from others of its name, as its summary does not: that has
// figures in it, which change while it fires.
type alert struct{ name, severity, summary, labels string }
