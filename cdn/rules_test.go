package cdn_test

import (
	"net/http"
	"time"
)

// The rules of RFC 9111 (caching), RFC 9110 (conditions and ranges), RFC 5861 (stale answers) and RFC 9211
// (Cache-Status), and a few of our own. What is wanted fresh is fresh for a minute, and what is wanted stale is waited
// for: no rule depends on how fast the machine is.

const (
	hit  = "~edge; hit"
	miss = "~edge; fwd=uri-miss"

	aSecond  = 1200 * time.Millisecond // until max-age=1 is over for certain
	twoOfThe = 2300 * time.Millisecond // until max-age=1 and one second of something else are
	late     = 5 * time.Second         // until a second is over from when the edge has heard of a failure

	monday  = "Mon, 02 Nov 2026 10:00:00 GMT"
	tuesday = "Tue, 03 Nov 2026 10:00:00 GMT"
	longAgo = "Thu, 01 Jan 2015 00:00:00 GMT"
	farOff  = "Fri, 01 Jan 2100 00:00:00 GMT"
)

// zipped is "" in gzip's form: varnishd checks that a response in that form is one.
const zipped = "\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"

// says returns a response of the origin.
func says(body string, header ...string) *reply { return &reply{body: body, header: header} }

// fails returns an error response of the origin.
func fails(status int, header ...string) *reply {
	return &reply{status: status, body: "sorry", header: header}
}

// cacheable returns a rule that the response is cached: the second request is a hit.
func cacheable(name string, origin *reply) rule {
	return rule{name, []step{
		{origin: origin, status: origin.status, body: origin.body, want: []string{"Cache-Status", miss}},
		{status: origin.status, body: origin.body, want: []string{"Cache-Status", hit}},
	}}
}

// uncacheable returns a rule that the response is not cached: the second request goes to the origin.
func uncacheable(name string, origin *reply) rule {
	return rule{name, []step{
		{origin: origin, status: origin.status, body: origin.body, want: []string{"Cache-Status", "!stored"}},
		{origin: origin, status: origin.status, body: origin.body, want: []string{"Cache-Status", "!hit"}},
	}}
}

// cacheableASecond returns a rule that the response is stored, and is not a hit any more after a second.
func cacheableASecond(name string, header ...string) rule {
	return rule{name, []step{
		{origin: says("v1", header...), body: "v1", want: []string{"Cache-Status", "~stored"}},
		{after: aSecond, origin: says("v2", header...), body: "v2", want: []string{"Cache-Status", "!hit"}},
	}}
}

