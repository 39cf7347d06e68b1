package framing

import "net/http"

// Refusal is why a request is not taken. The connection that it came on takes no other.
type Refusal struct {
	// Status is 400, 415 or 505.
	Status int
	// Reason ends the sentence "The request is not well-formed HTTP: ..."; for a status other than 400 it is a
	// sentence of its own.
	Reason string
}

// Error returns one sentence that is safe to show to the caller.
func (r *Refusal) Error() string {
	if r.Status == http.StatusBadRequest {
		return "The request is not well-formed HTTP: " + r.Reason + "."
	}
	return r.Reason
}

func malformed(reason string) *Refusal { return &Refusal{http.StatusBadRequest, reason} }

// What is refused, with the section of RFC 9112 that requires it; those without one are stricter than it.
var (
	badMethod     = malformed("the method is not a token")                                     // 3.1
	badTarget     = malformed("the target is empty or holds a control character")              // 3.2
	badVersion    = malformed("the request line does not end with HTTP/1.1 or HTTP/1.0")       // 2.3
	badLineEnd    = malformed("a line does not end with CR LF")                                // 2.2
	badFieldName  = malformed("a field's name is not a token directly before its colon")       // 5.1
	badFieldValue = malformed("a field's value holds a control character")                     // RFC 9110 5.5
	foldedField   = malformed("a field's value goes on in a second line")                      // 5.2
	noHost        = malformed("it has no Host field")                                          // 3.2
	manyHosts     = malformed("it has more than one Host field")                               // 3.2
	badHost       = malformed("its Host is not a host with an optional port")                  // 3.2
	badLength     = malformed("its Content-Length is not a decimal number of bytes")           // 6.3
	manyLengths   = malformed("it has more than one Content-Length field")                     // 6.3
	badCoding     = malformed("its Transfer-Encoding is not \"chunked\" alone")                // 6.1
	manyCodings   = malformed("it has more than one Transfer-Encoding field")                  // 6.1
	twoLengths    = malformed("it has both a Content-Length and a Transfer-Encoding field")    // 6.3
	oldCoding     = malformed("HTTP/1.0 has no Transfer-Encoding")                             // 6.1
	badChunkSize  = malformed("a chunk's size is not a hexadecimal number of up to 8 digits")  // 7.1
	badExtension  = malformed("a chunk's extension is too long or holds a control character")  // 7.1.1
	badChunkEnd   = malformed("a chunk is longer or shorter than its size")                    // 7.1
	hasTrailer    = malformed("a field follows the last chunk, and trailers are not accepted") // 7.1.2

	// RFC 9110 8.4 leaves it to a server which content codings it takes; this one takes none, so that a body is never
	// larger than the bytes that came.
	hasContentCoding = &Refusal{
		http.StatusUnsupportedMediaType, "Send the body as it is, without Content-Encoding.",
	}
	otherVersion = &Refusal{http.StatusHTTPVersionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0."}
)
