package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	settings.Server
	Now  struct{} `cmd:"" help:"Make a full backup now, and verify it."`
	List struct{} `cmd:"" help:"List the backups, and how far the logs go."`

	Verify struct {
		Backup string `arg:"" optional:"" help:"Its name in the list. Default: the newest good one."`
	} `cmd:"" help:"Restore a backup into a scratch server, and compare it with what it was taken from."`
	Restore struct {
		Time string `arg:"" optional:"" help:"Such as 2026-11-27T07:00:00Z. Default: all there is."`
		Plan bool   `help:"Print what would be restored and lost, and change nothing."`
	} `cmd:"" help:"Put the shop's database back to what it was just before TIME. Writers must be stopped."`
	State struct{} `cmd:"" help:"Print what restores have left, whole, restoring or half, and when one was complete."`

	Secrets struct {
		Restore bool `help:"Print what was kept last, instead."`
	} `cmd:"" help:"Keep what comes on standard input, such as a tar file of passwords, under a key of its own."`

	Repository      string `env:"WOODY_BACKUP_REPOSITORY" default:"/backup" placeholder:"PLACE"`
	Key             string `env:"WOODY_BACKUP_KEY" placeholder:"KEY"`
	KeyFile         string `env:"WOODY_BACKUP_KEY_FILE" placeholder:"FILE"`
	SecretsKeyFile  string `env:"WOODY_BACKUP_SECRETS_KEY_FILE" placeholder:"FILE"`
	Sources         string `env:"WOODY_BACKUP_SOURCES" default:"database:3306" placeholder:"ADDRESSES"`
	User            string `name:"source-user" env:"WOODY_BACKUP_USER" default:"backup" placeholder:"NAME"`
	Password        string `name:"source-password" env:"WOODY_BACKUP_PASSWORD" placeholder:"PASSWORD"`
	PasswordFile    string `name:"source-password-file" env:"WOODY_BACKUP_PASSWORD_FILE" placeholder:"FILE"`
	Target          string `env:"WOODY_BACKUP_TARGET" placeholder:"HOST:PORT"`
	TargetUser      string `env:"WOODY_BACKUP_TARGET_USER" default:"migrate" placeholder:"NAME"`
	TargetPassword  string `env:"WOODY_BACKUP_TARGET_PASSWORD" placeholder:"PASSWORD"`
	TargetFile      string `name:"target-password-file" env:"WOODY_BACKUP_TARGET_PASSWORD_FILE" placeholder:"FILE"`
	Name            string `name:"db-name" env:"WOODY_DB_NAME" default:"woody" placeholder:"NAME"`
	WorkDir         string `env:"WOODY_BACKUP_WORK_DIR" default:"/work" placeholder:"FOLDER"`
	ScratchMariadbd string `name:"server" env:"WOODY_DB_SERVER" default:"mariadbd" placeholder:"PROGRAM"`

	// Alerts and scripts/doctor call after 26 hours without a good backup, and after 10 minutes without the log.
	Every       time.Duration `env:"WOODY_BACKUP_EVERY" default:"12h" min:"1s" max:"24h"`
	ShipEvery   time.Duration `env:"WOODY_BACKUP_SHIP_EVERY" default:"30s" min:"100ms" max:"5m"`
	VerifyEvery time.Duration `env:"WOODY_BACKUP_VERIFY_EVERY" default:"24h" min:"1s" max:"720h"`
	RetryAfter  time.Duration `env:"WOODY_BACKUP_RETRY_AFTER" default:"1m" min:"100ms" max:"1h"`
	Keep        time.Duration `env:"WOODY_BACKUP_KEEP" default:"72h" min:"0s" max:"8760h"`
	KeepDaily   int           `env:"WOODY_BACKUP_KEEP_DAILY" default:"14" min:"0" max:"3650"`

	sources []string
}

