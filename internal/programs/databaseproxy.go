package programs

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	databaseproxy "github.com/woodytoys/woodytoys/database/proxy"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// DatabaseProxyConfig is what the database's proxy stands before.
type DatabaseProxyConfig struct {
	// Nodes are the IP addresses of database, database2 and database3.
	Nodes map[string]string
	// DNS is a name server, HOST:PORT, that has them instead.
	DNS string
}

// DatabaseProxy is a running HAProxy with the configuration that ships for the database.
type DatabaseProxy struct {
	haproxyProcess
	// WriteAddr leads to the node that takes writes and ReadAddr to those that serve reads, HOST:PORT.
	WriteAddr, ReadAddr string
}

// StartDatabaseProxy starts the proxy on free ports of the loopback, and waits until it responds. Close ends it.
func StartDatabaseProxy(cfg DatabaseProxyConfig) (*DatabaseProxy, error) {
	p := &DatabaseProxy{}
	process, err := startHAProxy(cfg.fill(databaseproxy.Config), nil,
		map[string]*string{"WRITES_BIND": &p.WriteAddr, "READS_BIND": &p.ReadAddr})
	if err != nil {
		return nil, err
	}
	p.haproxyProcess = process
	return p, nil
}

var databaseServer = regexp.MustCompile(`(?m)^( *server (\w+) )\w+:3306`)

// fill returns a configuration with the nodes' addresses in the place of their names, or with another name server.
func (c DatabaseProxyConfig) fill(configuration string) string {
	if c.DNS != "" {
		return strings.Replace(configuration, "nameserver docker 127.0.0.11:53", "nameserver docker "+c.DNS, 1)
	}
	configuration = databaseServer.ReplaceAllStringFunc(configuration, func(line string) string {
		part := databaseServer.FindStringSubmatch(line)
		return part[1] + c.Nodes[part[2]] + ":3306"
	})
	return strings.Replace(configuration, " init-addr none resolvers swarm", "", 1)
}

var serverState = regexp.MustCompile(
	`(?m)^haproxy_server_status\{proxy="(\w+)",server="(\w+)",state="(UP|DOWN|MAINT)"\} 1$`)

// Ways returns UP or DOWN for each node and way to it, named as in writer/database2 and readers/database2; MAINT for
// one that DNS does not have.
func (p *DatabaseProxy) Ways() (map[string]string, error) {
	client := http.Client{Timeout: time.Second}
	response, err := client.Get(p.MetricsURL + "/metrics?scope=server")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	states := map[string]string{}
	for _, found := range serverState.FindAllStringSubmatch(string(text), -1) {
		states[found[1]+"/"+found[2]] = found[3]
	}
	return states, err
}

// Await waits until the ways are as wanted, for up to two minutes.
func (p *DatabaseProxy) Await(want map[string]string) error {
	return p.AwaitReady(servers.Patience, func() error {
		got, err := p.Ways()
		if err == nil && !maps.Equal(got, want) {
			err = fmt.Errorf("the proxy has %v, want %v", got, want)
		}
		return err
	})
}
