//go:build !broken

// Package broken switches rules of the protocol off, one by one, so that tests can show that they see
// what each rule prevents. Without the build tag `broken` every switch is the constant false: there is
// no way to switch a rule off in a shipped program.
package broken

// The rules, by what happens without them.
const (
	Fence    = false // a fill is stored whatever was invalidated meanwhile
	Join     = false // a caller joins any running load
	Ack      = false // a write is acknowledged before the replicas have heard of it
	Outbox   = false // nobody carries out what a dead writer left
	Epoch    = false // an unconfirmed write does not bump the epoch; another run of Redis is taken for the same
	Lease    = false // what is near is served without a lease
	Evict    = false // a replica that one writer has given up on is not waited for by any writer
	Token    = false // every incarnation has the same name
	Copy     = false // a key stays in the memory of the request that it came with
	Look     = false // a write is acknowledged though the epoch has moved meanwhile
	Back     = false // an epoch is learnt that is lower than one that was known
	HandOver = false // a write that was handed over is acknowledged when another replica has begun to carry it out
	Bumps    = false // a bump counts as known when the epoch has its number, and records are removed though it was lost
	Overlap  = false // a refusal is a contact at once, and a writer who waits may miss an outage
	Outage   = false // the gate opens after a lease whatever became of the database meanwhile
	Lapse    = false // a contact with the database begins again whatever may have happened since it lapsed
	Name     = false // names in Redis are the same for all programs, and the epoch names no place of a run
	Past     = false // Redis may go back in time, as long as it is the same run
	Proof    = false // a database server that takes no writes is heard like one that does
	Marks    = false // a session begins without the marks of what was invalidated before it
	Clear    = false // a clear ends before every replica knows of it
	Stale    = false // what stands in for a load that fails may be an absence, or invalidated, or without a lease
	Late     = false // a load ends with the last caller who left it by a timeout
	Causal   = false // the ledger is read by nodes of a Galera cluster that may be behind
	Owner    = false // an answer is sent to whoever asks for it, whosever it is
)

// At is a step that a writer can be told to die at.
func At(string) {}
