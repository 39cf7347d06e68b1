//go:build !race

package cluster

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

func decimal(n int) string { return strconv.Itoa(n) }

// epochNumber returns the number of an epoch's name.
func epochNumber(name string) uint64 {
	digits, _, _ := strings.Cut(name, "-")
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}

const keyCount = slotCount

// rows is what the database holds.
type rows struct {
	versions [keyCount]int
	state    State
	bumps    []string // the tokens of the newest epochs, the newest last
	records  []recordModel
	nextID   int
}

// recordModel is a record of the outbox.
type recordModel struct {
	id       int
	slots    []uint16
	recorded int64
	// handedOver is a record for others, whose writer waits to see how far it comes.
	handedOver bool
	progress   Progress
}

// databaseModel is a database server.
type databaseModel struct {
	host
	*model
	readOnly bool
	rows     rows
	history  []rows // after each transaction
}

// commit changes the rows in a transaction.
func (d *databaseModel) commit(change func(*rows)) {
	d.rows.records, d.rows.bumps = slices.Clone(d.rows.records), slices.Clone(d.rows.bumps)
	change(&d.rows)
	d.history = append(d.history, d.rows)
}

var errReadOnlyModel = errors.New("the server is read-only")

// databaseLink is a replica's connection to a database server.
type databaseLink struct {
	*link
	server *databaseModel
	proved int64 // when its server last said that it takes writes; 0 for never
}

// database returns a connection: one that is there, or a new one.
func (r *replicaModel) database(t *task, fresh bool) (*databaseLink, error) {
	r.databases = slices.DeleteFunc(r.databases, func(c *databaseLink) bool { return !c.works() })
	if !fresh && len(r.databases) > 0 && !t.oneIn(8) {
		return r.databases[t.draw.IntN(len(r.databases))], nil
	}
	server := r.model.database
	t.step()
	switch {
	case r.wayToDatabase.shut || !server.up && !server.silent():
		return nil, ErrUnreachable
	case r.wayToDatabase.silent > t.now || server.frozen > t.now:
		t.sleep(int64(r.Lease) / 4)
		return nil, errNoAnswer
	}
	c := &databaseLink{link: newLink(&server.host, &r.wayToDatabase), server: server}
	r.databases = append(r.databases[max(0, len(r.databases)-2):], c)
	return c, nil
}

func (d *databaseModel) silent() bool { return d.frozen > d.model.now }

// drop removes a connection from those that are used.
func (r *replicaModel) drop(c *databaseLink) {
	r.databases = slices.DeleteFunc(r.databases, func(other *databaseLink) bool { return other == c })
}

// prove asks a connection's server whether it takes writes.
func (r *replicaModel) prove(t *task, c *databaseLink, timeout int64) error {
	if r.model.off(ruleProof) {
		return nil
	}
	asked := r.Now()
	readOnly := false
	if err := t.ask(c.link, timeout, func() { readOnly = c.server.readOnly }); err != nil {
		return err
	}
	if readOnly {
		r.demoted = true
		return errReadOnlyModel
	}
	r.demoted, c.proved = false, asked
	return nil
}

// databaseTries is outbox.tries.
const databaseTries = 3

// onDatabase calls f with a connection that has just been proved.
func (r *replicaModel) onDatabase(t *task, timeout int64, f func(c *databaseLink, left int64) error) (err error) {
	until := r.Now() + timeout
	for try := range databaseTries {
		var c *databaseLink
		if c, err = r.database(t, try > 0); err == nil {
			if err = r.prove(t, c, until-r.Now()); err == nil {
				err = f(c, until-r.Now())
			}
		}
		if errors.Is(err, errReadOnlyModel) || errors.Is(err, errBroken) {
			r.drop(c)
			continue
		}
		break
	}
	if errors.Is(err, ErrUnreachable) && r.demoted {
		err = errReadOnlyModel // the address is to lead elsewhere
	}
	return err
}

// change makes a transaction on a proved connection.
func (r *replicaModel) change(t *task, timeout int64, change func(*rows)) error {
	return r.onDatabase(t, timeout, func(c *databaseLink, left int64) error {
		refused := false
		err := t.ask(c.link, left, func() {
			if refused = c.server.readOnly; !refused {
				c.server.commit(change)
			}
		})
		if err == nil && refused {
			err = errReadOnlyModel
		}
		return err
	})
}

// load reads a key's version, and reports whether it may be kept.
func (r *replicaModel) load(t *task, key int) (version int, keep bool, err error) {
	for try := range databaseTries {
		var c *databaseLink
		if c, err = r.database(t, try > 0); err != nil {
			continue
		}
		if r.Now()-c.proved > int64(r.Lease)/2 {
			if err = r.prove(t, c, int64(r.Lease)); errors.Is(err, errBroken) ||
				errors.Is(err, errReadOnlyModel) && try == 0 {
				r.drop(c)
				continue
			}
		}
		asked := r.Now()
		err = t.ask(c.link, int64(r.Lease), func() { version = c.server.rows.versions[key] })
		if err == nil {
			readOnly := false // evaluated when the server likes
			if err = t.ask(c.link, int64(r.Lease),
				func() { readOnly = c.server.readOnly && !r.model.off(ruleProof) }); err == nil && !readOnly {
				c.proved = asked
				return version, true, nil
			}
		}
		r.drop(c)
		if err == nil && try > 0 {
			return version, false, nil
		}
	}
	return 0, false, errors.Join(err, errBroken)
}