var freshness = []rule{
	cacheable("9111 5.2.2.1: max-age", says("v1", "Cache-Control", "max-age=60")),
	cacheable("9111 5.2.2.10: s-maxage comes before max-age", says("v1", "Cache-Control", "max-age=0, s-maxage=60")),
	cacheable("9111 5.3: Expires", says("v1", "Expires", farOff)),
	cacheable("9111 5.3: max-age comes before Expires", says("v1", "Cache-Control", "max-age=60", "Expires", longAgo)),
	cacheable("9111 5.2: a directive's case means nothing", says("v1", "Cache-Control", "Public, MAX-AGE=60")),
	cacheable("9111 5.2.3: an unknown directive means nothing", says("v1", "Cache-Control",
		"max-age=60, toys=\"wood\"")),
	cacheable("9111 5.2.2.9: public changes nothing here", says("v1", "Cache-Control", "public, max-age=60")),
	cacheable("8246: immutable changes nothing for us", says("v1", "Cache-Control", "max-age=31536000, immutable")),
	cacheableASecond("9111 4.2: max-age goes by", "Cache-Control", "max-age=1"),
	cacheableASecond("9111 5.2.2.10: s-maxage goes by before max-age", "Cache-Control", "max-age=60, s-maxage=1"),
	cacheableASecond("9111 4.2.3: the time before us counts", "Cache-Control", "max-age=60", "Age", "59"),
	uncacheable("9111 5.2.2.1: max-age=0", says("v1", "Cache-Control", "max-age=0")),
	uncacheable("9111 5.3: Expires in the past", says("v1", "Expires", longAgo)),
	uncacheable("9111 5.3: Expires that is no date", says("v1", "Expires", "0")),
	uncacheable("9111 4.2.3: older than its max-age on arrival", says("v1", "Cache-Control", "max-age=60", "Age",
		"61")),
	uncacheable("9111 4.2.1: max-age that is no number", says("v1", "Cache-Control", "max-age=soon")),
	uncacheable("9111 4.2.2: nothing said, nothing guessed", says("v1", "Last-Modified", longAgo)),
	{"9111 5.1: Age begins at nought", []step{
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1", want: []string{"Age", "<30"}},
	}},
	{"9111 5.1: Age grows", []step{
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1"},
		{after: aSecond, body: "v1", want: []string{"Age", ">1"}},
	}},
	{"9111 4.2.3: Age goes on from what it was", []step{
		{origin: says("v1", "Cache-Control", "max-age=60", "Age", "30"), body: "v1", want: []string{"Age", ">30"}},
		{after: aSecond, body: "v1", want: []string{"Age", ">31"}},
	}},
	{"9111 4.3.4: Age begins again with a 304", []step{
		{origin: says("v1", "Cache-Control", "max-age=60", "Age", "59", "ETag", `"1"`), body: "v1"},
		{after: aSecond, origin: &reply{status: 304, header: []string{"Cache-Control", "max-age=60", "ETag", `"1"`}},
			body: "v1", want: []string{"Age", "<30"}},
		{body: "v1", want: []string{"Age", "<30", "Cache-Status", hit}},
	}},
}

var storing = []rule{
	uncacheable("9111 5.2.2.5: no-store", says("v1", "Cache-Control", "no-store, max-age=60")),
	uncacheable("9111 5.2.2.7: private", says("v1", "Cache-Control", "private, max-age=60")),
	uncacheable("9111 5.2.2.7: private with a field name (stricter)",
		says("v1", "Cache-Control", `private="x-toy", max-age=60`)),
	uncacheable("9111 5.2.2.4: no-cache", says("v1", "Cache-Control", "no-cache, max-age=60", "ETag", `"1"`)),
	uncacheable("9110 5.3: two Cache-Control lines are one",
		says("v1", "Cache-Control", "max-age=60", "Cache-Control", "no-store")),
	uncacheable("9111 7.3: Set-Cookie (stricter)", says("v1", "Cache-Control", "max-age=60", "Set-Cookie", "a=b")),
	uncacheable("9111 4.2.2: 404 of which nothing is said", fails(404)),
	uncacheable("9111 4.2.2: 302 of which nothing is said", fails(302, "Location", "/")),
	cacheable("9111 3: 404 with max-age", fails(404, "Cache-Control", "max-age=60")),
	cacheable("9111 3: 410 with max-age", fails(410, "Cache-Control", "max-age=60")),
	cacheable("9111 3: 301 with max-age", fails(301, "Cache-Control", "max-age=60", "Location", "/assets/new.1.txt")),
	cacheable("9111 3: 302 with max-age", fails(302, "Cache-Control", "max-age=60", "Location", "/assets/new.1.txt")),
	cacheable("9111 3: 204 with max-age", &reply{status: 204, header: []string{"Cache-Control", "max-age=60"}}),
	uncacheable("9111 3: a status that we do not know, with max-age (stricter)", fails(299, "Cache-Control",
		"max-age=60")),
	uncacheable("9111 3: 500 with max-age (stricter)", fails(500, "Cache-Control", "max-age=60")),
	uncacheable("9111 3: 403 with max-age (stricter)", fails(403, "Cache-Control", "max-age=60")),
	{"9111 3.5: an answer to Authorization is for the one who asked", []step{
		{send: []string{"Authorization", "Basic YTpi"},
			origin: says("mine", "Cache-Control", "max-age=60"), body: "mine",
			sees: []string{"Authorization", "Basic YTpi"}, want: []string{"Cache-Status", "edge; fwd=bypass"}},
		{origin: says("all", "Cache-Control", "max-age=60"), body: "all", want: []string{"Cache-Status", miss}},
		{send: []string{"Authorization", "Basic YTpi"}, origin: says("mine", "Cache-Control", "max-age=60"),
			body: "mine"},
	}},
	{"9111 3.3: half an answer is not kept", []step{
		{origin: &reply{body: "v", cut: true, header: []string{"Cache-Control", "max-age=60"}}, many: true,
			status: 503, body: "The origin does not answer; try again soon.\n", want: []string{"Retry-After", "1"}},
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1"},
		{body: "v1", want: []string{"Cache-Status", hit}},
	}},
	{"9111 4: HEAD is answered from what GET brought", []step{
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1"},
		{method: http.MethodHead, want: []string{"Content-Length", "2", "Cache-Status", hit}},
	}},
	{"9111 4: HEAD brings what GET needs", []step{
		{method: http.MethodHead, origin: says("v1", "Cache-Control", "max-age=60"),
			sees: []string{"Method", "GET"}, want: []string{"Content-Length", "2"}},
		{body: "v1", want: []string{"Cache-Status", hit}},
	}},
	{"9111 5.2.2: what was not to be kept may be the next time", []step{
		{origin: says("v1", "Cache-Control", "no-store"), body: "v1"},
		{origin: says("v2", "Cache-Control", "max-age=60"), body: "v2"},
		{body: "v2", want: []string{"Cache-Status", hit}},
	}},
}

