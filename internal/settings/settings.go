// Package settings is what the programs' configuration has in common. Each program has a struct of its own with a field
// for each setting, whose tags are kong's: the variable in the environment, which is also the name under which errors
// and documents speak of it, the default, and the flag's name where it is not the field's.
//
// Beside those of kong there are the tags of limits: min and max, of a number, a size or a time, and oneof, the words
// that a setting may have, with commas between them. The help texts of the settings are in Program.Help.
package settings

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// prefix begins every environment variable that is a setting.
const prefix = "WOODY_"

// Program is a command that is set up by flags and by the environment.
type Program struct {
	// Name begins what the program prints of itself.
	Name string
	// Description is printed on top of its help.
	Description string
	// Addr is where it listens by default. Default: empty, :8080.
	Addr string
	// Help is the help text of each setting, by variable. The settings of this package have theirs here.
	Help map[string]string
}

// Config is a pointer to a struct of settings that embeds Server.
type Config interface{ server() *Server }

// Parse reads the arguments and the environment into config, an argument before a variable, and returns the command
// that was asked for, serve or healthcheck; it is empty where the command line cannot be read. A variable that is empty
// counts as not set, as stack files write it. The error names what is wrong and what it may be. With --help Parse
// prints that and ends the program.
func (p Program) Parse(config Config, args []string, stdout, stderr io.Writer) (command string, err error) {
	dropEmpty()
	parser, err := p.parser(config, kong.Writers(stdout, stderr))
	if err != nil {
		return "", err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return "", fmt.Errorf("%w (see --help)", err)
	}
	server := config.server()
	server.setDefaultReplicaID(p.Name)
	return parsed.Command(), errors.Join(checkLimits(parser.Model.Flags), server.check())
}

// Defaults returns the default of each setting of config by its variable, empty where there is none.
func (p Program) Defaults(config Config) (map[string]string, error) {
	parser, err := p.parser(config)
	if err != nil {
		return nil, err
	}
	defaults := map[string]string{}
	for _, flag := range parser.Model.Flags {
		for _, name := range flag.Envs {
			defaults[name] = flag.Default
		}
	}
	return defaults, nil
}

// parser returns kong's parser for config. It is an error when a setting has no help, or is not in the list of all
// names.
func (p Program) parser(config Config, options ...kong.Option) (*kong.Kong, error) {
	parser, err := kong.New(config, append(options, kong.Name(p.Name), kong.Description(p.Description),
		kong.ValueFormatter(formatHelp),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeTime)))...)
	if err != nil {
		return nil, err
	}
	help := maps.Clone(commonHelp)
	maps.Copy(help, p.Help)
	var errs []error
	for _, flag := range parser.Model.Flags {
		for _, name := range flag.Envs {
			flag.Help = help[name]
			if name == "WOODY_ADDR" && p.Addr != "" {
				flag.Default = p.Addr
			}
			if flag.Help == "" || !slices.Contains(names, name) {
				errs = append(errs, fmt.Errorf("%s must have help, and be in settings/names.go", name))
			}
		}
	}
	return parser, errors.Join(errs...)
}

// formatHelp returns kong's help of a flag, with its limits and its default: kong leaves that out where there is a
// placeholder.
func formatHelp(value *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(value)
	if limits := limitsOf(value).String(); limits != "" {
		help += " Allowed: " + limits + "."
	}
	if value.HasDefault {
		help += " Default: " + value.Default + "."
	}
	return help
}

// decodeTime reads a time such as 500ms.
func decodeTime(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a time: write such as 500ms, 10s or 1m", text)
	}
	target.SetInt(int64(d))
	return nil
}

// dropEmpty removes variables that are empty.
func dropEmpty() {
	for _, pair := range os.Environ() {
		if name, ok := strings.CutSuffix(pair, "="); ok && strings.HasPrefix(name, prefix) {
			os.Unsetenv(name)
		}
	}
}

// Secret returns a setting's value, or the content of the file that holds it without the white space around it. Name is
// the setting's variable; that of the file has _FILE behind it. Both at once are refused, and so is a file with nothing
// in it: whoever names one does not mean the default.
func Secret(name, value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("both %s and %s_FILE are set; keep one", name, name)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s_FILE: %s is empty", name, file)
	}
	return secret, nil
}
