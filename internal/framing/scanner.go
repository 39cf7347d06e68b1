// Package framing refuses requests whose bytes could be read in more than one way, before a server's own parser sees
// them. What two programs on a request's way read differently is how a second request is smuggled in (RFC 9112 11.2):
// here nothing is repaired, guessed or skipped. It also refuses a body with a content coding, which would be larger
// than the bytes that came.
package framing

// Scanner follows the requests of one connection. The zero value is before the first.
type Scanner struct {
	state state
	next  state // after the line end that is being read
	head
	left  int64 // bytes of the body, or of its chunk, that are still to come
	count int   // digits of a chunk's size, or bytes of its extension
	begun uint64
}

// state is what the next byte belongs to.
type state uint8

const (
	start state = iota // the first byte of a request, or of one empty line before it
	begin              // the first byte of a request, after that line
	method
	uri
	version
	lineEnd // a CR has come, LF must follow; then comes next
	fieldStart
	fieldName
	fieldValue
	headEnd // the CR of the empty line has come
	body
	chunkStart
	chunkSize
	chunkExtension
	chunkBody
	chunkEnd  // the CR behind a chunk's bytes
	afterLast // the CR of the empty line behind the last chunk
)

// Scan reads on in p. It returns how many bytes are well-formed, and why the byte behind them is refused; nil when all
// are well-formed. The byte that would end a head is the one that is refused for what the head lacks. Scan must not be
// called again after a refusal.
func (s *Scanner) Scan(p []byte) (n int, refused *Refusal) {
	for n < len(p) {
		read, refused := s.step(p[n:])
		n += read
		if refused != nil {
			return n, refused
		}
	}
	return n, nil
}

// step reads at least one byte of p, or refuses the byte behind those that it has read.
func (s *Scanner) step(p []byte) (n int, refused *Refusal) {
	switch s.state {
	case start, begin:
		return s.readStart(p)
	case method:
		return s.readMethod(p)
	case uri:
		return s.readTarget(p)
	case version:
		return s.readVersion(p)
	case lineEnd:
		if p[0] != '\n' {
			return 0, badLineEnd
		}
		s.state = s.next
		return 1, nil
	case fieldStart:
		return s.readFieldStart(p)
	case fieldName:
		return s.readFieldName(p)
	case fieldValue:
		return s.readFieldValue(p)
	case headEnd:
		return s.readHeadEnd(p)
	}
	return s.readBody(p)
}

// readStart takes the one empty line before a request that RFC 9112 2.2 asks servers to pass over.
func (s *Scanner) readStart(p []byte) (int, *Refusal) {
	if s.state == start {
		s.begun++
	}
	if p[0] == '\r' && s.state == start {
		s.state, s.next = lineEnd, begin
		return 1, nil
	}
	if !token.has(p[0]) {
		return 0, badMethod
	}
	s.head = head{}
	s.state = method
	return 0, nil
}

func (s *Scanner) readMethod(p []byte) (int, *Refusal) {
	n := token.run(p)
	if n == len(p) {
		return n, nil
	}
	if p[n] != ' ' {
		return n, badMethod
	}
	s.state = uri
	return n + 1, nil
}

func (s *Scanner) readTarget(p []byte) (int, *Refusal) {
	n := target.run(p)
	s.hasTarget = s.hasTarget || n > 0
	if n == len(p) {
		return n, nil
	}
	if p[n] != ' ' || !s.hasTarget {
		return n, badTarget
	}
	s.state = version
	return n + 1, nil
}

// readVersion compares with "HTTP/1.1"; the last digit may also be 0.
func (s *Scanner) readVersion(p []byte) (int, *Refusal) {
	const form = "HTTP/1.1"
	for n, b := range p {
		switch at := s.versionRead; {
		case at == len(form):
			if b != '\r' {
				return n, badVersion
			}
			if s.major != '1' || s.minor != '0' && s.minor != '1' {
				return n, otherVersion
			}
			s.state, s.next = lineEnd, fieldStart
			return n + 1, nil
		case at == 5 && digit.has(b):
			s.major = b
		case at == 7 && digit.has(b):
			s.minor = b
		case b != form[at] || at == 5 || at == 7:
			return n, badVersion
		}
		s.versionRead++
	}
	return len(p), nil
}

// readFieldStart takes the first byte of a line of the head.
func (s *Scanner) readFieldStart(p []byte) (int, *Refusal) {
	switch p[0] {
	case '\r':
		s.state = headEnd
		return 1, nil
	case ' ', '\t':
		return 0, foldedField
	}
	s.name.reset()
	s.state = fieldName
	return 0, nil
}

func (s *Scanner) readFieldName(p []byte) (int, *Refusal) {
	n := token.run(p)
	s.name.add(p[:n])
	if n == len(p) {
		return n, nil
	}
	if p[n] != ':' || s.name.size == 0 {
		return n, badFieldName
	}
	refused := s.beginField()
	s.state = fieldValue
	return n + 1, refused
}

func (s *Scanner) readFieldValue(p []byte) (int, *Refusal) {
	n := value.run(p)
	if s.field != otherField {
		if refused := s.addValue(p[:n]); refused != nil {
			return 0, refused
		}
	}
	if n == len(p) {
		return n, nil
	}
	if p[n] != '\r' {
		return n, badFieldValue
	}
	s.state, s.next = lineEnd, fieldStart
	return n + 1, s.endField()
}

func (s *Scanner) readHeadEnd(p []byte) (int, *Refusal) {
	if p[0] != '\n' {
		return 0, badLineEnd
	}
	if refused := s.head.check(); refused != nil {
		return 0, refused
	}
	switch {
	case s.codings > 0:
		s.state = chunkStart
	case s.length > 0:
		s.state, s.left = body, s.length
	default:
		s.state = start
	}
	return 1, nil
}

// Begun returns how many requests have begun, with the empty line that may come before one.
func (s *Scanner) Begun() uint64 { return s.begun }

// AtRest reports whether the last request has come whole, and nothing of the next.
func (s *Scanner) AtRest() bool { return s.state == start }
