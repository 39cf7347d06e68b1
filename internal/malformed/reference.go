package malformed

import (
	"regexp"
	"strconv"
	"strings"
)

// The grammar of RFC 9112 as far as servers here take it, as patterns over whole requests. It is written apart from
// package framing, which reads bytes as they come, so that tests can compare the two. Bytes are runes
// here.
const (
	tokenPattern = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
	valuePattern = `[\t\x20-\x7e\x{80}-\x{ff}]*`
)

var (
	headPattern = regexp.MustCompile(`^(?:\r\n)?(` + tokenPattern + `) [\x21-\x7e\x{80}-\x{ff}]+ HTTP/1\.([01])\r\n` +
		`((?:` + tokenPattern + `:` + valuePattern + `\r\n)*)\r\n`)
	hostPattern   = regexp.MustCompile(`^[\-._~%!$&'()*+,;=:\[\]0-9A-Za-z]*$`)
	lengthPattern = regexp.MustCompile(`^[0-9]{1,18}$`)
	chunkPattern  = regexp.MustCompile(`^([0-9A-Fa-f]{1,8})(?:;` + valuePattern + `)?\r\n`)
)

// Methods returns the methods of the well-formed requests that bytes begin with, and whether there is more behind them:
// a request that is malformed, or not whole.
func Methods(bytes string) (methods []string, more bool) {
	rest := latin1(bytes)
	for rest != "" && rest != "\r\n" {
		method, size, ok := first(rest)
		if !ok {
			return methods, true
		}
		methods = append(methods, method)
		rest = rest[size:]
	}
	return methods, false
}

// latin1 makes a rune of each byte.
func latin1(bytes string) string {
	var runes strings.Builder
	for i := range len(bytes) {
		runes.WriteRune(rune(bytes[i]))
	}
	return runes.String()
}

// first returns the method and the size of the request that text begins with.
func first(text string) (method string, size int, ok bool) {
	head := headPattern.FindStringSubmatch(text)
	if head == nil {
		return "", 0, false
	}
	fields := map[string][]string{}
	for line := range strings.Lines(head[3]) {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.Trim(value, " \t\r\n"))
	}
	hosts, lengths, codings := fields["host"], fields["content-length"], fields["transfer-encoding"]
	switch {
	case len(hosts) > 1, len(hosts) == 0 && head[2] == "1", len(hosts) == 1 && !hostPattern.MatchString(hosts[0]),
		len(lengths)+len(codings) > 1, fields["content-encoding"] != nil,
		len(lengths) == 1 && !lengthPattern.MatchString(lengths[0]),
		len(codings) == 1 && (strings.ToLower(codings[0]) != "chunked" || head[2] == "0"):
		return "", 0, false
	}
	body := text[len(head[0]):]
	switch {
	case len(codings) == 1:
		size, ok = chunkedSize(body)
	case len(lengths) == 1:
		length, _ := strconv.Atoi(lengths[0])
		size, ok = runes(body, length)
	default:
		ok = true
	}
	return head[1], len(head[0]) + size, ok
}

// chunkedSize returns how much of text is a body in chunks.
func chunkedSize(text string) (size int, ok bool) {
	for {
		line := chunkPattern.FindStringSubmatch(text[size:])
		if line == nil || len(line[0]) > 1<<10 {
			return 0, false
		}
		length, _ := strconv.ParseInt(line[1], 16, 64)
		size += len(line[0])
		n, ok := runes(text[size:], int(length))
		if size += n; !ok || !strings.HasPrefix(text[size:], "\r\n") {
			return 0, false
		}
		size += len("\r\n")
		if length == 0 {
			return size, true
		}
	}
}

// runes returns the size of the first n runes of text.
func runes(text string, n int) (size int, ok bool) {
	for i := range text {
		if n == 0 {
			return i, true
		}
		n--
	}
	return len(text), n == 0
}
