vcl 4.1;

# The edge: keeps the front's assets near the client. ./entrypoint starts it, and writes origin.vcl, which holds the
# directors "origins" (the origin's addresses, with health checks) and "unchecked" (the same without), and the sub
# refuse_unknown_hosts.
#
# What is kept, and for how long, is what the origin's headers say (RFC 9111, RFC 5861) and nothing more: varnishd runs
# with default_ttl=0 and default_grace=0. README.md lists the few places where the edge is stricter than it need be.

import directors;
import std;
import vsthrottle;

# The door is never connected to. `varnishadm backend.set_health door sick` closes it: from then on /readyz answers
# 503 and every answer ends its connection, at once and without compiling anything while the edge is to stop.
backend door { .host = "127.0.0.1"; .port = "9"; }

include "origin.vcl";

sub vcl_recv {
	if (req.restarts == 0) {
		unset req.http.X-Edge-Stale;
		if (req.url == "/healthz") {
			return (synth(200, "Healthy"));
		}
		if (req.url == "/readyz") {
			if (!std.healthy(door)) {
				return (synth(503, "Draining"));
			}
			return (synth(200, "Ready"));
		}
		call refuse;
		call normalize;
	}
	if (req.http.Authorization) {
		return (pass);
	}
	return (hash);
}

# refuse lets through what the front serves to everybody: its assets, under a host that is the edge's. A path with a
# slash, a percent sign or two dots behind /assets/ could mean another one to the origin, such as /assets/../api/orders.
sub refuse {
	if (!req.http.Host && req.proto == "HTTP/1.1") {
		return (synth(400, "Bad Request"));
	}
	call refuse_unknown_hosts;
	if (req.method != "GET" && req.method != "HEAD") {
		return (synth(405, "Method Not Allowed"));
	}
	if (req.url !~ "^/assets/[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+(\?|$)" &&
	    req.url !~ "^/(5mo\.jpg|favicon\.ico|robots\.txt)(\?|$)") {
		return (synth(404, "Not Found"));
	}
}

# normalize makes one of requests that get one answer. Else a query (the front's assets have none), a cookie, or another
# order of Accept-Encoding would each cost the origin a request and the edge a copy.
sub normalize {
	set req.url = regsub(req.url, "\?.*$", "");
	unset req.http.Cookie;
	call normalize_range;
	call normalize_coding;
}

# normalize_range leaves the one range of a request as "bytes=FIRST-LAST", and nothing of what RFC 9110 14.1 does not
# allow or of several ranges, which may be ignored: Varnish would answer 416 where 14.2 wants the whole. Nothing here is
# as long as the twelve digits that it is made to count with.
sub normalize_range {
	std.collect(req.http.Range);
	std.collect(req.http.If-Range);
	if (req.method == "HEAD" ||
	    req.http.Range !~ "(?i)^bytes=([ \t]*(,[ \t]*)+)?(\d+-\d*|-\d+)([ \t]*,)*[ \t]*$") {
		unset req.http.Range;
		return;
	}
	set req.http.Range = "bytes=" + regsub(req.http.Range, "^[^-\d]*(\d*-\d*).*$", "\1");
	set req.http.Range = regsuball(req.http.Range, "0*(\d+)", "\1");
	set req.http.Range = regsuball(req.http.Range, "\d{13,}", "999999999999");
	if (std.integer(regsub(req.http.Range, "^bytes=(\d*)-.*$", "\1"), 0) >
	    std.integer(regsub(req.http.Range, "^.*-(\d*)$", "\1"), 999999999999)) {
		unset req.http.Range;
	}
}

