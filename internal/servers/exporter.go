package servers

import (
	"os"
	"os/exec"
)

// Exporter gives Prometheus the figures of a server or machine.
type Exporter struct {
	*Process
	// Addr is where its /metrics is, HOST:PORT.
	Addr string
	dir  string
}

// StartExporter starts the exporter of this server. It is ready while the server is away, too.
func (m *MariaDB) StartExporter() (*Exporter, error) {
	return startExporter("prometheus-mysqld-exporter", "--web.listen-address",
		[]string{"DATA_SOURCE_NAME=root@unix(" + m.socket() + ")/"},
		"--collect.global_status", "--collect.global_variables", "--no-collect.slave_status",
		"--no-collect.info_schema.innodb_cmp", "--no-collect.info_schema.innodb_cmpmem",
		"--no-collect.info_schema.query_response_time")
}

// StartExporter starts the exporter of this server. It is ready while the server is away, too.
func (r *Redis) StartExporter() (*Exporter, error) {
	return startExporter("prometheus-redis-exporter", "-web.listen-address", nil, "-redis.addr", "redis://"+r.Addr)
}

// StartNodeExporter starts an exporter of what is in a folder, whose form is that of /proc. The flags say which
// of its collectors collect. Default: the processors, the memory and the file systems (stat, meminfo and 1/mounts).
func StartNodeExporter(procfs string, collectors ...string) (*Exporter, error) {
	if len(collectors) == 0 {
		collectors = []string{"--collector.disable-defaults", "--collector.cpu", "--collector.meminfo",
			"--collector.filesystem"}
	}
	return startExporter("prometheus-node-exporter", "--web.listen-address", nil,
		append([]string{"--path.procfs=" + procfs, "--web.disable-exporter-metrics"}, collectors...)...)
}

// StartVarnishExporter starts the exporter of the Varnish whose working folder it is.
func StartVarnishExporter(folder string) (*Exporter, error) {
	return startExporter("prometheus-varnish-exporter", "-web.listen-address", nil, "-n", folder)
}

func startExporter(name, listen string, environment []string, args ...string) (*Exporter, error) {
	program, err := LookPath(name)
	if err != nil {
		return nil, err
	}
	e := &Exporter{}
	if e.Addr, e.dir, err = place("woody-exporter", nil); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, append(args, listen, e.Addr)...)
	cmd.Env = append(os.Environ(), environment...)
	if e.Process, err = startReady(cmd, e.dir, "http://"+e.Addr+"/metrics"); err != nil {
		os.RemoveAll(e.dir)
		return nil, err
	}
	return e, nil
}

// Close ends the exporter.
func (e *Exporter) Close() {
	e.Kill()
	os.RemoveAll(e.dir)
}
