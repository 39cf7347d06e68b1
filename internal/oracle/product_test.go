package oracle_test

import (
	"encoding/json"
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestProduct(t *testing.T) {
	p := oracle.Product{ID: 7, Name: "Yo-yo", Version: 12}
	body := p.AppendJSON(nil)
	want, err := json.Marshal(p)
	if err != nil || string(body) != string(want) {
		t.Errorf("%s, want %s, %v", body, want, err)
	}
	for body, want := range map[string]int64{string(body): 12, `{"id":7,"version":"x"}`: 0, "toy": 0,
		`{"name":"a","version":}`: 0} {
		if got := oracle.VersionOf([]byte(body)); got != want {
			t.Errorf("version of %s = %d, want %d", body, got, want)
		}
	}
}
