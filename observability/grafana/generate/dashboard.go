package main

// dashboard is a page of rows of panels.
type dashboard struct {
	uid, title, what string
	rows             []row
}

// row has a title, and panels that stand beside each other until the page's 24 columns are full.
type row struct {
	title  string
	panels []panel
}

// panel shows a few queries of one unit.
type panel struct {
	title string
	// what is shown, and what to do when it is red.
	what, red string
	// unit is one of Grafana's units: packages/grafana-data/src/valueFormats/categories.ts there lists them.
	unit string
	// limit is where red begins: at that value and above, or below it where it is a least one.
	limit float64
	least bool
	// figure shows the last value in large, in place of a chart.
	figure bool
	// stacked stacks the lines of a chart.
	stacked bool
	width   int
	queries []query
}

// query is PromQL, and what its series are called: a text, with {{label}} in it.
type query struct{ expr, legend string }

// beside is the legend of what stands in a panel for comparison, and is never red.
const beside = "answers checked"

const (
	pageWidth   = 24
	chartHeight = 8
	figureSize  = 4
)

// source is what provisioning/datasources calls Prometheus.
var source = object{"type": "prometheus", "uid": "prometheus"}

type object = map[string]any

// grafana returns a dashboard as Grafana has it.
func (d dashboard) grafana() object {
	return object{
		"uid": d.uid, "title": d.title, "description": d.what, "tags": []string{"woodytoys"},
		"schemaVersion": 39, "version": 1, "editable": false, "graphTooltip": 1, "timezone": "browser",
		"refresh": "10s", "time": object{"from": "now-1h", "to": "now"},
		"templating":  object{"list": []object{}},
		"annotations": object{"list": []object{starts(), firing()}},
		"links": []object{{
			"type": "dashboards", "title": "The other dashboards", "tags": []string{"woodytoys"}, "keepTime": true,
			"asDropdown": false, "includeVars": false, "targetBlank": false,
		}},
		"panels": d.panels(),
	}
}

// starts marks when a replica began: a deploy is a mark for each.
func starts() object {
	return object{
		"name": "A replica begins", "enable": true, "iconColor": "blue", "datasource": source,
		"expr":            `process_start_time_seconds{job="api"} * 1000`,
		"useValueForTime": "on", "titleFormat": "A replica begins", "textFormat": "{{instance}}", "step": "10s",
	}
}

// firing marks how long alerts fired.
func firing() object {
	return object{
		"name": "Alerts", "enable": true, "iconColor": "red", "datasource": source,
		"expr":        `ALERTS{alertstate="firing"}`,
		"titleFormat": "{{alertname}}", "textFormat": "{{job}} {{instance}}", "step": "10s",
	}
}

// panels returns the panels of all rows, each where it belongs.
func (d dashboard) panels() (all []object) {
	y := 0
	add := func(p object, x, width, height int) {
		p["id"] = len(all) + 1
		p["gridPos"] = object{"x": x, "y": y, "w": width, "h": height}
		all = append(all, p)
	}
	for _, r := range d.rows {
		add(object{"type": "row", "title": r.title, "collapsed": false, "panels": []object{}}, 0, pageWidth, 1)
		y++
		x, height := 0, 0
		for _, p := range r.panels {
			if x+p.width > pageWidth {
				x, y = 0, y+height
			}
			height = chartHeight
			if p.figure {
				height = figureSize
			}
			add(p.grafana(), x, p.width, height)
			x += p.width
		}
		y += height
	}
	return all
}

// grafana returns a panel as Grafana has it, but for its place.
func (p panel) grafana() object {
	kind, options := "timeseries", object{
		"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true},
		"tooltip": object{"mode": "multi", "sort": "desc"},
	}
	custom := object{
		"fillOpacity": 8, "lineWidth": 1, "showPoints": "never", "thresholdsStyle": object{"mode": "dashed"},
	}
	if p.stacked {
		custom["fillOpacity"], custom["stacking"] = 40, object{"mode": "normal", "group": "A"}
	}
	if p.figure {
		kind, custom, options = "stat", nil, object{
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
			"colorMode":     "background", "graphMode": "area", "textMode": "auto", "justifyMode": "auto",
			"orientation": "auto",
		}
	}
	defaults := object{"unit": p.unit, "thresholds": p.thresholds()}
	if custom != nil {
		defaults["custom"], defaults["min"] = custom, 0
	}
	return object{
		"type": kind, "title": p.title, "description": p.what + "\n\nRed: " + p.red, "datasource": source,
		"fieldConfig": object{"defaults": defaults, "overrides": p.overrides()},
		"options":     options, "targets": p.targets(),
	}
}

func (p panel) thresholds() object {
	below, above := "green", "red"
	if p.least {
		below, above = above, below
	}
	return object{"mode": "absolute", "steps": []object{
		{"color": below, "value": nil}, {"color": above, "value": p.limit},
	}}
}

func (p panel) overrides() []object {
	all := []object{}
	for _, q := range p.queries {
		if q.legend == beside {
			color := object{"mode": "fixed", "fixedColor": "blue"}
			all = append(all, object{
				"matcher":    object{"id": "byName", "options": beside},
				"properties": []object{{"id": "color", "value": color}},
			})
		}
	}
	return all
}

func (p panel) targets() (all []object) {
	for i, q := range p.queries {
		all = append(all, object{
			"refId": string(rune('A' + i)), "datasource": source, "expr": q.expr, "legendFormat": q.legend,
			// A figure over the whole time shown is asked for once.
			"instant": p.figure, "range": !p.figure, "editorMode": "code",
		})
	}
	return all
}

// figure returns a panel that is one large value.
func figure(width int, title, unit string, queries ...query) panel {
	return panel{title: title, unit: unit, figure: true, width: width, queries: queries}
}

// chart returns a panel of lines.
func chart(width int, title, unit string, queries ...query) panel {
	return panel{title: title, unit: unit, width: width, queries: queries}
}

// shows says what a panel shows.
func (p panel) shows(what string) panel { p.what = what; return p }

// redFrom says from which value on a panel is red, and what to do then.
func (p panel) redFrom(limit float64, do string) panel { p.limit, p.red = limit, do; return p }

// redBelow says below which value a panel is red, and what to do then.
func (p panel) redBelow(limit float64, do string) panel { p.least = true; return p.redFrom(limit, do) }

// stack stacks a panel's lines.
func (p panel) stack() panel { p.stacked = true; return p }
