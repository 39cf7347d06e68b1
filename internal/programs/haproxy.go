package programs

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"

	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// HAProxyConfig is what the proxy stands in front of, and its settings. Addresses are HOST:PORT.
type HAProxyConfig struct {
	// API are the replicas that answer /api/. Without any, those requests get 503.
	API []string
	// Front serves all the rest. Without any: 503.
	Front []string
	// CDN are the edges that serve the host cdn.*. Without any the front serves it.
	CDN []string
	// DNS is a name server that names them instead: its tasks.api, tasks.front and tasks.cdn, each at Port.
	// Default: none, the addresses above are fixed.
	DNS string
	// Port is the port of everything that DNS names.
	Port string

	// Balance is leastconn, roundrobin, source or random. Default: leastconn.
	Balance string
	// Sticky keeps a browser with one replica, by a cookie. Default: false.
	Sticky bool
	// RateLimit is how many requests a client may make in a second. Default: 0, any number.
	RateLimit int
	// TrustedProxies are the networks whose X-Forwarded-For is believed. Default: none.
	TrustedProxies []string
	// JSONLog logs requests as JSON objects. Default: false, they are text.
	JSONLog bool
	// Tracing gives each request a traceparent. Default: false.
	Tracing bool
	// Certificates is the folder in which certificate.pem is, and in which its runtime socket will be: it speaks TLS
	// then, and redirects what comes without. Default: none, it does not.
	Certificates string
	// HTTPSPort is the port that visitors reach it by. Default: where it listens.
	HTTPSPort int
	// HSTS makes browsers remember that. Default: false.
	HSTS bool
	// Addr is where it listens. Default: a free port of the loopback.
	Addr string
	// NoAccessLog leaves out the line for each request, as a benchmark may want. Default: false.
	NoAccessLog bool
}

// HAProxy is a running proxy with the configuration that ships.
type HAProxy struct {
	haproxyProcess
	// URL is the public port.
	URL string
	// TLS is where it speaks TLS, HOST:PORT; empty without Certificates.
	TLS string
	// InnerURL is the port of such a proxy for the containers' network alone: without TLS, and not redirected.
	InnerURL string

	addr string
}

// StartHAProxy starts HAProxy on free ports of the loopback, from the shipped configuration with
// the given addresses in the place of those that Swarm's DNS would answer. It waits until the proxy
// responds; servers that are not up yet are found by its checks. Close ends it.
func StartHAProxy(cfg HAProxyConfig) (*HAProxy, error) {
	// A name that no other proxy on this machine has.
	settings := append(cfg.environment(), "WRITES_BIND=abns@woody-writes-"+rand.Text())
	public, binds := cfg.Addr, map[string]*string{}
	if public == "" {
		binds["HTTP_BIND"] = &public
	} else {
		settings = append(settings, "HTTP_BIND="+public)
	}
	var tls, inner string
	if cfg.Certificates != "" {
		binds["HTTPS_BIND"], binds["INNER_BIND"] = &tls, &inner
	}
	process, err := startHAProxy(cfg.Fill(reverseproxy.Config), settings, binds)
	if err != nil {
		return nil, err
	}
	proxy := &HAProxy{haproxyProcess: process, URL: "http://" + public, TLS: tls, addr: public}
	if inner != "" {
		proxy.InnerURL = "http://" + inner
	}
	return proxy, nil
}

// Addr returns the public port as 127.0.0.1:PORT.
func (h *HAProxy) Addr() string { return h.addr }

var serverTemplate = regexp.MustCompile(
	`(?m)^( *)server-template (\w+) \d+ tasks\.(\w+):8080 resolvers swarm init-addr none(.*)$`)

// Fill returns a configuration of HAProxy with a server line for each address where it has a template of the shipped
// one's, or with another name server.
func (c HAProxyConfig) Fill(configuration string) string {
	if c.DNS != "" {
		return strings.NewReplacer("nameserver docker 127.0.0.11:53", "nameserver docker "+c.DNS,
			":8080 resolvers", ":"+c.Port+" resolvers").Replace(configuration)
	}
	addresses := map[string][]string{"api": c.API, "front": c.Front, "cdn": c.CDN}
	return serverTemplate.ReplaceAllStringFunc(configuration, func(line string) string {
		part := serverTemplate.FindStringSubmatch(line)
		var servers []string
		for i, address := range addresses[part[3]] {
			servers = append(servers, fmt.Sprintf("%sserver %s%d %s%s", part[1], part[2], i+1, address, part[4]))
		}
		return strings.Join(servers, "\n")
	})
}

func (c HAProxyConfig) environment() []string {
	sticky, accessLog, rateLimit, logFormat, tracing, hsts := "off", "on", "", "text", "off", "off"
	if c.HSTS {
		hsts = "on"
	}
	if c.JSONLog {
		logFormat = "json"
	}
	if c.Tracing {
		tracing = "on"
	}
	if c.Sticky {
		sticky = "on"
	}
	if c.NoAccessLog {
		accessLog = "off"
	}
	if c.RateLimit > 0 {
		rateLimit = fmt.Sprint(c.RateLimit)
	}
	settings := []string{
		"BALANCE=" + cmp.Or(c.Balance, "leastconn"), "STICKY=" + sticky, "RATE_LIMIT=" + rateLimit,
		"TRUSTED_PROXIES=" + strings.Join(c.TrustedProxies, " "), "ACCESS_LOG=" + accessLog,
		"LOG_FORMAT=" + logFormat, "TRACING=" + tracing, "CERTIFICATES=" + c.Certificates, "HSTS=" + hsts,
	}
	if c.Certificates == "" {
		settings = append(settings, "HTTPS_BIND=", "INNER_BIND=")
	}
	if c.HTTPSPort > 0 {
		settings = append(settings, fmt.Sprintf("HTTPS_PORT=%d", c.HTTPSPort))
	}
	return settings
}