# normalize_coding makes "br", "gzip" or nothing of Accept-Encoding (RFC 9110 12.5.3). A coding is acceptable that is
# named with a weight above 0, or not named while "*" is. What cannot be read means nothing.
sub normalize_coding {
	std.collect(req.http.Accept-Encoding);
	unset req.http.X-Edge-Others;
	if (req.http.Accept-Encoding ~ "(?i)(^|,)[ \t]*\*[ \t]*(;[ \t]*q=(1(\.0{0,3})?|0\.(?=\d*[1-9])\d{1,3})[ \t]*)?(,|$)") {
		set req.http.X-Edge-Others = "yes";
	}
	if (req.http.Accept-Encoding ~ "(?i)(^|,)[ \t]*br[ \t]*(;[ \t]*q=(1(\.0{0,3})?|0\.(?=\d*[1-9])\d{1,3})[ \t]*)?(,|$)" ||
	    (req.http.X-Edge-Others &&
	    req.http.Accept-Encoding !~ "(?i)(^|,)[ \t]*br[ \t]*;[ \t]*q=0(\.0{0,3})?[ \t]*(,|$)")) {
		set req.http.Accept-Encoding = "br";
	} else if (req.http.Accept-Encoding ~ "(?i)(^|,)[ \t]*(x-)?gzip[ \t]*(;[ \t]*q=(1(\.0{0,3})?|0\.(?=\d*[1-9])\d{1,3})[ \t]*)?(,|$)" ||
	    (req.http.X-Edge-Others &&
	    req.http.Accept-Encoding !~ "(?i)(^|,)[ \t]*(x-)?gzip[ \t]*;[ \t]*q=0(\.0{0,3})?[ \t]*(,|$)")) {
		set req.http.Accept-Encoding = "gzip";
	} else {
		unset req.http.Accept-Encoding;
	}
	unset req.http.X-Edge-Others;
}

# An asset is the same under every host.
sub vcl_hash {
	hash_data(req.url);
	return (lookup);
}

# A copy may be in one of four states: fresh; stale, but allowed to be used while it is revalidated (X-Edge-SWR
# seconds); staler, and to be used only when the origin fails; and too old, which never comes here. Varnish knows the
# first two and the last. The third takes three steps:
#   1. "held": look again as if there were no grace, so that the origin is asked (with If-None-Match, if it gave an
#      ETag).
#   2. It answers: that is the answer. It fails: the fetch is abandoned, which vcl_synth sees as 503.
#   3. "allowed": look again, and deliver the copy after all.
sub vcl_hit {
	set req.http.X-Edge = "hit";
	if (obj.ttl > 0s || req.http.X-Edge-Stale == "allowed") {
		return (deliver);
	}
	if (obj.ttl + std.duration(obj.http.X-Edge-SWR + "s", 0s) > 0s) {
		return (deliver);
	}
	set req.http.X-Edge-Stale = "held";
	if (!std.healthy(origins.backend(by=HASH, resolve=NOW))) {
		set req.http.X-Edge-Stale = "allowed";
		return (deliver);
	}
	set req.grace = 0s;
	return (restart);
}

sub vcl_miss {
	set req.http.X-Edge = "fwd=uri-miss";
	if (req.http.X-Edge-Stale) {
		set req.http.X-Edge = "fwd=stale";
	}
}

sub vcl_pass {
	set req.http.X-Edge = "fwd=bypass";
}

sub vcl_backend_fetch {
	# A copy is held, and the origin failed on it less than a second ago: use the copy. Without this, a crowd that
	# waits for a failing origin would be let through one by one, each with its own failing request.
	if ((bereq.http.X-Edge-Stale || bereq.is_bgfetch) && vsthrottle.remaining("failed " + bereq.url, 1, 1s) == 0) {
		return (abandon);
	}
	unset bereq.http.X-Edge;
	unset bereq.http.X-Edge-Unchecked;
	set bereq.backend = origins.backend(by=HASH, alt=bereq.retries, healthy=ALL, resolve=NOW);
	if (!std.healthy(bereq.backend)) {
		call ask_unchecked;
	}
}

# ask_unchecked: no origin passes its check. It is rather the machine that is too busy to answer checks, so ask anyway:
# once or twice, and for an address that failed less than a second ago not at all, since a crowd may wait for it.
sub ask_unchecked {
	set bereq.http.X-Edge-Unchecked = "asked";
	if (vsthrottle.remaining("failed " + bereq.url, 1, 1s) == 0) {
		set bereq.http.X-Edge-Unchecked = "failed";
		return (error(503));
	}
	set bereq.backend = unchecked.backend(by=HASH, alt=bereq.retries, healthy=ALL);
	set bereq.first_byte_timeout = 10s;
}

