package settings

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// Server is the settings of every program that serves HTTP, and its commands. Its flags come first in --help.
type Server struct {
	Serve       struct{} `cmd:"" default:"withargs" help:"Serve until SIGTERM, SIGINT or SIGHUP (the default)."`
	Healthcheck struct{} `cmd:"" help:"Exit 0 if the program is ready, else 1: for containers without a shell."`

	Addr          string        `env:"WOODY_ADDR" default:":8080" placeholder:"HOST:PORT"`
	ListeningFile string        `env:"WOODY_LISTENING_FILE" placeholder:"FILE"`
	ReplicaID     string        `env:"WOODY_REPLICA_ID" placeholder:"NAME"`
	DrainDelay    time.Duration `env:"WOODY_DRAIN_DELAY" default:"0s" min:"0s"`
	DrainTimeout  time.Duration `env:"WOODY_DRAIN_TIMEOUT" default:"10s" min:"0s"`
	LogLevel      string        `env:"WOODY_LOG_LEVEL" default:"info" oneof:"debug,info,warn,error" placeholder:"LEVEL"`
	LogFormat     string        `env:"WOODY_LOG_FORMAT" default:"text" oneof:"text,json" placeholder:"FORMAT"`
}

// Page is the settings of every program that serves the page.
type Page struct {
	CDNURL         string `name:"cdn-url" env:"WOODY_CDN_URL" placeholder:"URL"`
	FrontLimitRate Rate   `aliases:"limit-rate" env:"WOODY_FRONT_LIMIT_RATE" default:"0" placeholder:"RATE"`
}

// commonHelp is the help text of the settings of Server and Page.
var commonHelp = map[string]string{
	"WOODY_ADDR": "Where to listen; port 0 is any that is free.",
	"WOODY_LISTENING_FILE": "A file to write once the program listens, for other programs: a line NAME=VALUE for " +
		"each address, named as its setting, and PID. It is there as a whole or not at all, and is removed at the " +
		"end. One that a killed program left is replaced. A healthcheck asks the program that wrote it.",
	"WOODY_REPLICA_ID": "This replica's name in X-Served-By. Without it: the host's name.",
	"WOODY_DRAIN_DELAY": "After SIGTERM, SIGINT or SIGHUP, how long new connections are still taken, with " +
		"Connection: close, while /readyz answers 503.",
	"WOODY_DRAIN_TIMEOUT": "After that, how long requests under way have to finish.",
	"WOODY_LOG_LEVEL":     "The least level to log.",
	"WOODY_LOG_FORMAT":    "How to log.",
	"WOODY_CDN_URL": "Put before the path of the page's assets, such as https://cdn.example.org or " +
		"http://cdn.{host}, where {host} is the host that the page was asked of. Without it: the page's own host.",
	"WOODY_FRONT_LIMIT_RATE": "Simulated cost: bytes a second that the page and its assets get on each connection, " +
		"such as 300k or 3M (k is 1000); 0 for no limit.",
}

func (s *Server) server() *Server { return s }

// setDefaultReplicaID sets ReplicaID, if it is empty, to the host name, or to program if that is unknown.
func (s *Server) setDefaultReplicaID(program string) {
	if s.ReplicaID != "" {
		return
	}
	s.ReplicaID = program
	if host, err := os.Hostname(); err == nil {
		s.ReplicaID = host
	}
}

func (s *Server) check() error {
	var errs []error
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_ADDR is %q: write HOST:PORT, or :PORT for every address", s.Addr))
	}
	if strings.ContainsFunc(s.ReplicaID, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, errors.New("WOODY_REPLICA_ID may hold printable ASCII characters only"))
	}
	return errors.Join(errs...)
}

// Logger returns the log that the settings ask for.
func (s *Server) Logger(to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // one of four good ones by now
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
