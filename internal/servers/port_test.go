package servers

import "testing"

// TestPortsAreGivenOutOnce asks for so many that chance alone would return some of them twice.
func TestPortsAreGivenOutOnce(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 500 {
		port, err := FreePort("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		if given[port] {
			t.Fatalf("%s is given out twice", port)
		}
		given[port] = true
	}
}