var varying = []rule{
	{"9111 4.1: each variant by itself", []step{
		{send: []string{"Accept-Language", "fr"},
			origin: says("jouet", "Cache-Control", "max-age=60", "Vary", "Accept-Language"), body: "jouet"},
		{send: []string{"Accept-Language", "en"},
			origin: says("toy", "Cache-Control", "max-age=60", "Vary", "Accept-Language"), body: "toy"},
		{send: []string{"Accept-Language", "fr"}, body: "jouet",
			want: []string{"Vary", "Accept-Language", "Cache-Status", hit}},
		{send: []string{"Accept-Language", "en"}, body: "toy", want: []string{"Cache-Status", hit}},
	}},
	{"9111 4.1: none sent is another than one sent", []step{
		{origin: says("toy", "Cache-Control", "max-age=60", "Vary", "Accept-Language"), body: "toy"},
		{send: []string{"Accept-Language", "fr"},
			origin: says("jouet", "Cache-Control", "max-age=60", "Vary", "Accept-Language"), body: "jouet"},
		{body: "toy", want: []string{"Cache-Status", hit}},
	}},
	{"9111 4.1: all of several fields", []step{
		{send: []string{"X-A", "1", "X-B", "1"},
			origin: says("11", "Cache-Control", "max-age=60", "Vary", "X-A, X-B"), body: "11"},
		{send: []string{"X-A", "1", "X-B", "2"},
			origin: says("12", "Cache-Control", "max-age=60", "Vary", "X-A, X-B"), body: "12"},
		{send: []string{"X-B", "1", "X-A", "1"}, body: "11", want: []string{"Cache-Status", hit}},
	}},
	{"9110 5.3: two Vary lines are one", []step{
		{send: []string{"X-B", "1"},
			origin: says("1", "Cache-Control", "max-age=60", "Vary", "X-A", "Vary", "X-B"), body: "1"},
		{send: []string{"X-B", "2"},
			origin: says("2", "Cache-Control", "max-age=60", "Vary", "X-A", "Vary", "X-B"), body: "2"},
	}},
	{"9111 4.1: what Vary does not name makes no difference", []step{
		{send: []string{"X-C", "1"}, origin: says("1", "Cache-Control", "max-age=60", "Vary", "X-A"), body: "1"},
		{send: []string{"X-C", "2"}, body: "1", want: []string{"Cache-Status", hit}},
	}},
	uncacheable("9111 4.1: Vary: *", says("v1", "Cache-Control", "max-age=60", "Vary", "*")),
	uncacheable("9111 4.1: Vary: * among others", says("v1", "Cache-Control", "max-age=60", "Vary",
		"Accept-Encoding, *")),
	{"9110 12.5.3: a coding for those who take it, one copy for every order of words", []step{
		{send: []string{"Accept-Encoding", "gzip, deflate, br, zstd"}, sees: []string{"Accept-Encoding", "br"},
			origin: says("b", "Cache-Control", "max-age=60", "Vary", "Accept-Encoding", "Content-Encoding",
				"br"), body: "b"},
		{send: []string{"Accept-Encoding", "br;q=0.5, *;q=0.1"}, body: "b",
			want: []string{"Content-Encoding", "br", "Cache-Status", hit}},
		{send: []string{"Accept-Encoding", "gzip, br;q=0"}, sees: []string{"Accept-Encoding", "gzip"},
			origin: says(zipped, "Cache-Control", "max-age=60", "Vary", "Accept-Encoding", "Content-Encoding", "gzip"),
			body:   zipped},
		{send: []string{"Accept-Encoding", "deflate"}, sees: []string{"Accept-Encoding", ""},
			origin: says("p", "Cache-Control", "max-age=60", "Vary", "Accept-Encoding"), body: "p"},
		{body: "p", want: []string{"Content-Encoding", "", "Cache-Status", hit}},
		{send: []string{"Accept-Encoding", "GZIP"}, body: zipped, want: []string{"Cache-Status", hit}},
	}},
}

