package cluster

import (
	"reflect"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

func someValue() Value {
	return Value{
		ID: newToken(), Inc: newToken(), Seq: 7, Expires: time.UnixMilli(1_790_000_000_000), Absent: true,
		Outlives: true, Slots: layer.PackSlots([]uint16{0, 1, 65535}), Payload: []byte("toy"),
	}
}

func TestValueIsReadAsWritten(t *testing.T) {
	for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		want := someValue()
		want.Absent, want.Outlives = flags[0], flags[1]
		var got Value
		if err := got.unmarshal(want.marshal()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
	}
	want := someValue()
	raw := want.marshal()
	var got Value
	if err := got.unmarshal(raw); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if got, want := idOf(raw), string(want.ID[:]); got != want {
		t.Errorf("acquire.lua finds the ID %x, want %x", got, want)
	}
	for cut := range len(raw) - len(want.Payload) {
		if err := new(Value).unmarshal(raw[:cut]); err == nil {
			t.Errorf("the first %d bytes of %d were read", cut, len(raw))
		}
	}
	other := append([]byte{Wire + 1}, raw[1:]...)
	if err := new(Value).unmarshal(other); err == nil {
		t.Error("a value of another wire format was read")
	}
}

func FuzzValue(f *testing.F) {
	v := someValue()
	f.Add(v.marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v, again Value
		if v.unmarshal(raw) != nil {
			return
		}
		if err := again.unmarshal(v.marshal()); err != nil || !reflect.DeepEqual(v, again) {
			t.Errorf("%q was read as %+v, and written and read again as %+v, %v", raw, v, again, err)
		}
	})
}
