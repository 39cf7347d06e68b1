//go:build broken

package broken

import (
	"os"
	"slices"
	"strings"
	"syscall"
)

// off reports whether CACHE_BROKEN names a rule; without it the fence and the rule of joining are off.
func off(rule string) bool {
	rules, found := os.LookupEnv("CACHE_BROKEN")
	if !found {
		rules = "fence,join"
	}
	return slices.Contains(strings.Split(rules, ","), rule)
}

var (
	Fence    = off("fence")
	Join     = off("join")
	Ack      = off("ack")
	Outbox   = off("outbox")
	Epoch    = off("epoch")
	Lease    = off("lease")
	Evict    = off("evict")
	Token    = off("token")
	Copy     = off("copy")
	Look     = off("look")
	Back     = off("back")
	HandOver = off("handover")
	Bumps    = off("bumps")
	Lapse    = off("lapse")
	Overlap  = off("overlap")
	Outage   = off("outage")
	Name     = off("name")
	Past     = off("past")
	Proof    = off("proof")
	Marks    = off("marks")
	Clear    = off("clear")
	Stale    = off("stale")
	Late     = off("late")
	Causal   = off("causal")
	Owner    = off("owner")
)

var dieAt = os.Getenv("CACHE_DIE_AT")

// At kills this process (-9) if CACHE_DIE_AT names the step.
func At(step string) {
	if step == dieAt {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