sub vcl_backend_response {
	unset beresp.http.X-Edge-SWR;
	unset beresp.http.X-Edge-Status;
	if (beresp.status >= 500 && !bereq.uncacheable) {
		call note_failure;
		if (bereq.http.X-Edge-Stale || bereq.is_bgfetch) {
			return (abandon);
		}
		set beresp.uncacheable = true;
		set beresp.ttl = 1s;
		return (deliver);
	}
	if (beresp.was_304) {
		set beresp.http.X-Edge-Status = "304";
	}
	call keep_stale;
	call hold_small;
	if (beresp.http.Vary ~ "(^|,)\s*\*\s*(,|$)") {
		call vcl_beresp_hitmiss;
	}
	# Larger than this and it would push everything else out.
	if (std.integer(beresp.http.Content-Length, 0) > 16777216) {
		call vcl_beresp_hitmiss;
	}
}

# What is not to be kept leaves a mark for two minutes, by which those who ask meanwhile do not wait for each other. The
# mark is not to outlive that, as a stale copy does: it would stand before a good one, and a crowd would not wait either.
sub vcl_beresp_hitmiss {
	set beresp.grace = 0s;
	set beresp.keep = 0s;
}

# keep_stale says how long a copy is of use after it has gone stale: as long as the origin says, a day for the failing
# origin if it says nothing, and not at all if it forbids it.
sub keep_stale {
	if (beresp.http.Cache-Control ~ "(?i)(^|[\s,])(must-revalidate|proxy-revalidate|s-maxage)([\s,=]|$)") {
		set beresp.grace = 0s;
	} else {
		set beresp.http.X-Edge-SWR = beresp.grace;
		if (beresp.http.Cache-Control ~ "(?i)(^|[\s,])stale-if-error=\x22?\d+") {
			set beresp.keep = std.duration(regsub(beresp.http.Cache-Control, "(?i)^(|.*[\s,])stale-if-error=\x22?(\d+).*$", "\2s"), 0s);
		} else {
			set beresp.keep = 1d;
		}
		if (beresp.keep > beresp.grace) {
			set beresp.grace = beresp.keep;
		}
	}
	# Past all that it can still save its body, if the origin answers 304.
	set beresp.keep = 0s;
	if (beresp.http.ETag || beresp.http.Last-Modified) {
		set beresp.keep = 1d;
	}
}

# hold_small: a small body is fetched whole before it is sent on, so that an origin that dies over it can be replaced by
# another. A large one is passed on as it comes, to all who wait for it.
sub hold_small {
	if (beresp.http.Content-Length && std.integer(beresp.http.Content-Length, 0) < 262144) {
		set beresp.do_stream = false;
	}
}

sub note_failure {
	if (vsthrottle.is_denied("failed " + bereq.url, 1, 1s)) {
	}
}