var commandLine = settings.Program{
	Name: "backup",
	Description: "Backs up the Woodytoys shop's database: whole, and its binary log as it is written. Each backup is " +
		"restored into a scratch server and compared before it counts.",
	Addr: ":9300",
	Help: map[string]string{
		"WOODY_BACKUP_REPOSITORY": "Where backups are kept, as restic has it: a folder, s3:https://HOST/BUCKET (with " +
			"AWS_SHARED_CREDENTIALS_FILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or rest:https://HOST/. It " +
			"is this program's alone.",
		"WOODY_BACKUP_KEY":              "What backups are encrypted with. Without it they cannot be read.",
		"WOODY_BACKUP_KEY_FILE":         "A file that holds the key, such as a Docker secret.",
		"WOODY_BACKUP_SECRETS_KEY_FILE": "A file with the key of what the command secrets keeps.",
		"WOODY_BACKUP_SOURCES": "The database's servers, HOST:PORT with commas between. The first that serves is " +
			"asked; the others have the same log (Galera).",
		"WOODY_BACKUP_USER":          "A user of the database that reads all and follows its binary log.",
		"WOODY_BACKUP_PASSWORD":      "That user's password. It can be given in a file instead.",
		"WOODY_BACKUP_PASSWORD_FILE": "A file that holds the password, such as a Docker secret.",
		"WOODY_BACKUP_TARGET":        "Where restore writes. Without it: the first source.",
		"WOODY_BACKUP_TARGET_USER":   "A user of the database that may change its tables, for restore alone.",
		"WOODY_BACKUP_TARGET_PASSWORD": "That user's password. It can be given in a file instead. Without it nothing " +
			"is restored.",
		"WOODY_BACKUP_TARGET_PASSWORD_FILE": "A file that holds that password.",
		"WOODY_DB_NAME":                     "The shop's database.",
		"WOODY_BACKUP_WORK_DIR": "A folder for what is under way: a dump, logs since the last backup, a scratch " +
			"server's data. It is emptied at the start; three times the database's size is enough.",
		"WOODY_DB_SERVER":           "The scratch server's program.",
		"WOODY_BACKUP_EVERY":        "How often a full backup is made.",
		"WOODY_BACKUP_SHIP_EVERY":   "How often new transactions are put into the repository.",
		"WOODY_BACKUP_VERIFY_EVERY": "How often the newest good backup is restored and compared again.",
		"WOODY_BACKUP_RETRY_AFTER":  "How long after a failure it is tried again.",
		"WOODY_BACKUP_KEEP":         "For how long all backups and logs are kept: any second of it can be restored.",
		"WOODY_BACKUP_KEEP_DAILY":   "Of how many days before that the last backup is kept.",
	},
}

// parseConfig reads the command line and the environment. It returns the command that was asked for, and an error that
// names the setting and what it allows.
func parseConfig(args []string, stdout, stderr io.Writer) (cfg config, command string, err error) {
	command, err = commandLine.Parse(&cfg, args, stdout, stderr)
	if command == "" {
		return cfg, "", err
	}
	command, _, _ = strings.Cut(command, " ") // without its arguments
	err = errors.Join(err, cfg.check())
	if err == nil && command == "serve" {
		err = cfg.readSecrets()
	}
	return cfg, command, err
}

// check refuses values that have the right form and make no sense.
func (c *config) check() error {
	errs := []error{settings.CheckPlain(map[string]string{
		"WOODY_DB_NAME": c.Name, "WOODY_BACKUP_USER": c.User, "WOODY_BACKUP_TARGET_USER": c.TargetUser,
	})}
	c.sources = strings.Split(c.Sources, ",")
	if c.Target == "" {
		c.Target = c.sources[0]
	}
	for name, addrs := range map[string][]string{"WOODY_BACKUP_SOURCES": c.sources, "WOODY_BACKUP_TARGET": {c.Target}} {
		for _, addr := range addrs {
			if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
				errs = append(errs, fmt.Errorf("%s has %q: write HOST:PORT, such as database:3306", name, addr))
			}
		}
	}
	if !filepath.IsAbs(c.WorkDir) || c.WorkDir == "/" || len(c.WorkDir) > 80 {
		errs = append(errs, fmt.Errorf("WOODY_BACKUP_WORK_DIR is %q: write the whole path of a folder of its own, of "+
			"80 bytes at most", c.WorkDir))
	}
	return errors.Join(errs...)
}

// readSecrets reads the secrets from the files that the settings name.
func (c *config) readSecrets() error {
	var errs [3]error
	c.Key, errs[0] = settings.Secret("WOODY_BACKUP_KEY", c.Key, c.KeyFile)
	c.Password, errs[1] = settings.Secret("WOODY_BACKUP_PASSWORD", c.Password, c.PasswordFile)
	c.TargetPassword, errs[2] = settings.Secret("WOODY_BACKUP_TARGET_PASSWORD", c.TargetPassword, c.TargetFile)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if c.Key == "" {
		return errors.New("WOODY_BACKUP_KEY_FILE must name a file with the key that backups are encrypted with")
	}
	return nil
}

// below returns the path of what is in the work folder.
func (c *config) below(names ...string) string {
	return filepath.Join(append([]string{c.WorkDir}, names...)...)
}

func (c *config) socket() string { return c.below("control") }
