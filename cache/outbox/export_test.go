package outbox

import "strings"

// ForgetGalera makes an outbox take its server for a MariaDB that was built without Galera, and has none of its
// variables.
func (o *Outbox) ForgetGalera() {
	o.sql.used = strings.Replace(o.sql.used, "@@wsrep_on", "@@no_such_variable", 1)
}

// AmongNodes makes an outbox take its server for a node of a Galera cluster.
func (o *Outbox) AmongNodes() { o.galera.Store(true) }