// tagged returns a response that is fresh for a minute, oldTagged one for a second; both have both validators.
func tagged(body, tag string) *reply {
	return says(body, "Cache-Control", "max-age=60", "ETag", tag, "Last-Modified", monday)
}

func oldTagged(body string, validators ...string) *reply {
	return says(body, append(validators, "Cache-Control", "max-age=1")...)
}

// conditional returns a rule about a request for a copy that is kept.
func conditional(name, tag string, status int, send ...string) rule {
	then := step{send: send, status: status, want: []string{"Cache-Status", hit, "ETag", tag}}
	if status == 200 {
		then.body = "v1"
	} else {
		then.want = append(then.want, "Cache-Control", "max-age=60")
	}
	return rule{name, []step{{origin: tagged("v1", tag), body: "v1"}, then}}
}

var validating = []rule{
	conditional("9110 13.1.2: If-None-Match", `"1"`, 304, "If-None-Match", `"1"`),
	conditional("9110 13.1.2: If-None-Match of another", `"1"`, 200, "If-None-Match", `"2"`),
	conditional("9110 13.1.2: If-None-Match with several", `"1"`, 304, "If-None-Match", `"0", "1"`),
	conditional("9110 13.1.2: If-None-Match with a star", `"1"`, 304, "If-None-Match", `*`),
	conditional("9110 8.8.3.2: a weak tag asked for matches", `"1"`, 304, "If-None-Match", `W/"1"`),
	conditional("9110 8.8.3.2: a weak tag kept matches", `W/"1"`, 304, "If-None-Match", `"1"`),
	conditional("9110 8.8.3.2: a weak tag kept matches one of several", `W/"1"`, 304, "If-None-Match", `"0", "1"`),
	conditional("9110 13.1.3: If-Modified-Since, not modified", `"1"`, 304, "If-Modified-Since", tuesday),
	conditional("9110 13.1.3: If-Modified-Since, modified", `"1"`, 200, "If-Modified-Since", longAgo),
	conditional("9110 13.1.3: If-Modified-Since that is no date", `"1"`, 200, "If-Modified-Since", "yesterday"),
	conditional("9110 13.2.2: If-None-Match comes before If-Modified-Since", `"1"`, 200,
		"If-None-Match", `"2"`, "If-Modified-Since", tuesday),
	{"9111 4.3.1: a stale copy is validated by its ETag", []step{
		{origin: oldTagged("v1", "ETag", `"1"`), body: "v1"},
		{after: aSecond,
			origin: &reply{status: 304, header: []string{"Cache-Control", "max-age=60", "ETag", `"1"`, "X-Toy", "new"}},
			sees:   []string{"If-None-Match", `"1"`}, body: "v1",
			want: []string{"X-Toy", "new", "Cache-Status", "~fwd=stale; fwd-status=304; stored"}},
		{body: "v1", want: []string{"X-Toy", "new", "Cache-Control", "max-age=60", "Cache-Status", hit}},
	}},
	{"9111 4.3.1: a stale copy is validated by its date", []step{
		{origin: oldTagged("v1", "Last-Modified", monday), body: "v1"},
		{after: aSecond, origin: &reply{status: 304, header: []string{"Cache-Control", "max-age=60"}},
			sees: []string{"If-Modified-Since", monday}, body: "v1"},
	}},
	{"9111 4.3.3: a new answer takes the stale copy's place", []step{
		{origin: oldTagged("v1", "ETag", `"1"`), body: "v1"},
		{after: aSecond, origin: tagged("v2", `"2"`), sees: []string{"If-None-Match", `"1"`}, body: "v2",
			want: []string{"ETag", `"2"`}},
		{body: "v2", want: []string{"Cache-Status", hit}},
	}},
	{"9111 4.3.1: a client's condition is its own", []step{
		{send: []string{"If-None-Match", `"9"`}, origin: tagged("v1", `"1"`),
			sees: []string{"If-None-Match", ""}, body: "v1"},
		{body: "v1", want: []string{"Cache-Status", hit}},
	}},
	{"9111 4.3.2: a client's condition is met after the validation", []step{
		{origin: oldTagged("v1", "ETag", `"1"`), body: "v1"},
		{after: aSecond, send: []string{"If-None-Match", `"2"`}, origin: tagged("v2", `"2"`),
			sees: []string{"If-None-Match", `"1"`}, status: 304},
	}},
}

