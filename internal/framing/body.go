package framing

const (
	sizeMax      = 8   // hexadecimal digits of a chunk's size
	extensionMax = 256 // bytes of a chunk's extension
)

// readBody reads on in a body: of a known length, or in chunks (RFC 9112 7.1). Trailers are refused: nobody here reads
// them, and parsers differ in what they let a trailer change.
func (s *Scanner) readBody(p []byte) (int, *Refusal) {
	switch s.state {
	case body, chunkBody:
		return s.skip(p)
	case chunkStart:
		s.left, s.count, s.state = 0, 0, chunkSize
		return 0, nil
	case chunkSize:
		return s.readChunkSize(p)
	case chunkExtension:
		return s.readExtension(p)
	case chunkEnd:
		if p[0] != '\r' {
			return 0, badChunkEnd
		}
		s.state, s.next = lineEnd, chunkStart
	default: // afterLast
		if p[0] != '\r' {
			return 0, hasTrailer
		}
		s.state, s.next = lineEnd, start
	}
	return 1, nil
}

func (s *Scanner) skip(p []byte) (int, *Refusal) {
	n := min(int64(len(p)), s.left)
	if s.left -= n; s.left > 0 {
		return int(n), nil
	}
	if s.state == body {
		s.state = start
	} else {
		s.state = chunkEnd
	}
	return int(n), nil
}

func (s *Scanner) readChunkSize(p []byte) (int, *Refusal) {
	for n, b := range p {
		if hex.has(b) && s.count < sizeMax {
			s.left = s.left<<4 | int64(hexValue(b))
			s.count++
			continue
		}
		switch {
		case s.count > 0 && b == ';':
			s.count, s.state = 0, chunkExtension
		case s.count > 0 && b == '\r':
			s.endChunkLine()
		default:
			return n, badChunkSize
		}
		return n + 1, nil
	}
	return len(p), nil
}

func (s *Scanner) readExtension(p []byte) (int, *Refusal) {
	n := value.run(p)
	if s.count += n; s.count > extensionMax {
		return 0, badExtension
	}
	if n == len(p) {
		return n, nil
	}
	if p[n] != '\r' {
		return n, badExtension
	}
	s.endChunkLine()
	return n + 1, nil
}

// endChunkLine takes the CR behind a chunk's size. A chunk of no bytes is the last.
func (s *Scanner) endChunkLine() {
	s.state, s.next = lineEnd, chunkBody
	if s.left == 0 {
		s.next = afterLast
	}
}

func hexValue(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b <= 'F':
		return b - 'A' + 10
	}
	return b - 'a' + 10
}
