package fibercache

import (
	"bytes"
	"reflect"
	"testing"
)

func TestCodec(t *testing.T) {
	for _, a := range []*Answer{
		{status: 200, contentType: []byte("text/plain"), etag: []byte(`"v1"`), body: []byte("Yoyo"),
			fields: []field{{[]byte("Vary"), []byte("Accept")}, {[]byte("Link"), []byte("</x>; rel=next")}}},
		{status: 404, contentType: []byte("application/problem+json"), etag: []byte{}, fields: []field{},
			body: []byte{}},
	} {
		b, err := codec{}.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec{}.Decode(b)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("decoded %+v, %v; want %+v", got, err, a)
		}
		for cut := range len(b) - len(a.body) {
			if got, err := (codec{}).Decode(b[:cut]); err == nil {
				t.Errorf("decoded the first %d bytes of %d as %+v", cut, len(b), got)
			}
		}
	}
	if _, err := (codec{}).Encode(&Answer{status: 200, own: true}); err == nil {
		t.Error("an answer of one caller was encoded")
	}
}

// TestCodecOfOwners checks that an owner is read back, also an empty one, and that nobody reads an answer with an owner
// as one without, nor the other way round. What has no owner is written as it was before there were any.
func TestCodecOfOwners(t *testing.T) {
	for _, owner := range []string{"", "ann"} {
		a := &Answer{status: 404, contentType: []byte("a/b"), etag: []byte{}, fields: []field{}, body: []byte("c"),
			owner: owner}
		b, err := codec{owned: true}.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (codec{owned: true}).Decode(b); err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("decoded %+v, %v; want %+v", got, err, a)
		}
		for cut := range len(b) - len(a.body) {
			if got, err := (codec{owned: true}).Decode(b[:cut]); err == nil {
				t.Errorf("decoded the first %d bytes of %d as %+v", cut, len(b), got)
			}
		}
		if got, err := (codec{}).Decode(b); err == nil {
			t.Errorf("with owner %q, a route that asks for none decoded %+v", owner, got)
		}
	}
	b, err := codec{}.Encode(&Answer{status: 200, contentType: []byte("a/b"), body: []byte("c")})
	if want := []byte("\xc8\x01\x03a/b\x00\x00c"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("an answer of anybody is written as %q, %v; want %q, as releases before read it", b, err, want)
	}
	if got, err := (codec{owned: true}).Decode(b); err == nil {
		t.Errorf("a route that asks for owners decoded %+v, which has none", got)
	}
}

// FuzzDecode checks that no bytes make it fall over, and that what it reads it writes again.
func FuzzDecode(f *testing.F) {
	b, err := codec{}.Encode(&Answer{status: 200, contentType: []byte("a/b"), etag: []byte("c"), body: []byte("d"),
		fields: []field{{[]byte("e"), []byte("f")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add(append([]byte("\xb0\x09\x03ann"), b[2:]...), true)
	f.Fuzz(func(t *testing.T, b []byte, owned bool) {
		codec := codec{owned}
		value, err := codec.Decode(b)
		if err != nil {
			return
		}
		again, err := codec.Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := codec.Decode(again)
		if err != nil || !bytes.Equal(value.(*Answer).body, twice.(*Answer).body) {
			t.Errorf("%q, written and read again, is %+v, %v", b, twice, err)
		}
	})
}
