package httpcache

import (
	"bytes"
	"reflect"
	"testing"
)

func made(status int, body string, fields ...field) *answer {
	a := &answer{status: status, fields: fields, body: []byte(body)}
	if fields == nil {
		a.fields = []field{}
	}
	a.prepare()
	return a
}

func TestCodec(t *testing.T) {
	for _, a := range []*answer{
		made(200, "Yoyo", field{"Etag", []string{`"v1"`}}, field{"Link", []string{"</x>; rel=next", "</y>"}},
			field{"Content-Type", nil}),
		made(404, ""),
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
	if _, err := (codec{}).Encode(&answer{status: 200, own: true}); err == nil {
		t.Error("an answer of one caller was encoded")
	}
}

// FuzzDecode checks that no bytes make it fall over, and that what it reads it writes again.
func FuzzDecode(f *testing.F) {
	b, err := codec{}.Encode(made(200, "d", field{"Etag", []string{"c"}}, field{"E", []string{"f", "g"}}))
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
		if err != nil || !bytes.Equal(value.(*answer).body, twice.(*answer).body) ||
			!reflect.DeepEqual(value.(*answer).fields, twice.(*answer).fields) {
			t.Errorf("%q, written and read again, is %+v, %v", b, twice, err)
		}
	})
}
