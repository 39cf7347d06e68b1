package main

import "strings"

// tenLines is what HAProxy needs to pass requests on.
const tenLines = `defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 65s
frontend public
    bind "${HTTP_BIND}"
    default_backend api
backend api
` + server

// server is where the addresses of the API go.
const server = "    server-template api 50 tasks.api:8080 resolvers swarm init-addr none\n"

// rung is a configuration between the ten lines and the shipped one.
type rung struct{ name, text string }

// ladder returns the ten lines, and then one configuration after the other that has a piece of the shipped one more:
// its settings for all, each paragraph of the public frontend, and each of the API's backend. The last is all of it.
func ladder(shipped string) []rung {
	sections := parse(shipped)
	front, back := sections["frontend public"], sections["backend api"]
	rungs := []rung{{"ten lines", tenLines}}
	add := func(name string, front, back []paragraph) {
		rungs = append(rungs, rung{"+ " + name, assemble(shipped, front, back)})
	}
	add("settings for all: timeouts, refusals", front[:1], nil)
	for i := range front[1:] {
		add(front[i+1].name, front[:i+2], nil)
	}
	for i := range back[:len(back)-1] {
		add(back[i].name, front, back[:i+1])
	}
	return append(rungs, rung{"+ " + back[len(back)-1].name + ": as shipped", shipped})
}

// assemble returns the shipped configuration with these paragraphs alone of the two sections, and what they then lack.
func assemble(shipped string, front, back []paragraph) string {
	text := cut(shipped, func(section string) bool {
		return section == "global" || section == "defaults" || strings.HasPrefix(section, "resolvers ")
	})
	rules := join(front)
	if strings.Contains(rules, "use_backend") {
		text += cut(shipped, func(section string) bool {
			return strings.HasPrefix(section, "backend ") && section != "backend api" ||
				section == "frontend writes_of_the_api"
		})
	} else {
		rules += "    default_backend api\n"
	}
	servers := join(back)
	if !strings.Contains(servers, "server-template") {
		servers += server
	}
	return text + "frontend public\n" + rules + "backend api\n" + servers
}

// paragraph is what stands between two empty lines of a section; its name is the first sentence of its comment.
type paragraph struct{ name, text string }

func join(paragraphs []paragraph) string {
	var text strings.Builder
	for _, p := range paragraphs {
		text.WriteString(p.text)
	}
	return text.String()
}

// cut returns the sections of a configuration that are wanted.
func cut(configuration string, wanted func(section string) bool) string {
	var text strings.Builder
	section := ""
	for line := range strings.Lines(configuration) {
		if line[0] > ' ' && line[0] != '#' {
			section = strings.TrimSpace(line)
		}
		if wanted(section) {
			text.WriteString(line)
		}
	}
	return text.String()
}

// parse returns the paragraphs of each section.
func parse(configuration string) map[string][]paragraph {
	sections := map[string][]paragraph{}
	section, open := "", false
	for line := range strings.Lines(configuration) {
		switch text := strings.TrimSpace(line); {
		case text == "":
			open = false
		case line[0] == '#':
		case line[0] > ' ':
			section, open = text, false
		case !open:
			sections[section] = append(sections[section], paragraph{nameOf(text), line})
			open = true
		default:
			last := &sections[section][len(sections[section])-1]
			last.text += line
		}
	}
	return sections
}

// nameOf returns the first sentence of a comment; anything else as it is.
func nameOf(line string) string {
	comment, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return line
	}
	sentence, _, _ := strings.Cut(comment, ".")
	name, _, _ := strings.Cut(sentence, ":")
	return strings.ToLower(name[:1]) + name[1:]
}
