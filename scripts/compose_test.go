package scripts_test

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

// composed is what a stack file or compose.yaml says of a service, as far as both have it.
type composed struct {
	Image           string
	Command         []string
	Environment     map[string]string
	User            string
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	Healthcheck     map[string]any
	Logging         map[string]any
	StopGracePeriod string `yaml:"stop_grace_period"`
	Networks        names
	Secrets         names
	Volumes         []any
	Ports           []any
	MemLimit        string `yaml:"mem_limit"`
	Deploy          struct {
		Replicas  string
		Resources struct{ Limits struct{ Memory string } }
	}
}

// names are the strings of a list, the sources of its items, or the keys of a map.
type names []string

func (n *names) UnmarshalYAML(read func(any) error) error {
	var list []any
	if read(&list) != nil {
		var of map[string]any
		if err := read(&of); err != nil {
			return err
		}
		*n = slices.Sorted(maps.Keys(of))
		return nil
	}
	for _, item := range list {
		if long, ok := item.(map[any]any); ok {
			item = long["source"]
		}
		*n = append(*n, item.(string))
	}
	slices.Sort(*n)
	return nil
}

func mustReadServices(t *testing.T, file string) map[string]composed {
	t.Helper()
	var found struct{ Services map[string]composed }
	if err := yaml.Unmarshal([]byte(mustRead(t, file)), &found); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return found.Services
}

// mustReadStage returns the services of stage redis, as Docker lays its two files on top of each other.
func mustReadStage(t *testing.T) map[string]composed {
	t.Helper()
	stage, top := mustReadServices(t, "../stack.yml"), mustReadServices(t, "../stack-redis.yml")
	for name, added := range top {
		below, ok := stage[name]
		if !ok {
			stage[name] = added
			continue
		}
		maps.Copy(below.Environment, added.Environment)
		below.Networks = slices.Sorted(slices.Values(append(below.Networks, added.Networks...)))
		below.Secrets = slices.Sorted(slices.Values(append(below.Secrets, added.Secrets...)))
		stage[name] = below
	}
	return stage
}

// handed finds to whom compose.yaml's service passwords hands which: a service, its user and the secrets.
var handed = regexp.MustCompile(`(?m)^ +hand (\S+) (\d+) (.+)$`)

// asOnSwarm returns compose.yaml's services as a stack file would have them.
func asOnSwarm(t *testing.T) map[string]composed {
	t.Helper()
	services := mustReadServices(t, "../compose.yaml")
	delete(services, "passwords")
	for _, row := range handed.FindAllStringSubmatch(mustRead(t, "../compose.yaml"), -1) {
		service := services[row[1]]
		service.Secrets = slices.Sorted(strings.FieldsSeq(row[3]))
		if want := row[2] + ":" + row[2]; service.User != want {
			t.Errorf("passwords hands %s's to the user %s, and that is %s", row[1], row[2], service.User)
		}
		volume := any(row[1] + "-passwords:/run/secrets:ro")
		if !slices.Contains(service.Volumes, volume) {
			t.Errorf("%s does not have %s", row[1], volume)
		}
		service.Volumes = slices.DeleteFunc(service.Volumes, func(v any) bool { return v == volume })
		services[row[1]] = service
	}
	for name, service := range services {
		service.Deploy.Resources.Limits.Memory, service.MemLimit = service.MemLimit, ""
		services[name] = service
	}
	return services
}

// TestComposeIsTheStack compares compose.yaml with stage redis: the same services with the same images, settings,
// users, secrets, volumes and limits, but for what only Swarm has.
func TestComposeIsTheStack(t *testing.T) {
	compose, stack := asOnSwarm(t), mustReadStage(t)
	if got, want := slices.Sorted(maps.Keys(compose)), slices.Sorted(maps.Keys(stack)); !slices.Equal(got, want) {
		t.Fatalf("compose.yaml has the services %v, stage redis %v", got, want)
	}
	for name, want := range stack {
		got := compose[name]
		delete(want.Environment, "WOODY_REPLICA_ID") // the task's name there, the container's here
		if want.Deploy.Replicas == "1" {
			want.Deploy.Replicas = "" // one is Compose's default
		}
		if len(want.Ports) > 0 {
			want.Ports = []any{portOf(t, want.Ports[0])}
		}
		if len(got.Volumes) == 0 && len(want.Volumes) == 0 {
			got.Volumes, want.Volumes = nil, nil
		}
		fields := reflect.TypeFor[composed]()
		for i := range fields.NumField() {
			got, want := reflect.ValueOf(got).Field(i).Interface(), reflect.ValueOf(want).Field(i).Interface()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: compose.yaml has\n%v\nthe stack\n%v", name, fields.Field(i).Name, got, want)
			}
		}
	}
}

// portOf returns a published port as Compose writes it.
func portOf(t *testing.T, long any) string {
	t.Helper()
	port, ok := long.(map[any]any)
	target, isNumber := port["target"].(int)
	if !ok || target != 8080 || !isNumber {
		t.Fatalf("a port is %v", long)
	}
	return port["published"].(string) + ":8080"
}

// TestTheProxyFindsThemInCompose checks that each name by which the proxy's configuration looks for tasks is one in
// compose.yaml, where there is such a service.
func TestTheProxyFindsThemInCompose(t *testing.T) {
	services := mustReadServices(t, "../compose.yaml")
	text := mustRead(t, "../compose.yaml")
	proxy := mustRead(t, "../reverse-proxy/haproxy.cfg")
	looked := regexp.MustCompile(`\btasks\.(\w+):`).FindAllStringSubmatch(proxy, -1)
	if len(looked) == 0 {
		t.Fatal("the proxy looks for no tasks")
	}
	for _, found := range looked {
		if _, ok := services[found[1]]; ok && !strings.Contains(text, "aliases: [tasks."+found[1]+"]") {
			t.Errorf("the proxy does not find %s in compose.yaml by the name tasks.%[1]s", found[1])
		}
	}
}