// part returns a rule about a range of "0123456789", with the tag "1" and Monday's date.
func part(name string, status int, body, contentRange string, send ...string) rule {
	then := step{send: send, status: status, body: body,
		want: []string{"Content-Range", contentRange, "Cache-Status", hit}}
	if status == 206 {
		then.want = append(then.want, "ETag", `"1"`)
	}
	return rule{name, []step{
		{origin: tagged("0123456789", `"1"`), body: "0123456789", want: []string{"Accept-Ranges", "bytes"}}, then}}
}

const whole = "0123456789"

var ranges = []rule{
	part("9110 14.1.2: first and last", 206, "0123", "bytes 0-3/10", "Range", "bytes=0-3"),
	part("9110 14.1.2: from here to the end", 206, "789", "bytes 7-9/10", "Range", "bytes=7-"),
	part("9110 14.1.2: the last three", 206, "789", "bytes 7-9/10", "Range", "bytes=-3"),
	part("9110 14.1.2: more than there are from the end", 206, whole, "bytes 0-9/10", "Range", "bytes=-30"),
	part("9110 14.1.2: beyond the end is up to the end", 206, "89", "bytes 8-9/10", "Range", "bytes=8-99"),
	part("9110 14.4: begins beyond the end", 416, "", "bytes */10", "Range", "bytes=10-"),
	part("9110 14.2: another unit", 200, whole, "", "Range", "toys=0-3"),
	part("9110 14.2: nonsense", 200, whole, "", "Range", "bytes=3-1"),
	part("9110 14.2: several ranges may be ignored", 200, whole, "", "Range", "bytes=0-1,4-5"),
	part("9110 13.1.5: If-Range with the tag", 206, "0123", "bytes 0-3/10", "Range", "bytes=0-3", "If-Range", `"1"`),
	part("9110 13.1.5: If-Range with another tag", 200, whole, "", "Range", "bytes=0-3", "If-Range", `"2"`),
	part("9110 13.1.5: If-Range with a weak tag", 200, whole, "", "Range", "bytes=0-3", "If-Range", `W/"1"`),
	part("9110 13.1.5: If-Range with the date", 206, "0123", "bytes 0-3/10", "Range", "bytes=0-3", "If-Range", monday),
	part("9110 13.1.5: If-Range with another date", 200, whole, "", "Range", "bytes=0-3", "If-Range", tuesday),
	part("9110 13.2.2: If-None-Match comes before Range", 304, "", "", "Range", "bytes=0-3", "If-None-Match", `"1"`),
	{"9110 14.2: a range of a HEAD means nothing", []step{
		{origin: tagged(whole, `"1"`), body: whole},
		{method: http.MethodHead, send: []string{"Range", "bytes=0-3"}, want: []string{"Content-Length", "10"}},
	}},
	{"9111 3.3: a range of what we have not brings the whole", []step{
		{send: []string{"Range", "bytes=0-3"}, origin: tagged(whole, `"1"`), sees: []string{"Range", ""},
			status: 206, body: "0123", want: []string{"Content-Range", "bytes 0-3/10"}},
		{body: whole, want: []string{"Cache-Status", hit}},
	}},
}

