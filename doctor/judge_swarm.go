package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

func judgeNodes(f facts) (found findings) {
	engines := map[string][]string{}
	for _, n := range f.nodes {
		switch {
		case n.state != "ready":
			found.add("node", n.name, "Bring the machine back, or its network; if it is gone for good: docker node rm "+
				"--force "+n.name, "The node %s is %s: what ran on it runs elsewhere, or not at all.", n.name, n.state)
		case n.reachable == "unreachable":
			found.add("node", n.name, "Look at its network (ports 2377, 7946 and 4789) and at Docker's log on it.",
				"The other managers do not reach %s. If half of them are lost, nothing can be deployed.", n.name)
		default:
			engines[n.engine] = append(engines[n.engine], n.name)
		}
	}
	if len(engines) > 1 {
		found.add("version", "engines", "Update the older ones, a node at a time, each drained before "+
			"(docker node update --availability drain NODE).",
			"The nodes run different versions of Docker: %s.", each("%s on %s", engines))
	}
	return found
}

// each returns a phrase for each key and its words, in the order of keys.
func each(format string, words map[string][]string) string {
	var phrases []string
	for _, key := range slices.Sorted(maps.Keys(words)) {
		phrases = append(phrases, fmt.Sprintf(format, key, list(words[key])))
	}
	return list(phrases)
}

func judgeTasks(f facts) (found findings) {
	for _, s := range f.services {
		if s.rolling(f.now) {
			continue // they are being replaced
		}
		running, failures, last := s.count(f.now)
		why := ""
		if last.err != "" {
			why = " The last one failed" + on(last.node) + ": " + strings.TrimRight(last.err, ".") + "."
		}
		look := fmt.Sprintf("docker service ps --no-trunc %s_%s and docker service logs %[1]s_%[2]s say more.", f.stack,
			s.name)
		switch {
		case s.wanted == 0:
			found.add("task", s.name, "scripts/deploy, with the stages that run, brings it back.",
				"%s is scaled to nothing.", s.name)
		case running < s.wanted:
			found.add("task", s.name, look, "%d of %d tasks of %s are healthy.%s", running, s.wanted, s.name, why)
		case failures >= manyFailures:
			found.add("task", s.name, look, "%d tasks of %s have failed within %v minutes.%s", failures, s.name,
				lately.Minutes(), why)
		}
	}
	return found
}

func on(node string) string {
	if node == "" {
		return "" // assigned to no node
	}
	return " on " + node
}

// count returns how many tasks are healthy, how many have failed lately, and the last that did.
func (s service) count(now time.Time) (running, failures int, last task) {
	for _, t := range s.tasks {
		if t.runs() {
			running++
		}
		if t.err == "" {
			continue
		}
		if !t.wanted && now.Sub(t.changed) < lately {
			failures++
		}
		if t.changed.After(last.changed) {
			last = t
		}
	}
	return running, failures, last
}

// runs reports whether a task is to run, and does.
func (t task) runs() bool { return t.wanted && t.state == "running" }

func (s service) updating() bool { return s.update == "updating" || s.update == "rollback_started" }

// rolling reports whether an update is under way that has not taken too long.
func (s service) rolling(now time.Time) bool { return s.updating() && now.Sub(s.began) < longestRoll }

func judgeUpdates(f facts) (found findings) {
	for _, s := range f.services {
		service := f.stack + "_" + s.name
		says, do := "", ""
		switch {
		case s.update == "paused":
			says = "The update of %s is paused: old and new tasks run side by side%s."
			do = "scripts/deploy, with the stages that run, begins it anew; docker service rollback " + service +
				" goes back."
		case s.update == "rollback_paused":
			says = "The rollback of %s is paused: what was to be taken back still runs in part%s."
			do = "Deploy a version that is known to be good (TAG=... scripts/deploy), or have it go on: " +
				"docker service update --force " + service
		case s.update == "rollback_completed":
			says = "%s was rolled back: what was deployed last does not run%s."
			do = "Find out why its tasks failed (docker service ps --no-trunc " + service + "), then deploy again."
		case s.updating() && !s.rolling(f.now):
			says = "The update of %s has not ended for " + f.now.Sub(s.began).Round(time.Minute).String() + "%s."
			do = "docker service ps " + service + " shows which task it waits for."
		default:
			continue
		}
		message := ""
		if s.message != "" {
			message = " (" + s.message + ")"
		}
		found.add("update", s.name, do, says, s.name, message)
	}
	return found
}

func judgeDeploys(f facts) (found findings) {
	if len(f.deploys) < 2 {
		return nil
	}
	var words []string
	for _, p := range f.deploys {
		words = append(words, fmt.Sprintf("%s (process %d)", p.args, p.pid))
	}
	found.add("deploys", "here", "Let one finish and end the others, then deploy once more what is to run.",
		"Several of these change the stack at once, each with its own idea of it: %s.", list(words))
	return found
}

// apart are the images of ours that have versions of their own.
var apart = []string{"reverse-proxy", "database", "database-proxy"}

func judgeVersions(f facts) (found findings) {
	versions, rolling := map[string][]string{}, false
	for _, s := range f.services {
		rolling = rolling || s.rolling(f.now)
		old := 0
		for _, t := range s.tasks {
			if t.runs() && t.image != s.image {
				old++
			}
		}
		if old > 0 && s.update != "paused" && s.update != "rollback_paused" && !s.rolling(f.now) {
			found.add("version", s.name, "scripts/deploy, with the stages that run, replaces them.",
				"%d tasks of %s are not made from %s, as the service is.", old, s.name, s.image)
		}
		repository, tag, _ := strings.Cut(path.Base(s.image), ":")
		if repository == s.name && !slices.Contains(apart, repository) && f.ours(s) {
			versions[tag] = append(versions[tag], s.name)
		}
	}
	if len(versions) > 1 && !rolling {
		found.add("version", "release", "Deploy the version that is to run: TAG=... scripts/deploy, with the stages.",
			"Services of one release have different versions: %s. Two deploys ran at once, one was ended halfway, or "+
				"one service was rolled back.", each("%s of %s", versions))
	}
	return found
}

// ours reports whether a service's image is from where the API's is.
func (f facts) ours(s service) bool {
	return slices.ContainsFunc(f.services, func(api service) bool {
		return api.name == "api" && path.Dir(api.image) == path.Dir(s.image)
	})
}

func judgeSecrets(f facts) (found findings) {
	reported := map[string]bool{}
	for _, s := range f.services {
		for _, secret := range s.secrets {
			if !slices.Contains(f.secrets, secret) && !reported[secret] {
				reported[secret] = true
				found.add("secret", secret, "scripts/deploy, with the stages that run, makes it from ./secrets.",
					"The Swarm has no secret %s, which %s is to read: its next task will not start.", secret, s.name)
			}
			file := f.fileOf(secret)
			if there, known := f.files[file]; known && !there && !reported[file] {
				reported[file] = true
				found.add("secret", file, "Bring the file back from a copy, or deploy from where they are.",
					"secrets/%s is missing here, or empty, and %s runs with what was in it: the next deploy from here "+
						"would make another one, which the running stores do not know.", file, s.name)
			}
		}
	}
	return found
}

// fileOf returns the name of the file that a secret of the Swarm was made from: without the stack's, and without what
// its content adds to it.
func (f facts) fileOf(secret string) string {
	file := strings.TrimPrefix(secret, f.stack+"_")
	i := strings.LastIndexByte(file, '-')
	if i >= 0 && len(file)-i == 13 && strings.Trim(file[i+1:], "0123456789abcdef") == "" {
		return file[:i]
	}
	return file
}
