package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"

	"github.com/woodytoys/woodytoys/front/site"
)

// config is the front's flags and environment; each line is one setting.
type config struct {
	Addr         string `env:"WOODY_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Where to listen."`
	APIURL       string `name:"api-url" env:"WOODY_API_URL" default:"http://localhost:8080" placeholder:"URL" help:"Where the toys on the shelf are read from; http://api:8080 in the stack."`
	CDNURL       string `name:"cdn-url" env:"WOODY_CDN_URL" placeholder:"URL" help:"Put before every asset's path, such as https://cdn.example.org or http://cdn.{host}, where {host} is the host that the page was asked of. Empty: the page's own host."`
	LimitRate    rate   `name:"limit-rate" env:"WOODY_FRONT_LIMIT_RATE" default:"0" placeholder:"RATE" help:"Bytes per second that each connection gets, such as 300k or 3M (k is 1000). 0: no limit."`
	ReplicaID    string `name:"replica-id" env:"WOODY_REPLICA_ID" placeholder:"NAME" help:"This replica's name in X-Served-By. Empty: the host's name."`
	LogLevel     level  `env:"WOODY_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level to log: debug, info, warn or error."`
	LogFormat    string `env:"WOODY_LOG_FORMAT" default:"text" placeholder:"FORMAT" help:"How to log: text or json."`
	DrainDelay   pause  `env:"WOODY_DRAIN_DELAY" default:"0s" placeholder:"TIME" help:"After SIGTERM, SIGINT or SIGHUP, how long to keep accepting while /readyz answers 503."`
	DrainTimeout pause  `env:"WOODY_DRAIN_TIMEOUT" default:"10s" placeholder:"TIME" help:"After that, how long answers under way may still take."`
}

// Validate refuses values that have the right form and make no sense; kong calls it and prints the error.
func (s *config) Validate() error {
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("WOODY_ADDR is %q: write HOST:PORT, or :PORT for every address", s.Addr)
	}
	if u, err := url.Parse(s.APIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("WOODY_API_URL is %q: write an http:// or https:// URL, such as http://api:8080", s.APIURL)
	}
	if err := site.CheckCDNURL(s.CDNURL); err != nil {
		return fmt.Errorf("WOODY_CDN_URL: %w", err)
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		return fmt.Errorf("WOODY_LOG_FORMAT is %q: write text or json", s.LogFormat)
	}
	return nil
}

func (s *config) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.Level(s.LogLevel)}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// replica is the name to answer with: the one that was set, or the host's.
func (s *config) replica() string {
	if s.ReplicaID != "" {
		return s.ReplicaID
	}
	name, err := os.Hostname()
	if err != nil {
		return "front"
	}
	return name
}