// stale returns a rule about a copy whose second is over. Header is of the copy; then comes what happens.
func stale(name, cacheControl string, after time.Duration, then ...step) rule {
	then[0].after = after
	return rule{name, append([]step{{origin: says("v1", "Cache-Control", cacheControl), body: "v1"}}, then...)}
}

// refused returns what comes of an origin that fails while no copy may be used.
func refused(status int) step {
	return step{origin: fails(status), status: status, body: "sorry"}
}

var staleness = []rule{
	stale("5861 3: stale while it is revalidated", "max-age=1, stale-while-revalidate=60", aSecond,
		step{origin: &reply{body: "v2", header: []string{"Cache-Control", "max-age=60"}, slow: 300 * time.Millisecond},
			body: "v1", want: []string{"Age", ">1", "Cache-Status", "~edge; hit; ttl=-"}},
		step{atLast: true, body: "v2", want: []string{"Cache-Status", hit}}),
	stale("5861 3: not for longer than it says", "max-age=1, stale-while-revalidate=1", twoOfThe,
		step{origin: says("v2", "Cache-Control", "max-age=60"), body: "v2",
			want: []string{"Cache-Status", "~fwd=stale"}}),
	stale("5861 3: stale still when the revalidation fails", "max-age=1, stale-while-revalidate=60", aSecond,
		step{origin: fails(500), body: "v1"},
		step{after: late, origin: says("v2", "Cache-Control", "max-age=60"), body: "v1"},
		step{atLast: true, body: "v2"}),
	stale("9111 4.2.4: without it nobody gets a stale answer", "max-age=1", aSecond,
		step{origin: says("v2", "Cache-Control", "max-age=60"), body: "v2"}),
	stale("9111 5.2.2.2: must-revalidate comes before stale-while-revalidate",
		"max-age=1, must-revalidate, stale-while-revalidate=60", aSecond,
		step{origin: says("v2", "Cache-Control", "max-age=60"), body: "v2"}),
	stale("5861 4: stale when the origin answers 500", "max-age=1, stale-if-error=60", aSecond,
		step{origin: fails(500), body: "v1", want: []string{"Age", ">1", "Cache-Status", "~detail=origin-failed"}}),
	stale("5861 4: stale when the origin answers 502", "max-age=1, stale-if-error=60", aSecond,
		step{origin: fails(502), body: "v1"}),
	stale("5861 4: stale when the origin answers 503", "max-age=1, stale-if-error=60", aSecond,
		step{origin: fails(503), body: "v1"}),
	stale("5861 4: stale when the origin answers 504", "max-age=1, stale-if-error=60", aSecond,
		step{origin: fails(504), body: "v1"}),
	stale("5861 4: stale when the origin hangs up", "max-age=1, stale-if-error=60", aSecond,
		step{origin: &reply{gone: true}, many: true, body: "v1"}),
	stale("5861 4: the next good answer takes its place", "max-age=1, stale-if-error=60", aSecond,
		step{origin: fails(500), body: "v1"},
		step{after: aSecond, origin: says("v2", "Cache-Control", "max-age=60"), body: "v2"}),
	stale("5861 4: not for longer than it says", "max-age=1, stale-if-error=1", twoOfThe, refused(500)),
	stale("5861 4: nought is nought", "max-age=1, stale-if-error=0", aSecond, refused(500)),
	stale("5861 4: longer than stale-while-revalidate",
		"max-age=1, stale-while-revalidate=1, stale-if-error=60", twoOfThe,
		step{origin: fails(500), body: "v1"}),
	stale("5861 4: 404 is no error", "max-age=1, stale-if-error=60", aSecond, refused(404)),
	stale("9111 4.2.4: a day when the origin fails and said nothing", "max-age=1", aSecond,
		step{origin: fails(503), body: "v1"}),
	stale("9111 5.2.2.2: must-revalidate, and the origin fails", "max-age=1, must-revalidate", aSecond, refused(500)),
	stale("9111 5.2.2.8: proxy-revalidate, and the origin fails", "max-age=1, proxy-revalidate, stale-if-error=60",
		aSecond, refused(500)),
	stale("9111 5.2.2.10: s-maxage, and the origin fails", "s-maxage=1", aSecond, refused(500)),
	{"5861 4: with a validator too", []step{
		{origin: oldTagged("v1", "ETag", `"1"`), body: "v1"},
		{after: aSecond, origin: fails(500), sees: []string{"If-None-Match", `"1"`}, body: "v1"},
	}},
}

