// Package goproxy makes a module proxy out of a repository's working tree, so that a test can take the modules in it as
// somebody does who has nothing but their paths.
package goproxy

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Make writes modules of the repository in root to dir, all of one version, in the form that GOPROXY=file://DIR reads.
// Each is named by its folder, seen from root. A module has the files of its folder that git has or would add, without
// those of the modules nested in it; and the LICENSE of root, where it has none of its own, as the go command does.
// It fails where a folder has no go.mod.
func Make(dir, root, version string, folders ...string) error {
	files, err := list(root)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		m := module{root: root, folder: filepath.Clean(folder), version: version}
		if err := m.write(dir, files); err != nil {
			return fmt.Errorf("make a proxy of module %s: %w", folder, err)
		}
	}
	return nil
}

// list returns the files of a repository, seen from its root, with slashes.
func list(root string) (files []string, err error) {
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	git.Dir = root
	out, err := git.Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", root, err)
	}
	for file := range strings.SplitSeq(string(out), "\x00") {
		info, err := os.Lstat(filepath.Join(root, file)) // git lists what was removed and not yet committed, too
		if err == nil && info.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	return files, nil
}

type module struct {
	root, folder, version string
}

func (m module) write(dir string, files []string) error {
	goMod, err := os.ReadFile(filepath.Join(m.root, m.folder, "go.mod"))
	if err != nil {
		return err
	}
	name, err := modulePath(goMod)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, filepath.FromSlash(name), "@v")
	if err := os.MkdirAll(at, 0o777); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{m.version, time.Now().UTC()})
	if err != nil {
		return err
	}
	for file, text := range map[string][]byte{
		"list": []byte(m.version + "\n"), m.version + ".info": info, m.version + ".mod": goMod,
	} {
		if err := os.WriteFile(filepath.Join(at, file), text, 0o666); err != nil {
			return err
		}
	}
	return m.zip(filepath.Join(at, m.version+".zip"), name+"@"+m.version, files)
}

// modulePath returns the path in a go.mod whose module directive is a line of its own, without quotes.
func modulePath(goMod []byte) (string, error) {
	for line := range strings.Lines(string(goMod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			if name = strings.TrimSpace(name); name == strings.ToLower(name) {
				return name, nil // a module path with capitals would need the proxy's escaping
			}
		}
	}
	return "", errors.New("its go.mod has no module path in lower case")
}

func (m module) zip(file, prefix string, files []string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := zip.NewWriter(out)
	for name, from := range m.files(files) {
		if err := add(archive, prefix+"/"+name, filepath.Join(m.root, from)); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return out.Close()
}

// files returns the module's files, by their names in it.
func (m module) files(all []string) map[string]string {
	own, nested := map[string]string{}, []string{}
	for _, file := range all {
		if name, inside := m.inside(file); inside {
			own[name] = file
			if folder := path.Dir(name); path.Base(name) == "go.mod" && folder != "." {
				nested = append(nested, folder+"/")
			}
		}
	}
	for name := range own {
		for _, folder := range nested {
			if strings.HasPrefix(name, folder) {
				delete(own, name)
			}
		}
	}
	if own["LICENSE"] == "" {
		for _, file := range all {
			if file == "LICENSE" {
				own[file] = file
			}
		}
	}
	return own
}

// inside returns a file's name in the module's folder, and whether it is there.
func (m module) inside(file string) (name string, ok bool) {
	if m.folder == "." {
		return file, true
	}
	return strings.CutPrefix(file, filepath.ToSlash(m.folder)+"/")
}

func add(archive *zip.Writer, name, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	w, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