# Only GET and HEAD come here: asking again is always safe.
sub vcl_backend_error {
	if (!bereq.http.X-Edge-Unchecked && bereq.retries < 2 || bereq.http.X-Edge-Unchecked == "asked" && bereq.retries < 1) {
		return (retry);
	}
	if (!bereq.uncacheable) {
		call note_failure;
		if (bereq.http.X-Edge-Stale || bereq.is_bgfetch) {
			return (abandon);
		}
		# For a second, those who wait for this are not let through one by one.
		set beresp.uncacheable = true;
		set beresp.ttl = 1s;
	}
	set beresp.status = 503;
	set beresp.http.Cache-Control = "no-store";
	set beresp.http.Content-Type = "text/plain; charset=utf-8";
	set beresp.http.Retry-After = "1";
	set beresp.body = {"The origin does not answer; try again soon.
"};
	return (deliver);
}

sub vcl_deliver {
	call compare_tags;
	# RFC 9211, and the same for the page's own table of what came from where.
	if (req.http.X-Edge == "hit") {
		set req.http.X-Edge = "hit; ttl=" + regsub(obj.ttl, "\..*$", "");
		if (req.http.X-Edge-Stale == "allowed") {
			set req.http.X-Edge = req.http.X-Edge + "; detail=origin-failed";
		}
		call say_hit;
	} else {
		if (resp.http.X-Edge-Status) {
			set req.http.X-Edge = req.http.X-Edge + "; fwd-status=" + resp.http.X-Edge-Status;
		}
		if (!obj.uncacheable) {
			set req.http.X-Edge = req.http.X-Edge + "; stored";
		}
		call say_miss;
	}
	std.collect(resp.http.Cache-Status);
	if (resp.http.Cache-Status) {
		set resp.http.Cache-Status = resp.http.Cache-Status + ", edge; " + req.http.X-Edge;
	} else {
		set resp.http.Cache-Status = "edge; " + req.http.X-Edge;
	}
	unset resp.http.X-Edge-SWR;
	unset resp.http.X-Edge-Status;
	unset resp.http.X-Varnish;
	call end_connection;
}

# compare_tags does what Varnish does not: it compares If-None-Match with one tag, where RFC 9110 13.1.2 has a list, or
# a star. Tags before the first thing that is none count. (The tag is put before the list, to be found again in it.)
sub compare_tags {
	std.collect(req.http.If-None-Match);
	if (resp.http.ETag && req.http.If-None-Match) {
		if (req.http.If-None-Match ~ "^[ \t]*\*[ \t]*$" ||
		    regsub(resp.http.ETag, "^W/", "") + " " + req.http.If-None-Match ~
		    "^(\x22[^\x22]*\x22) ([ \t,]*(W/)?\x22[!#-~\x80-\xff]*\x22[ \t]*,)*?[ \t,]*(W/)?\1[ \t]*(,|$)") {
			set req.http.If-None-Match = resp.http.ETag;
		} else {
			set req.http.If-None-Match = "none";
		}
	}
}

sub say_hit {
	if (resp.http.Server-Timing) {
		set resp.http.Server-Timing = resp.http.Server-Timing + {", cdn;desc="hit""};
	} else {
		set resp.http.Server-Timing = {"cdn;desc="hit""};
	}
}

sub say_miss {
	if (resp.http.Server-Timing) {
		set resp.http.Server-Timing = resp.http.Server-Timing + {", cdn;desc="miss""};
	} else {
		set resp.http.Server-Timing = {"cdn;desc="miss""};
	}
}

sub vcl_synth {
	if (req.http.X-Edge-Stale == "held" && resp.status == 503) {
		set req.http.X-Edge-Stale = "allowed";
		set req.grace = 10y;
		return (restart);
	}
	unset resp.http.X-Varnish;
	set resp.http.Cache-Control = "no-store";
	set resp.http.Content-Type = "text/plain; charset=utf-8";
	set resp.body = resp.reason + {"
"};
	if (resp.status == 404) {
		set resp.body = {"Only assets are here: /assets/NAME.HASH.EXT, as the page names them.
"};
	} else if (resp.status == 405) {
		set resp.http.Allow = "GET, HEAD";
		set resp.body = {"Only GET and HEAD are answered here.
"};
	} else if (resp.status == 421) {
		set resp.body = {"This host is not one of the edge's (WOODY_CDN_HOSTS).
"};
	} else if (resp.status == 503) {
		set resp.http.Retry-After = "1";
	}
	call end_connection;
	return (deliver);
}

# end_connection ends it when draining, and behind a request with a body: nothing here reads one, and where it ends is
# what programs disagree on. Varnish takes two Transfer-Encoding fields for one, and white space before a chunk's size.
sub end_connection {
	if (!std.healthy(door) || req.http.Transfer-Encoding || (req.http.Content-Length && req.http.Content-Length != "0")) {
		set resp.http.Connection = "close";
	}
}
