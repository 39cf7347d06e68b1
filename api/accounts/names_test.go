package accounts

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"ann": "ann", "ANN": "ann", "Ann.O-Neil_1+toys@example.org": "ann.o-neil_1+toys@example.org", "007": "007",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
		"an":                    "", "": "", strings.Repeat("a", 65): "", " ann": "", "ann ": "", "-ann": "",
		"a n n": "",
		"ann\n": "", "ann\x00": "", "аnn": "", "änn": "", "ａｎｎ": "", "ann'--": "", "ann%": "", "a/b": "",
	} {
		got, err := CleanName(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is cleaned to %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestLooks(t *testing.T) {
	for _, same := range [][]string{
		{"admin", "adrnin"}, {"bill", "bi11", "bil1", "blll", "bill.", "bill-_"},
		{"dora", "clora", "c1ora", "ciora"}, {"bob", "b0b"}, {"ann-b", "ann_b", "ann.b"},
		{"william", "vvilliam"},
	} {
		for _, name := range same {
			if lookOf(name) != lookOf(same[0]) {
				t.Errorf("%s and %s have not the same look", name, same[0])
			}
		}
	}
	for name, want := range map[string]bool{
		"admin": true, "admln": true, "adm1n": true, "aclmin": true, "ac1min": true, "adrnin": true, "admin.": true,
		"admin@": true, "admins": true, "admin2": true, "administrator": true, "aclministrateur": true, "root": true,
		"r00t": true, "support": true, "supp0rt_": true, "woody": true, "vvoody": true, "w00cly": true,
		"woodytoys@example.org": true, "wooclytoys": true,
		"ann": false, "admiral": false, "adam": false, "rooted": false, "supporter": false, "wood": false, "bob": false,
	} {
		if got := isReserved(name); got != want {
			t.Errorf("%s is reserved: %t, want %t", name, got, want)
		}
	}
	for _, apart := range [][2]string{{"ann", "anne"}, {"ann-b", "annb"}, {"bob2", "bob3"}} {
		if lookOf(apart[0]) == lookOf(apart[1]) {
			t.Errorf("%s and %s have the same look", apart[0], apart[1])
		}
	}
}
