package raw

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/woodytoys/woodytoys/internal/serving"
)

const (
	runFile          = "run.json"
	measurementsFile = "measurements.jsonl"
	samplesDir       = "samples"
	// fewSamples is how many samples stay in their measurement's line.
	fewSamples = 64
)

// ResultsFile is what is made of a run, which may be all that was kept of it.
const ResultsFile = "results.json"

// Folder is a run's folder, being written; from several goroutines, if need be.
type Folder struct {
	Path string
	file *os.File

	mu     sync.Mutex
	seq    int
	failed error // why a measurement could not be kept; then none is kept after it
}

// Create makes the folder of a new run. One that holds a run already is refused, also one that has just begun.
func Create(path string) (*Folder, error) {
	holds := fmt.Errorf("%s holds a run already: name another folder, or remove it", path)
	for _, file := range []string{runFile, ResultsFile} {
		if _, err := os.Stat(filepath.Join(path, file)); err == nil {
			return nil, holds
		}
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	switch err := os.Mkdir(filepath.Join(path, samplesDir), 0o755); {
	case errors.Is(err, os.ErrExist):
		return nil, holds
	case err != nil:
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(path, measurementsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &Folder{Path: path, file: file}, nil
}

// Describe writes what is run, or writes it anew: when it has ended, for one.
func (f *Folder) Describe(run Run) error {
	run.Format, run.Version = format, Version
	text, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return err
	}
	return explain(f.Path, serving.ReplaceFile(filepath.Join(f.Path, runFile), append(text, '\n')))
}

// Keep writes a measurement down. After one that could not be written it refuses all.
func (f *Folder) Keep(m Measurement) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil {
		f.failed = f.keep(m)
	}
	return f.failed
}

func (f *Folder) keep(m Measurement) error {
	f.seq++
	m.Seq = f.seq
	name := fmt.Sprintf("%s/%04d-%s-%s", samplesDir, m.Seq, m.Stage, m.Name)
	if len(m.Hey) > 0 {
		m.HeyFile = name + ".hey.txt"
		if err := os.WriteFile(filepath.Join(f.Path, m.HeyFile), m.Hey, 0o644); err != nil {
			return explain(f.Path, err)
		}
	}
	if len(m.Samples) > fewSamples {
		m.SamplesFile = name + ".csv.gz"
		if err := writeSamples(filepath.Join(f.Path, m.SamplesFile), m.Samples); err != nil {
			return explain(f.Path, err)
		}
		m.Samples = nil
	}
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	before, err := f.file.Stat()
	if err != nil {
		return err
	}
	if _, err = f.file.Write(append(line, '\n')); err != nil {
		// Half a line is left out by who reads only where it is the last. If it cannot be cut off, it is that.
		_ = f.file.Truncate(before.Size())
	}
	return explain(f.Path, err)
}

// Close ends the writing.
func (f *Folder) Close() error { return f.file.Close() }

// explain adds what to do to the error of a full disk.
func explain(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf(
			"the disk that holds %s is full: free some of it, or name a folder elsewhere with --out (%w)", path, err)
	}
	return err
}

// Has reports whether a folder holds a run's raw material.
func Has(path string) bool {
	_, err := os.Stat(filepath.Join(path, measurementsFile))
	return err == nil
}

// Read reads what a run wrote, all samples included. A last line that was cut off, as a full disk or a
// killed run leaves it, is left out.
func Read(path string) (run Run, measurements []Measurement, err error) {
	text, err := os.ReadFile(filepath.Join(path, runFile))
	if err != nil {
		return run, nil, fmt.Errorf("not a run's folder: %w", err)
	}
	if err := json.Unmarshal(text, &run); err != nil {
		return run, nil, fmt.Errorf("%s: %w", filepath.Join(path, runFile), err)
	}
	if run.Format != format || run.Version != Version {
		return run, nil, fmt.Errorf("%s is %q version %d; this program reads %q version %d",
			runFile, run.Format, run.Version, format, Version)
	}
	lines, err := os.ReadFile(filepath.Join(path, measurementsFile))
	if err != nil {
		return run, nil, err
	}
	complete := lines[:bytes.LastIndexByte(lines, '\n')+1]
	scanner := bufio.NewScanner(bytes.NewReader(complete))
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var m Measurement
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			return run, nil, fmt.Errorf("%s, line %d: %w", measurementsFile, len(measurements)+1, err)
		}
		if m.SamplesFile != "" {
			if m.Samples, err = readSamples(filepath.Join(path, filepath.FromSlash(m.SamplesFile))); err != nil {
				return run, nil, err
			}
		}
		if m.HeyFile != "" {
			if m.Hey, err = os.ReadFile(filepath.Join(path, filepath.FromSlash(m.HeyFile))); err != nil {
				return run, nil, err
			}
		}
		measurements = append(measurements, m)
	}
	return run, measurements, scanner.Err()
}
