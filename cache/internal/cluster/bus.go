package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// The messages, as text: the wire format, what it is, the incarnation, and then
//
//	2 i INC SEQ WRITER SLOT,SLOT   an invalidation, on the bus: the next in order after SEQ-1
//	2 r INC SEQ NUMBER             the echo of a member's renewal, in its inbox
//	2 a INC SEQ MEMBER             a member has read the bus up to SEQ, in a writer's inbox
//	2 w INC KEY                    the fill of a key has ended, in the inbox of one who waits for it
//
// A message that a replica cannot read ends its session: it may have been an invalidation.

var (
	errGap     = errors.New("a message of the bus was missed")
	errUnknown = errors.New("a message of the bus cannot be read")
	errCut     = errors.New("the bus connection was cut")
)

// listen reads the bus connection until the session ends.
func (s *session) listen(bus *redis.PubSub) {
	for {
		message, err := bus.Receive(s.ctx)
		if err != nil {
			s.end(fmt.Errorf("%w: %w", errCut, err))
			return
		}
		switch m := message.(type) {
		case *redis.Message:
			if err := s.hear(m.Payload); err != nil {
				s.end(err)
				return
			}
		case *redis.Subscription: // it connected again by itself: what came in between is lost
			s.end(errCut)
			return
		}
	}
}

func (s *session) hear(message string) error {
	parts := strings.SplitN(message, " ", 4)
	if len(parts) < 4 || parts[0] != strconv.Itoa(Wire) {
		return fmt.Errorf("%w: %.60q", errUnknown, message)
	}
	kind, inc, rest := parts[1], parts[2], parts[3]
	if kind == "w" {
		s.membership.wake(rest) // only a hint, so it may come from anybody
		return nil
	}
	if inc != s.inc.String() {
		return errLost
	}
	number, rest, _ := strings.Cut(rest, " ")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %.60q", errUnknown, message)
	}
	switch kind {
	case "i":
		return s.hearInvalidation(seq, rest)
	case "a":
		raise(&s.announced, seq)
		s.acks.hear(rest, seq)
		return nil
	case "r":
		renewal, err := strconv.ParseUint(rest, 10, 64)
		if err == nil {
			s.hearEcho(seq, renewal)
		}
		return err
	}
	return fmt.Errorf("%w: %.60q", errUnknown, message)
}

func (s *session) hearInvalidation(seq uint64, rest string) error {
	switch seen := s.seen.Load(); {
	case seq <= s.marks.seq && !s.past:
		return nil // a message from between the subscription and the registration, already in the marks
	case seq <= seen && !broken.Past:
		return errWentBack
	case seq <= seen:
		return nil
	case seq != seen+1:
		return errGap
	}
	s.past = true
	writer, list, _ := strings.Cut(rest, " ")
	slots, err := parseSlots(list)
	if err != nil {
		return err
	}
	s.Fences.InvalidateAt(s.stamp(seq), slots)
	s.seen.Store(seq)
	if writer == s.member {
		s.acks.hear(s.member, seq)
		return nil
	}
	s.mu.Lock()
	s.due[writer] = seq
	s.mu.Unlock()
	select {
	case s.dueNow <- struct{}{}:
	default:
	}
	return nil
}

// acknowledge publishes to writers what this replica has read. One acknowledgement stands for all before it.
func (s *session) acknowledge() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.dueNow:
		}
		s.mu.Lock()
		due := s.due
		s.due = map[string]uint64{}
		s.mu.Unlock()
		ctx, cancel := s.bounded(s.ctx)
		_, err := s.redis.control.Pipelined(ctx, func(p redis.Pipeliner) error {
			for writer, seq := range due {
				p.Publish(ctx, s.names.inbox(writer), fmt.Sprintf("%d a %s %d %s", Wire, s.inc, seq, s.member))
			}
			return nil
		})
		cancel()
		if err != nil {
			s.failed(err) // the writer gives up on this replica, and waits out its lease
		}
	}
}

func formatSlots(slots []uint16) string {
	b := make([]byte, 0, 6*len(slots))
	for i, slot := range slots {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(slot), 10)
	}
	return string(b)
}

func parseSlots(list string) ([]uint16, error) {
	var slots []uint16
	for number := range strings.SplitSeq(list, ",") {
		if number == "" {
			continue
		}
		slot, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%w: slots %.60q", errUnknown, list)
		}
		slots = append(slots, uint16(slot))
	}
	return slots, nil
}
