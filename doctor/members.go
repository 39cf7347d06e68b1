package main

import (
	"context"
	"encoding/json"
	"net/http"
)

// member is a node of stage database, as it says itself at /state: database.State has the words.
type member struct {
	name string
	err  string // why it says nothing

	Phase, Why       string
	Primary, Synced  bool
	Lagging, Writer  bool
	DiskFull, Behind bool
}

// members are the services that are nodes.
var members = []string{"database", "database2", "database3"}

// membersOf asks the nodes of stage database how they are, at HOST:PORT by their names.
func (f *facts) membersOf(ctx context.Context, in inside, addresses map[string]string) {
	client := &http.Client{Transport: &http.Transport{DialContext: in.DialContext, DisableKeepAlives: true}}
	for _, name := range members {
		m := member{name: name}
		body, _, err := get(ctx, client, "http://"+addresses[name]+"/state")
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		m.err = text(err)
		f.members = append(f.members, m)
	}
}

func judgeMembers(f facts) (found findings) {
	const do = "scripts/database status says what each node is, and what is to be done by hand, if anything."
	primary := 0
	for _, m := range f.members {
		switch {
		case m.err != "":
			found.add("database", m.name, do, "The database node %s does not say how it is: %s.", m.name, m.err)
		case m.Phase != "running":
			found.add("database", m.name, do, "The database node %s is %s: %s.", m.name, m.Phase, m.Why)
		case !m.Primary:
			found.add("database", m.name, do, "The database node %s is not part of the majority: it takes and answers "+
				"nothing.", m.name)
		case !m.Synced || m.Behind:
			found.add("database", m.name, do, "The database node %s has not yet what the others have.", m.name)
		case m.DiskFull:
			found.add("disk", m.name, "Make room on its machine: it is not written to while another node can be.",
				"The disk of the database node %s is full.", m.name)
		case m.Lagging:
			found.add("database", m.name, do, "The database node %s lags behind, and is not read.", m.name)
		}
		if m.Primary {
			primary++
		}
	}
	if len(f.members) > 0 && primary == 0 {
		found = nil
		found.add("database", "majority", do, "No database node is part of a majority: nothing is written, and only "+
			"what is cached is answered.")
	}
	return found
}
