// Sbom writes what a Go program is made of, as a bill of materials in the form of CycloneDX 1.5 (JSON): the modules
// that the linker put into it and the version of Go, as the program itself says. The same program gives the same
// bytes.
//
//	sbom PROGRAM >program.cdx.json
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM")
		os.Exit(2)
	}
	if err := write(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// bill is a bill of materials; its fields are those of the specification.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
	Depends    []depends   `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string     `json:"type"`
	Ref     string     `json:"bom-ref"`
	Name    string     `json:"name"`
	Version string     `json:"version,omitempty"`
	PURL    string     `json:"purl"`
	More    []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type depends struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

func write(to io.Writer, program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read what %s is made of: %w", program, err)
	}
	text, err := json.MarshalIndent(billOf(filepath.Base(program), info), "", " ")
	if err != nil {
		return err
	}
	_, err = to.Write(append(text, '\n'))
	return err
}

// billOf returns the bill of a program of that name.
func billOf(name string, info *debug.BuildInfo) bill {
	b := bill{Format: "CycloneDX", Spec: "1.5", Version: 1}
	whole := of(info.Main)
	whole.Type, whole.Name, whole.Ref = "application", name, "program"
	for _, setting := range info.Settings {
		if strings.HasPrefix(setting.Key, "vcs.") ||
			slices.Contains([]string{"GOARCH", "GOOS", "CGO_ENABLED"}, setting.Key) {
			whole.More = append(whole.More, property{"go:" + setting.Key, setting.Value})
		}
	}
	b.Metadata.Component = whole
	version := strings.TrimPrefix(info.GoVersion, "go")
	b.Components = []component{{
		Type: "library", Ref: "stdlib", Name: "stdlib", Version: version,
		PURL: "pkg:golang/stdlib@" + url.PathEscape(version),
	}}
	for _, module := range info.Deps {
		b.Components = append(b.Components, of(*module))
	}
	slices.SortFunc(b.Components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	on := depends{Ref: whole.Ref}
	for _, c := range b.Components {
		on.On = append(on.On, c.Ref)
	}
	b.Depends = []depends{on}
	return b
}

// of returns a module as a component. One that another one stands in for keeps its name, and has the other's version
// and sum, which are those of the code.
func of(module debug.Module) component {
	code := module
	if module.Replace != nil {
		code = *module.Replace
	}
	version := code.Version
	if version == "" || version == "(devel)" {
		version = module.Version
	}
	c := component{Type: "library", Name: module.Path, Version: version, PURL: "pkg:golang/" + escapedPath(module.Path)}
	if version != "" && version != "(devel)" {
		c.PURL += "@" + url.PathEscape(version)
	}
	c.Ref = c.PURL
	if sum, ok := strings.CutPrefix(code.Sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
			// That of go.sum: over the list of the files' SHA-256, not of an archive.
			c.More = append(c.More, property{"go:h1", hex.EncodeToString(raw)})
		}
	}
	return c
}

// escapedPath returns a module's path, as a package URL has it.
func escapedPath(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
