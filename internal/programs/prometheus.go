package programs

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	tasksByDNS     = regexp.MustCompile(`dns_sd_configs: \[\{names: \[([^]]+)\][^]]*\]`)
	ownPrometheus  = `static_configs: [{targets: ["127.0.0.1:9090"]}]`
	prometheusName = "prometheus"
)

// FillPrometheus returns a configuration of Prometheus, the one that ships, with addresses in the place of those that
// Swarm's DNS would answer for a service, each HOST:PORT; those of prometheus are its own. A service without any has no
// targets. It is an error when there are addresses of a service that the configuration does not look for.
func FillPrometheus(configuration string, addresses map[string][]string) (string, error) {
	seen := map[string]bool{prometheusName: strings.Contains(configuration, ownPrometheus)}
	filled := tasksByDNS.ReplaceAllStringFunc(configuration, func(line string) string {
		var targets []string
		for name := range strings.SplitSeq(tasksByDNS.FindStringSubmatch(line)[1], ", ") {
			service := strings.TrimPrefix(name, "tasks.")
			seen[service] = true
			targets = append(targets, addresses[service]...)
		}
		return staticTargets(targets)
	})
	for service := range addresses {
		if !seen[service] {
			return "", fmt.Errorf("the configuration of Prometheus does not look for %s", service)
		}
	}
	return strings.Replace(filled, ownPrometheus, staticTargets(addresses[prometheusName]), 1), nil
}

var intervals = regexp.MustCompile(`(?m)^( +(?:scrape|evaluation)_interval|  scrape_timeout): \d+s$`)

// HurryPrometheus returns a configuration of Prometheus with a second between two scrapes and two evaluations.
func HurryPrometheus(configuration string) string {
	return intervals.ReplaceAllString(configuration, "$1: 1s")
}

func staticTargets(addresses []string) string {
	return fmt.Sprintf("static_configs: [{targets: [%s]}]", strings.Join(addresses, ", "))
}
