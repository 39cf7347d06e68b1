package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fromFile finds a secret that a stack file takes from ./secrets.
var fromFile = regexp.MustCompile(`file: "?\./secrets/(\w+)`)

// secretFiles looks for the files that the stack files of a tree name, if that tree has any: nothing may have been
// deployed from here.
func (f *facts) secretFiles(tree string) error {
	if _, err := os.Stat(filepath.Join(tree, "secrets")); err != nil {
		return nil
	}
	stacks, err := filepath.Glob(filepath.Join(tree, "stack*.yml"))
	if err != nil {
		return err
	}
	f.files = map[string]bool{}
	for _, stack := range stacks {
		text, err := os.ReadFile(stack)
		if err != nil {
			return err
		}
		for _, found := range fromFile.FindAllStringSubmatch(string(text), -1) {
			info, err := os.Stat(filepath.Join(tree, "secrets", found[1]))
			f.files[found[1]] = err == nil && info.Size() > 0
		}
	}
	return nil
}

// certificateFiles looks at the certificates in the files of a folder, but for hidden ones: a certificate that was
// replaced is kept in such a file.
func (f *facts) certificateFiles(dir, called string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), ".") {
			continue
		}
		f.certificateFile(file, filepath.Join(called, filepath.Base(file)))
	}
}

// certificateFile looks at the certificate of a file, if it has one: of several, that which ends first.
func (f *facts) certificateFile(file, called string) {
	text, err := os.ReadFile(file)
	if err == nil {
		f.certificate(text, called)
	}
}

func (f *facts) certificate(text []byte, called string) {
	var first *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err == nil && (first == nil || c.NotAfter.Before(first.NotAfter)) {
			first = c
		}
	}
	if first != nil {
		f.certificates = append(f.certificates,
			certificate{where: called, from: first.NotBefore, expires: first.NotAfter})
	}
}

// diskOf looks at the file system that a folder of this machine is on.
func (f *facts) diskOf(folder, called string) {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) == nil {
		block := float64(s.Bsize)
		f.disks = append(f.disks, disk{called, float64(s.Bavail) * block, float64(s.Blocks) * block})
	}
}

// changing are the scripts that change what runs.
var changing = []string{"deploy", "scale", "remove"}

// deploysOf looks for processes that change the stack now, in a folder like /proc. A script's own children are not
// counted, nor those for another stack or another Docker.
func (f *facts) deploysOf(proc, dockerHost string) {
	found, parents := map[int]string{}, map[int]int{}
	folders, _ := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		if len(args) < 2 || filepath.Base(args[0]) != "bash" || filepath.Base(filepath.Dir(args[1])) != "scripts" ||
			!slices.Contains(changing, filepath.Base(args[1])) || !ofStack(folder, f.stack, dockerHost) {
			continue
		}
		found[pid] = "scripts/" + filepath.Base(args[1]) + strings.TrimRight(" "+strings.Join(args[2:], " "), " ")
		stat, _ := os.ReadFile(filepath.Join(folder, "stat"))
		if fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(fields) > 1 {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	for pid, args := range found {
		if _, child := found[parents[pid]]; !child {
			f.deploys = append(f.deploys, process{pid, args})
		}
	}
	slices.SortFunc(f.deploys, func(a, b process) int { return a.pid - b.pid })
}

// ofStack reports whether a process has this stack and this Docker in its environment, or one that is not to be read.
// One that has ended meanwhile has not.
func ofStack(folder, stack, dockerHost string) bool {
	env, err := os.ReadFile(filepath.Join(folder, "environ"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return false
	}
	if err != nil {
		return true
	}
	itsStack, itsHost := "woody", ""
	for variable := range strings.SplitSeq(string(env), "\x00") {
		switch name, value, _ := strings.Cut(variable, "="); {
		case name == "STACK" && value != "":
			itsStack = value
		case name == "DOCKER_HOST":
			itsHost = value
		}
	}
	return itsStack == stack && itsHost == dockerHost
}
