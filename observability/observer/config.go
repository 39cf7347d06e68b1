package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	settings.Server
	API       string `name:"api" env:"WOODY_OBSERVER_API" default:"localhost:8080" placeholder:"HOST:PORT"`
	AdminPort int    `env:"WOODY_OBSERVER_ADMIN_PORT" default:"8081" min:"1" max:"65535" placeholder:"PORT"`
	Proxy     string `env:"WOODY_OBSERVER_PROXY" placeholder:"URL"`
	Rate      int    `env:"WOODY_OBSERVER_RATE" default:"20" min:"5" max:"200"`
}

var commandLine = settings.Program{
	Name: "observer",
	Description: "Looks for stale answers of the Woodytoys shop: it writes a probe of its own, and reads it from " +
		"every replica and through the proxy.",
	Addr: ":8082",
	Help: map[string]string{
		"WOODY_OBSERVER_API": "The replicas of the API: a name that DNS has all their addresses of, and their port; " +
			"tasks.api:8080 in the stack.",
		"WOODY_OBSERVER_ADMIN_PORT": "The replicas' admin port, on which probes are written.",
		"WOODY_OBSERVER_PROXY": "The proxy in front of them, such as http://reverse-proxy:8080. Without it: answers " +
			"through the proxy are not looked at.",
		"WOODY_OBSERVER_RATE": "How many reads a second this observer makes at most, of all replicas and the proxy " +
			"together; it makes a tenth as many writes at most.",
	},
}

// parseConfig reads the command line and the environment. It returns the command that was asked for, and an error that
// names the setting and what it allows.
func parseConfig(args []string, stdout, stderr io.Writer) (cfg config, command string, err error) {
	command, err = commandLine.Parse(&cfg, args, stdout, stderr)
	if command == "" {
		return cfg, "", err
	}
	return cfg, command, errors.Join(err, cfg.check())
}

// check refuses values that have the right form and make no sense.
func (c config) check() error {
	var errs []error
	if host, port, err := net.SplitHostPort(c.API); err != nil || host == "" || port == "" {
		errs = append(errs, fmt.Errorf("WOODY_OBSERVER_API is %q: write HOST:PORT, such as tasks.api:8080", c.API))
	}
	u, err := url.Parse(c.Proxy)
	if c.Proxy != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("WOODY_OBSERVER_PROXY is %q: write an http:// or https:// URL, such as "+
			"http://reverse-proxy:8080", c.Proxy))
	}
	return errors.Join(errs...)
}
