package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	settings.Server
	settings.Page
	APIURL   string `name:"api-url" env:"WOODY_API_URL" default:"http://localhost:8080" placeholder:"URL"`
	Accounts string `env:"WOODY_ACCOUNTS" default:"off" oneof:"on,off"`
}

var commandLine = settings.Program{
	Name:        "front",
	Description: "Serves the page and the assets of the Woodytoys shop.",
	Help: map[string]string{
		"WOODY_ACCOUNTS": "Whether the page signs in and out, as in a shop whose API has WOODY_ACCOUNTS=on.",
		"WOODY_API_URL":  "Where the toys on the shelf are read from; http://api:8080 in the stack.",
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
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, fmt.Errorf("WOODY_API_URL is %q: write an http:// or https:// URL, such as http://api:8080",
			c.APIURL))
	}
	if err := site.CheckCDNURL(c.CDNURL); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_CDN_URL: %w", err))
	}
	return errors.Join(errs...)
}
