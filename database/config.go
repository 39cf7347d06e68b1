package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	settings.Server
	Status    struct{} `cmd:"" help:"Print the state of the node that runs here, as JSON."`
	Bootstrap struct{} `cmd:"" help:"Begin a cluster with the node that runs here, although others are silent."`

	Node         string        `env:"WOODY_DB_NODE" default:"database" placeholder:"NAME"`
	Nodes        string        `env:"WOODY_DB_NODES" default:"database,database2,database3" placeholder:"NAMES"`
	NodeAddr     string        `env:"WOODY_DB_NODE_ADDR" placeholder:"ADDRESS"`
	DataDir      string        `env:"WOODY_DATA_DIR" default:"/var/lib/mysql" placeholder:"FOLDER"`
	RunDir       string        `name:"run-dir" env:"WOODY_DB_RUN_DIR" default:"/run/mysqld" placeholder:"FOLDER"`
	Name         string        `name:"db-name" env:"WOODY_DB_NAME" default:"woody" placeholder:"NAME"`
	User         string        `name:"db-user" env:"WOODY_DB_USER" default:"woody" placeholder:"NAME"`
	Password     string        `name:"db-password" env:"WOODY_DB_PASSWORD" placeholder:"PASSWORD"`
	PasswordFile string        `name:"db-password-file" env:"WOODY_DB_PASSWORD_FILE" placeholder:"FILE"`
	UsersFile    string        `name:"db-users-file" env:"WOODY_DB_USERS_FILE" placeholder:"FILE"`
	BufferPool   settings.Size `name:"buffer-pool" env:"WOODY_DB_BUFFER_POOL" default:"256M" placeholder:"SIZE"`
	WriteSets    settings.Size `name:"write-sets" env:"WOODY_DB_WRITE_SETS" default:"512M" placeholder:"SIZE"`
	LeastFree    settings.Size `name:"least-free" env:"WOODY_DB_LEAST_FREE" default:"64M" placeholder:"SIZE"`
	Mariadbd     string        `name:"server" env:"WOODY_DB_SERVER" default:"mariadbd" placeholder:"PROGRAM"`
	Provider     string        `env:"WOODY_DB_PROVIDER" default:"/usr/lib/galera/libgalera_smm.so" placeholder:"FILE"`
	Options      string        `name:"options" env:"WOODY_DB_OPTIONS" placeholder:"OPTIONS"`

	order  []node // of WOODY_DB_NODES
	osUser string // who runs the server, and administers it over its socket
}

var commandLine = settings.Program{
	Name:        "database",
	Description: "Runs a MariaDB server as a node of the Woodytoys shop's cluster.",
	Addr:        ":9200",
	Help: map[string]string{
		"WOODY_DB_NODE": "This node's name.",
		"WOODY_DB_NODES": "The names of all nodes with commas between them, in the order in which they take " +
			"writes. DNS has the address of each, or NAME=ADDRESS says it. They are three, or one to try it.",
		"WOODY_DB_NODE_ADDR": "The IP address at which this node serves the others and is announced to them. " +
			"Without it: the one that this machine has under the node's name.",
		"WOODY_DATA_DIR":   "The server's data. What a MariaDB server without a cluster left there is adopted.",
		"WOODY_DB_RUN_DIR": "Where the server's socket and the configuration made for it are.",
		"WOODY_DB_NAME":    "The shop's database, made if it is missing.",
		"WOODY_DB_USER":    "The shop's user of the database, made if it is missing where there is a password for it.",
		"WOODY_DB_PASSWORD": "That user's password. It can be given in a file instead, named by " +
			"WOODY_DB_PASSWORD_FILE.",
		"WOODY_DB_PASSWORD_FILE": "A file that holds the password, such as a Docker secret.",
		"WOODY_DB_USERS_FILE": "A file with SQL statements that make more users, run when a cluster begins and when " +
			"the first of its nodes joins it: they must do no harm twice.",
		"WOODY_DB_BUFFER_POOL": "InnoDB's buffer pool.",
		"WOODY_DB_WRITE_SETS": "How much of what was written last is kept on the disk for nodes that come back: " +
			"one that missed more gets all data anew.",
		"WOODY_DB_LEAST_FREE": "A node whose disk has less left takes no writes while another one can.",
		"WOODY_DB_SERVER":     "The server's program.",
		"WOODY_DB_PROVIDER":   "Galera's library.",
		"WOODY_DB_OPTIONS":    "More options of the server, NAME=VALUE with spaces between them.",
	},
}

// parseConfig reads the command line and the environment. It returns the command that was asked for, and an error that
// names the setting and what it allows.
func parseConfig(args []string, stdout, stderr io.Writer) (cfg config, command string, err error) {
	command, err = commandLine.Parse(&cfg, args, stdout, stderr)
	if command == "" {
		return cfg, "", err
	}
	err = errors.Join(err, cfg.check())
	if err == nil && command == "serve" {
		err = cfg.complete()
	}
	return cfg, command, err
}

// check refuses values that have the right form and make no sense, and reads the nodes.
func (c *config) check() error {
	errs := []error{settings.CheckPlain(map[string]string{
		"WOODY_DB_NODE": c.Node, "WOODY_DB_NAME": c.Name, "WOODY_DB_USER": c.User,
	})}
	order, err := parseNodes(c.Nodes)
	c.order = order
	if err != nil {
		errs = append(errs, err)
	} else if !slices.ContainsFunc(order, func(n node) bool { return n.name == c.Node }) {
		errs = append(errs, fmt.Errorf("WOODY_DB_NODE is %q, which is none of WOODY_DB_NODES (%s)", c.Node, c.Nodes))
	}
	return errors.Join(errs...)
}

// complete reads the password from its file, looks whether the users' is there, and finds the operating system's user.
func (c *config) complete() (err error) {
	if c.Password, err = settings.Secret("WOODY_DB_PASSWORD", c.Password, c.PasswordFile); err != nil {
		return err
	}
	if c.Password == "" && c.UsersFile == "" {
		return errors.New("WOODY_DB_PASSWORD_FILE must name a file with the password of the shop's user, or " +
			"WOODY_DB_USERS_FILE one that makes the users")
	}
	if c.UsersFile != "" {
		if _, err := os.Stat(c.UsersFile); err != nil {
			return fmt.Errorf("WOODY_DB_USERS_FILE: %w", err)
		}
	}
	who, err := user.Current()
	if err != nil {
		return fmt.Errorf("look up the user that runs the server: %w", err)
	}
	c.osUser = who.Username
	return nil
}

// names returns the nodes' names in their order.
func (c *config) names() []string {
	var names []string
	for _, n := range c.order {
		names = append(names, n.name)
	}
	return names
}

// serverOptions returns WOODY_DB_OPTIONS as lines of an option file.
func (c *config) serverOptions() string { return strings.Join(strings.Fields(c.Options), "\n") }
