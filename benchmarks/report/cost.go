package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
)

// partNames are the components in the order in which a request meets them.
var partNames = []string{"proxy", "edge", "front", "api", "redis", "database-proxy", "database",
	"database2", "database3", "generator"}

// layerNames are the layers in the order in which a read meets them.
var layerNames = []string{"near", "redis", "origin", "bypass", "write"}

func (b *builder) spent() (plots []plot, parts, layers []key) {
	usedParts, usedLayers := map[string]bool{}, map[string]bool{}
	var cpus, hits []stack
	for _, stage := range b.stages {
		cpu := stack{name: stage, total: span(b.cpu(stage)) + " for 1,000, without the generator"}
		for _, part := range partNames {
			key := figures.CPUGroup.Of(part)
			if part == "generator" {
				key = figures.Generator
			}
			if f, ok := b.r.Get(stage, key); ok && f.Mean > 0 {
				cpu.pieces = append(cpu.pieces,
					piece{"p-" + part, fmt.Sprintf("%s: %s for 1,000 requests", part, span(f.Mean)), f.Mean})
				usedParts[part] = true
			}
		}
		if len(cpu.pieces) > 0 {
			cpus = append(cpus, cpu)
		}
		hit := stack{name: stage}
		if q, ok := b.r.Get(stage, figures.Queries); ok {
			hit.total = figures.Round(q.Mean) + " database queries for 1,000"
		}
		for _, layer := range layerNames {
			if f, ok := b.r.Get(stage, figures.LayerGroup.Of(layer)); ok && f.Mean > 0 {
				hit.pieces = append(hit.pieces,
					piece{"l-" + layer, fmt.Sprintf("%s: %s%%", layer, figures.Round(f.Mean)), f.Mean})
				usedLayers[layer] = true
			}
		}
		if len(hit.pieces) > 0 {
			hits = append(hits, hit)
		}
	}
	for _, part := range partNames {
		if usedParts[part] {
			parts = append(parts, key{"p-" + part, part})
		}
	}
	for _, layer := range layerNames {
		if usedLayers[layer] {
			layers = append(layers, key{"l-" + layer, layerWords[layer]})
		}
	}
	if picture := stacks("Processor time for 1,000 requests by component", cpus); picture != "" {
		plots = append(plots, plot{"Processor time for 1,000 requests", picture})
	}
	if picture := stacks("Which layer answered, by stage", hits); picture != "" {
		plots = append(plots, plot{"Who answered", picture})
	}
	return plots, parts, layers
}

var layerWords = map[string]string{
	"near": "near cache", "redis": "Redis", "origin": "database, then kept", "bypass": "database, no cache",
	"write": "writes",
}

// costTable returns the table of memory, and of what else requests cost.
func (b *builder) costTable() (t table) {
	t.Head = append([]string{""}, b.stages...)
	line := func(title string, key figures.Key) {
		cells := []string{title}
		for _, stage := range b.stages {
			cells = append(cells, b.cell(stage, key))
		}
		if slices.ContainsFunc(cells[1:], func(c string) bool { return c != none }) {
			t.add(cells...)
		}
	}
	for _, part := range partNames {
		line("memory: "+part, figures.MemoryGroup.Of(part))
	}
	line("database queries for 1,000", figures.Queries)
	line("processor time that went into making the load", figures.GeneratorShare)
	line("the page, before anything of it was in a cache", figures.PageFirst)
	line("the page: bytes from the origin", figures.PageFromOrigin)
	line("the page: bytes from the edge", figures.PageFromEdge)
	var spread []string
	for _, stage := range b.stages {
		var parts []string
		for _, f := range b.r.Figures {
			if _, has := figures.ReplicaGroup.Has(f.Name); has && f.Stage == stage {
				parts = append(parts, fmt.Sprintf("%.0f%%", f.Mean))
			}
		}
		if len(parts) == 0 {
			parts = []string{none}
		}
		spread = append(spread, strings.Join(parts, ", "))
	}
	if slices.ContainsFunc(spread, func(s string) bool { return s != none }) {
		t.add(append([]string{"requests per replica"}, spread...)...)
	}
	if len(t.Rows) == 0 {
		return table{}
	}
	return t
}
