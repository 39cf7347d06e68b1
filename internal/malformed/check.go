package malformed

import (
	"errors"
	"fmt"
	"net"
)

// CheckRefused sends a request to a server of ours and returns nil if it gets one refusal and nothing more: 400, or 415
// with an Accept-Encoding for a content coding, or 505.
func CheckRefused(addr string, request Request) error {
	responses, err := Exchange(addr, request.Bytes)
	if err != nil {
		return err
	}
	if len(responses) != 1 {
		return fmt.Errorf("%d answers, want one: %v", len(responses), responses)
	}
	switch got := responses[0]; {
	case got.Status == 415 && got.Header.Get("Accept-Encoding") == "":
		return errors.New("415 without an Accept-Encoding")
	case got.Status != 400 && got.Status != 415 && got.Status != 505:
		return fmt.Errorf("the answer is %d %q, want 400, 415 or 505", got.Status, got.Body)
	}
	return nil
}

// CheckProxied sends a request to a proxy before servers of ours. It returns nil if an ambiguous one gets one refusal
// and nothing more. The others may be put into the proxy's own words, and then what is behind them is a request too.
func CheckProxied(addr string, request Request) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	return CheckProxiedOver(conn, request)
}

// CheckProxiedOver is CheckProxied over a connection to the proxy, which it closes.
func CheckProxiedOver(conn net.Conn, request Request) error {
	responses, err := ExchangeOver(conn, request.Bytes)
	refused := len(responses) > 0 && responses[0].Status >= 400 && responses[0].Status < 500
	switch {
	case err != nil:
		return err
	case request.Ambiguous && (len(responses) != 1 || !refused):
		return fmt.Errorf("the answers are %v, want one refusal", responses)
	case len(responses) == 0 || len(responses) > 2:
		return fmt.Errorf("%d answers to one request and one behind it: %v", len(responses), responses)
	}
	return nil
}
