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

// FuzzDecode checks that no bytes make it fall over, and that what it reads it writes again.
func FuzzDecode(f *testing.F) {
	b, err := codec{}.Encode(&Answer{status: 200, contentType: []byte("a/b"), etag: []byte("c"), body: []byte("d"),
		fields: []field{{[]byte("e"), []byte("f")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := codec{}.Decode(b)
		if err != nil {
			return
		}
		again, err := codec{}.Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := codec{}.Decode(again)
		if err != nil || !bytes.Equal(value.(*Answer).body, twice.(*Answer).body) {
			t.Errorf("%q, written and read again, is %+v, %v", b, twice, err)
		}
	})
}
