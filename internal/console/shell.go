package console

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run carries out the commands of a section, one after another in one shell, and returns an error at the first that
// prints something else than the document has, or fails. The shell is bash, begun in dir with settings ("NAME=value")
// in its environment, and its commands read nothing.
func (s Section) Run(dir string, settings ...string) error {
	sh, err := newShell(dir, settings)
	if err != nil {
		return err
	}
	defer sh.close()
	examples := newExamples()
	for _, command := range s.Commands {
		text := examples.fill(command.Text)
		got, status, err := sh.run(text)
		if err == nil && status != "0" {
			err = fmt.Errorf("exit status %s, and it printed\n%s", status, got)
		}
		if err == nil {
			err = examples.compare(command.Want, got)
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", command.Line, text, err)
		}
	}
	return nil
}

// shell is a bash that is given one command after another.
type shell struct {
	cmd      *exec.Cmd
	commands io.WriteCloser
	statuses *bufio.Reader
	dir      string // holds the output files
}

func newShell(dir string, settings []string) (*shell, error) {
	printed, err := os.MkdirTemp("", "woody-console")
	if err != nil {
		return nil, err
	}
	sh := &shell{cmd: exec.Command("bash", "--norc"), dir: printed}
	sh.cmd.Dir = dir
	sh.cmd.Env = append(sh.cmd.Environ(), settings...)
	commands, err := sh.cmd.StdinPipe()
	if err == nil {
		sh.commands = commands
		var statuses io.Reader
		if statuses, err = sh.cmd.StdoutPipe(); err == nil {
			sh.statuses = bufio.NewReader(statuses)
			err = sh.cmd.Start()
		}
	}
	if err != nil {
		os.RemoveAll(printed)
		return nil, err
	}
	return sh, nil
}

// run returns what a command printed, to standard output and to standard error, and its exit status. Lines of HTTP end
// as others there.
func (sh *shell) run(command string) (printed, status string, err error) {
	file := filepath.Join(sh.dir, "printed")
	quoted := "'" + strings.ReplaceAll(command, "'", `'\''`) + "'"
	if _, err := fmt.Fprintf(sh.commands, "eval %s >%s 2>&1 </dev/null; echo $?\n", quoted, file); err != nil {
		return "", "", err
	}
	status, err = sh.statuses.ReadString('\n')
	if err != nil {
		return "", "", fmt.Errorf("the shell ended: %w", err)
	}
	text, err := os.ReadFile(file)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), strings.TrimSpace(status), err
}

func (sh *shell) close() {
	sh.commands.Close()
	_ = sh.cmd.Wait() // the status is that of the last command
	os.RemoveAll(sh.dir)
}
