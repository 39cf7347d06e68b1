package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// optionFile returns the content of the server's option file. Addr is the node's address.
func (c config) optionFile(addr string) string {
	lines := []string{
		"[mysqld]",
		"datadir=" + c.DataDir,
		"socket=" + c.socket(),
		"pid-file=" + filepath.Join(c.RunDir, "pid"),
		"tmpdir=" + c.tmpDir(),
		"bind-address=" + addr,
		"port=3306",
		"character-set-server=utf8mb4",
		"collation-server=utf8mb4_bin",
		"max-connections=300",
		fmt.Sprintf("innodb-buffer-pool-size=%d", c.BufferPool),
		// A commit is on the disk before it is acknowledged: the power of all three may go at once.
		"innodb-flush-log-at-trx-commit=1",

		// Every transaction is in each node's log, under the same id, so that backups follow whichever node is there:
		// for a day at most and in 2 GB at most (from MariaDB 11.4 on).
		"log-bin=binlog",
		"server-id=1",
		"log-slave-updates=ON",
		"wsrep-gtid-mode=ON",
		fmt.Sprint("wsrep-gtid-domain-id=", clusterDomain),
		fmt.Sprint("gtid-domain-id=", c.ownDomain()), // of what this node logs for itself alone
		"sync-binlog=1",
		"max-binlog-size=64M",
		"binlog-expire-logs-seconds=86400",
		"loose-max-binlog-total-size=2G",
		"loose-slave-connections-needed-for-purge=0", // also while no backup follows
		"binlog-format=ROW",
		// The shop's migrations make triggers, which a server that writes a log for others, as each node does, allows
		// only to administrators otherwise.
		"log-bin-trust-function-creators=ON",
		"default-storage-engine=InnoDB",
		"innodb-autoinc-lock-mode=2",
		// Ids count up by one, as the shop's paging wants it: one node writes. Two that do for a moment collide, and
		// the loser is told to try again.
		"wsrep-auto-increment-control=OFF",

		"wsrep-on=ON",
		"wsrep-provider=" + c.Provider,
		"wsrep-cluster-name=woody",
		"wsrep-node-name=" + c.Node,
		"wsrep-node-address=" + addr,
		"wsrep-slave-threads=2",
		"wsrep-sst-method=mariabackup",
		"wsrep-sst-auth=" + c.osUser + ":",
		"wsrep-sst-receive-address=" + addr + ":4444",
		"wsrep-sst-donor=" + strings.Join(donorsFor(c.Node, c.names()), ","),
		"wsrep-provider-options=" + `"` + strings.Join(c.providerOptions(addr), ";") + `"`,
	}
	for _, option := range ownFiles {
		lines = append(lines, option)
	}
	lines = append(lines, c.serverOptions(),
		"[sst]",
		// The receiving side listens at the node's own address, and the sending side tries again where that is slow.
		"sockopt=bind="+addr+",retry=50,interval=0.2",
		"sst-log-archive=0",
	)
	return strings.Join(lines, "\n") + "\n"
}

// clusterDomain is the domain of the ids of the cluster's transactions: another one than that of a server that was
// none.
const clusterDomain = 1

// ownDomain is the domain of the ids of what no other node has.
func (c config) ownDomain() int { return clusterDomain + 1 + slices.Index(c.names(), c.Node) }

// providerOptions returns Galera's options.
func (c config) providerOptions(addr string) []string {
	return []string{
		"gmcast.listen_addr=tcp://" + addr + ":4567",
		"ist.recv_addr=" + addr + ":4568",
		// A node that says nothing for 2 s is left out by the others, for 4 s whatever they think.
		"evs.keepalive_period=PT0.5S",
		"evs.inactive_check_period=PT0.5S",
		"evs.suspect_timeout=PT2S",
		"evs.inactive_timeout=PT4S",
		"evs.install_timeout=PT4S",
		fmt.Sprintf("gcache.size=%d", c.WriteSets),
		"gcache.recover=yes",
		// Nodes that come back together do not make a cluster of themselves: the rule in begin.go does.
		"pc.recovery=FALSE",
	}
}

func (c config) socket() string     { return filepath.Join(c.RunDir, "mysqld.sock") }
func (c config) optionPath() string { return filepath.Join(c.RunDir, "node.cnf") }

// tmpDir is a folder of the server's own: a server that starts removes the temporary tables that it finds there.
func (c config) tmpDir() string { return filepath.Join(c.RunDir, "tmp") }
