// Package settings is what the programs' configuration has in common beside kong, which reads flags and
// environment.
package settings

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix begins every environment variable that is a setting.
const prefix = "WOODY_"

// Help is kong's help of a flag, with its default said: kong leaves that out where there is a
// placeholder. It is for kong.ValueFormatter.
func Help(value *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(value)
	if value.HasDefault {
		help += " Default: " + value.Default + "."
	}
	return help
}

// DropEmpty lets WOODY_X= mean the same as no WOODY_X, as stack files write it.
func DropEmpty() {
	for _, pair := range os.Environ() {
		if name, ok := strings.CutSuffix(pair, "="); ok && strings.HasPrefix(name, prefix) {
			os.Unsetenv(name)
		}
	}
}

// Unknown are the environment variables that look like settings and are none of model's: mistyped,
// most likely. The others are settings of programs that may share the environment.
func Unknown(model *kong.Application, others ...string) (unknown []string) {
	known := slices.Clone(others)
	for _, flag := range model.Flags {
		known = append(known, flag.Envs...)
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix) && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// Secret is a setting's value, or the content of the file that holds it, without the white space
// around it. Name is the setting's variable; that of the file has _FILE behind it.
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
	return strings.TrimSpace(string(content)), nil
}