var ours = []rule{
	{"9211 2: after what the origin's caches say", []step{
		{origin: says("v1", "Cache-Control", "max-age=60", "Cache-Status", "near; hit"), body: "v1",
			want: []string{"Cache-Status", "near; hit, edge; fwd=uri-miss; stored"}},
		{body: "v1", want: []string{"Cache-Status", "~near; hit, edge; hit; ttl="}},
	}},
	{"9110 7.6.3: Via says that we are here", []step{
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1",
			want: []string{"Via", "~1.1 ", "X-Varnish", ""}},
	}},
	{"ours: a client's Cache-Control does not reach the origin", []step{
		{origin: says("v1", "Cache-Control", "max-age=60"), body: "v1"},
		{send: []string{"Cache-Control", "no-cache", "Pragma", "no-cache"}, body: "v1",
			want: []string{"Cache-Status", hit}},
	}},
	{"ours: cookies are of no use to an asset", []step{
		{send: []string{"Cookie", "a=b"}, origin: says("v1", "Cache-Control", "max-age=60"),
			sees: []string{"Cookie", ""}, body: "v1"},
		{send: []string{"Cookie", "a=c"}, body: "v1", want: []string{"Cache-Status", hit}},
	}},
	{"ours: the edge's notes are its own", []step{
		{send: []string{"X-Edge", "hit", "X-Edge-Stale", "allowed"},
			origin: says("v1", "Cache-Control", "max-age=60", "X-Edge-SWR", "60", "X-Edge-Status", "200"),
			sees:   []string{"X-Edge", "", "X-Edge-Stale", ""}, body: "v1",
			want: []string{"Cache-Status", "edge; fwd=uri-miss; stored", "X-Edge-SWR", "", "X-Edge-Status", ""}},
	}},
	{"ours: what cannot be kept is passed on with its own status", []step{
		{origin: fails(503, "Retry-After", "7"), status: 503, body: "sorry", want: []string{"Retry-After", "7"}},
	}},
}
