package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// install makes an empty folder one with the tables that a server needs. It counts as empty until a cluster has begun
// with it.
func (c config) install(ctx context.Context) error {
	if err := folder(c.DataDir).empty(); err != nil {
		return err
	}
	options := []string{
		"--no-defaults", "--datadir=" + c.DataDir, "--user=" + c.osUser, "--skip-test-db", "--tmpdir=" + c.tmpDir(),
		"--auth-root-authentication-method=socket", "--auth-root-socket-user=" + c.osUser,
		"--innodb-log-file-size=8M", // the server makes it as large as it wants
	}
	for _, option := range ownFiles {
		options = append(options, "--"+option)
	}
	var output strings.Builder
	if err := runChild(ctx, exec.CommandContext(ctx, "mariadb-install-db", options...), &output); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, lastLines(output.String(), 20))
	}
	return c.runStatements(ctx)
}

// runStatements makes what is missing of users and databases in a folder whose server does not run, and that is no
// cluster's: a cluster's nodes would not hear of it.
func (c config) runStatements(ctx context.Context) error {
	statements, err := c.statements()
	if err != nil {
		return err
	}
	file := filepath.Join(c.RunDir, "init.sql")
	if err := os.WriteFile(file, []byte(statements+"SHUTDOWN;\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	_, err = runServer(ctx, c, "--wsrep-on=OFF", "--wsrep-provider=none", "--skip-networking", "--init-file="+file)
	return err
}

// statements returns the SQL that makes users and the database, a line each.
func (c config) statements() (string, error) {
	admin := fmt.Sprintf("`%s`@localhost", c.osUser)
	lines := []string{
		"CREATE USER IF NOT EXISTS " + admin + " IDENTIFIED VIA unix_socket;",
		"ALTER USER " + admin + " IDENTIFIED VIA unix_socket;",
		"GRANT ALL PRIVILEGES ON *.* TO " + admin + " WITH GRANT OPTION;",
		fmt.Sprintf("CREATE DATABASE IF NOT EXISTS `%s`;", c.Name),
	}
	if c.Password != "" {
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(c.Password)
		lines = append(lines,
			fmt.Sprintf("CREATE USER IF NOT EXISTS `%s`@'%%';", c.User),
			fmt.Sprintf("ALTER USER `%s`@'%%' IDENTIFIED BY '%s';", c.User, quoted),
			fmt.Sprintf("GRANT ALL PRIVILEGES ON `%s`.* TO `%s`@'%%';", strings.ReplaceAll(c.Name, "_", `\_`), c.User))
	}
	if c.UsersFile != "" {
		more, err := os.ReadFile(c.UsersFile)
		if err != nil {
			return "", fmt.Errorf("WOODY_DB_USERS_FILE: %w", err)
		}
		lines = append(lines, strings.TrimSpace(string(more)))
	}
	return strings.Join(lines, "\n") + "\n", nil
}

var recovered = regexp.MustCompile(`WSREP: Recovered position:? *([0-9a-f-]{36}):(-?\d+)`)

// recoveredPosition returns the last committed position in InnoDB's data, after an unclean shutdown.
func (c config) recoveredPosition(ctx context.Context) (position, error) {
	// The address is not used, and must be there for the method of transfer.
	output, err := runServer(ctx, c, "--wsrep-recover", "--skip-networking",
		"--wsrep-cluster-address=gcomm://127.0.0.1")
	if err != nil {
		return position{}, err
	}
	found := recovered.FindAllStringSubmatch(output, -1)
	if found == nil {
		return position{}, errors.New("the server does not say how far its data goes:\n" + lastLines(output, 20))
	}
	last := found[len(found)-1]
	seqno, err := strconv.ParseInt(last[2], 10, 64)
	return position{last[1], seqno}, err
}
