package framing

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// scanAll scans text in pieces that end where cut says, and returns how much was well-formed and why the rest is not.
func scanAll(text string, cut func(rest int) int) (good int, refused *Refusal, s *Scanner) {
	s = &Scanner{}
	for rest := []byte(text); len(rest) > 0; {
		piece := rest[:cut(len(rest))]
		n, refused := s.Scan(piece)
		good += n
		if refused != nil {
			return good, refused, s
		}
		rest = rest[len(piece):]
	}
	return good, nil, s
}

func whole(rest int) int { return rest }
func byteByByte(int) int { return 1 }

const plain = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"

func TestWellFormed(t *testing.T) {
	for name, text := range map[string]string{
		"plain":               plain,
		"two":                 plain + plain,
		"empty line before":   "\r\n" + plain,
		"no host in 1.0":      "GET / HTTP/1.0\r\n\r\n",
		"raw UTF-8 in target": "GET /api/misc/heavy?name=Zo\xc3\xa9 HTTP/1.1\r\nHost: shop\r\n\r\n",
		"body":                "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\n\x00\r\n\n" + plain,
		"no body":             "POST / HTTP/1.1\r\nHost: shop\r\ncontent-length:0\r\n\r\n" + plain,
		"space around values": "POST / HTTP/1.1\r\nHost: \t shop \t\r\nContent-Length:  2 \r\nX:\r\nY: a \tb\xff\r\n" +
			"\r\nab",
		"chunks": "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\n\r\n\n\r\nA\r\n" +
			"0123456789\r\n0\r\n\r\n" + plain,
		"chunk extensions": "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c=\"d e\"\r\n" +
			"x\r\n0;z\r\n\r\n" + plain,
		"host with port": "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
		"empty host":     "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"names alike": "GET / HTTP/1.1\r\nHost: shop\r\nHosts: a b\r\nX-Content-Length: x\r\n" +
			"Transfer-Encodings: x\r\n\r\n",
	} {
		for way, cut := range map[string]func(int) int{"whole": whole, "byte by byte": byteByByte} {
			good, refused, s := scanAll(text, cut)
			if refused != nil || good != len(text) || !s.AtRest() {
				t.Errorf("%s, %s: %d of %d bytes (%v, at rest: %v), want all",
					name, way, good, len(text), refused, s.AtRest())
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	with := func(fields string) string { return "POST / HTTP/1.1\r\nHost: shop\r\n" + fields + "\r\n" }
	chunked := func(chunks string) string { return with("Transfer-Encoding: chunked\r\n") + chunks }
	for _, row := range []struct {
		name, good, rest string // the fault is at the first byte of rest
		want             *Refusal
	}{
		{"garbage", "", "\x00\x01", badMethod},
		{"two empty lines", "\r\n", "\r\n", badMethod},
		{"bare LF before", "", "\n" + plain, badMethod},
		{"bare CR before", "\r", "G", badLineEnd},
		{"TLS", "", "\x16\x03\x01", badMethod},
		{"method", "GE", "\x80 / HTTP/1.1", badMethod},
		{"no target", "GET ", " HTTP/1.1", badTarget},
		{"HTTP/0.9", "GET /", "\r\n", badTarget},
		{"tab in target", "GET /a", "\tb HTTP/1.1", badTarget},
		{"NUL in target", "GET /", "\x00 HTTP/1.1", badTarget},
		{"DEL in target", "GET /", "\x7f HTTP/1.1", badTarget},
		{"two spaces", "GET / ", " HTTP/1.1", badVersion},
		{"lower case", "GET / ", "http/1.1", badVersion},
		{"HTTP/1.1x", "GET / HTTP/1.1", "x\r\n", badVersion},
		{"HTTP/1.1 and space", "GET / HTTP/1.1", " \r\n", badVersion},
		{"HTTP/11.1", "GET / HTTP/1", "1.1\r\n", badVersion},
		{"HTTP/1.", "GET / HTTP/1.", "\r\n", badVersion},
		{"HTTP/2.0", "GET / HTTP/2.0", "\r\n", otherVersion},
		{"HTTP/1.2", "GET / HTTP/1.2", "\r\n", otherVersion},
		{"bare LF", "GET / HTTP/1.1", "\nHost: shop\n\n", badVersion},
		{"bare CR in the head", "GET / HTTP/1.1\r\nHost: shop\r", "X: y\r\n", badLineEnd},
		{"no host", "GET / HTTP/1.1\r\n\r", "\n", noHost},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nhOST:", " a\r\n\r\n", manyHosts},
		{"user in host", "GET / HTTP/1.1\r\nHost: u", "@shop\r\n", badHost},
		{"two in one host", "GET / HTTP/1.1\r\nHost: a ", "b\r\n", badHost},
		{"bare LF at the end", "GET / HTTP/1.1\r\nHost: shop\r\n", "\n", badFieldName},
		{"CR CR LF", "GET / HTTP/1.1\r\nHost: shop\r", "\r\n", badLineEnd},
		{"folded", "GET / HTTP/1.1\r\nHost: shop\r\n", " more\r\n", foldedField},
		{"folded first", "GET / HTTP/1.1\r\n", "\tHost: shop\r\n", foldedField},
		{"no colon", "GET / HTTP/1.1\r\nHost", "\r\n", badFieldName},
		{"no name", "GET / HTTP/1.1\r\n", ": x\r\n", badFieldName},
		{"space before the colon", "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length", " : 5\r\n", badFieldName},
		{"NUL in a name", "POST / HTTP/1.1\r\nHost: shop\r\nX", "\x00: 5\r\n", badFieldName},
		{"NUL in a value", "POST / HTTP/1.1\r\nHost: shop\r\nX: a", "\x00\r\n", badFieldValue},
		{"LF in a value", "POST / HTTP/1.1\r\nHost: shop\r\nX: a", "\nContent-Length: 5\r\n", badFieldValue},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-length:", " 1\r\n", manyLengths},
		{"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1", ", 1\r\n", badLength},
		{"signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ", "+1\r\n", badLength},
		{"hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0", "x1\r\n", badLength},
		{"no length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r", "\n", badLength},
		{"huge length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + strings.Repeat("9", 18), "9\r\n", badLength},
		{"coding gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r", "\n", badCoding},
		{"coding xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r", "\n", badCoding},
		{"coding long", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked" + strings.Repeat("d", 40) + "\r",
			"\n", badCoding},
		{"two codings in one", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, ", "chunked\r\n", badCoding},
		{"identity, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r", "\n", badCoding},
		{"two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:",
			" chunked\r\n", manyCodings},
		{"coding and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r",
			"\n", twoLengths},
		{"length and coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r",
			"\n", twoLengths},
		{"coding in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r", "\n", oldCoding},
		{"content coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-encoding:", " br\r\n", hasContentCoding},
		{"no chunk size", chunked(""), "\r\n", badChunkSize},
		{"chunk size f_", chunked("f"), "_\r\n", badChunkSize},
		{"chunk size 0x1", chunked("0"), "x1\r\n", badChunkSize},
		{"signed chunk size", chunked(""), "+1\r\n", badChunkSize},
		{"chunk size of 9 digits", chunked("00000000"), "1\r\n", badChunkSize},
		{"space behind a chunk size", chunked("1"), " \r\n", badChunkSize},
		{"bare LF behind a chunk size", chunked("1"), "\nx\r\n", badChunkSize},
		{"bare LF in an extension", chunked("f;a"), "\nx", badExtension},
		{"chunk too long", chunked("1\r\nx"), "y\r\n", badChunkEnd},
		{"bare LF behind a chunk", chunked("1\r\nx"), "\n0\r\n", badChunkEnd},
		{"trailer", chunked("0\r\n"), "Content-Length: 5\r\n", hasTrailer},
	} {
		if good, refused, _ := scanAll(row.good+row.rest, byteByByte); refused != row.want || good != len(row.good) {
			t.Errorf("%s: %d bytes, then %v; want %d, then %v", row.name, good, refused, len(row.good), row.want)
		}
		// At once, a value is refused from its beginning.
		if good, refused, _ := scanAll(row.good+row.rest, whole); refused != row.want || good > len(row.good) {
			t.Errorf("%s, at once: %d bytes, then %v; want no more than %d, then %v",
				row.name, good, refused, len(row.good), row.want)
		}
	}
}

func TestExtensionsAreBounded(t *testing.T) {
	long := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("a", extensionMax+1)
	for _, cut := range []func(int) int{whole, byteByByte} {
		if _, refused, _ := scanAll(long, cut); refused != badExtension {
			t.Errorf("an extension of %d bytes: %v, want %v", extensionMax+1, refused, badExtension)
		}
	}
}

// TestPiecesChangeNothing cuts the same bytes at random: what is refused may not depend on how they come.
func TestPiecesChangeNothing(t *testing.T) {
	alphabet := []string{"GET / HTTP/1.1\r\n", "Host: a\r\n", "\r\n", "Content-Length: 3\r\n",
		"Transfer-Encoding: chunked\r\n", "abc",
		"1\r\nx\r\n", "0\r\n", "\n", "\r", " ", ":", "X", "\x00", "5;a=b\r\n"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var text strings.Builder
		for range 1 + random.IntN(10) {
			text.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		_, atOnce, a := scanAll(text.String(), whole)
		_, inPieces, b := scanAll(text.String(), func(rest int) int { return 1 + random.IntN(rest) })
		if atOnce != inPieces || a.AtRest() != b.AtRest() {
			t.Fatalf("%q: %v at once, %v in pieces", text.String(), atOnce, inPieces)
		}
	}
}

func TestSentences(t *testing.T) {
	for refused, want := range map[*Refusal]string{
		noHost:           "The request is not well-formed HTTP: it has no Host field.",
		hasContentCoding: "Send the body as it is, without Content-Encoding.",
	} {
		if got := refused.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if hasContentCoding.Status != http.StatusUnsupportedMediaType {
		t.Errorf("a content coding is refused with %d, want 415", hasContentCoding.Status)
	}
}

func BenchmarkScan(b *testing.B) {
	request := []byte("GET /api/products/7 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\n" +
		"Accept: application/json\r\nX-Forwarded-For: 10.0.0.1\r\nX-Request-Id: 0123456789abcdef-1\r\n\r\n")
	var s Scanner
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		if n, refused := s.Scan(request); n != len(request) || refused != nil {
			b.Fatal(n, refused)
		}
	}
}
