package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// zoneOf returns a small zone with a serial and more records.
func zoneOf(serial string, more ...string) string {
	return "$TTL 1h\n@ IN SOA ns hostmaster (\n\t" + serial +
		" ; serial\n\t1h 15m 2w 5m )\n\tIN NS ns\nns IN A 192.0.2.53\n" +
		strings.Join(more, "\n") + "\n"
}

func mustWrite(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "example.org")
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dns runs the script on a day.
func dns(today string, args ...string) (output string, err error) {
	cmd := exec.Command("./dns", args...)
	cmd.Env = append(os.Environ(), "DNS_TODAY="+today)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustDNS(t *testing.T, today string, args ...string) {
	t.Helper()
	if out, err := dns(today, args...); err != nil {
		t.Fatalf("dns %q: %v\n%s", args, err, out)
	}
}

// TestAliasIsServed changes the example that ships, and asks a name server.
func TestAliasIsServed(t *testing.T) {
	file := mustWrite(t, mustRead(t, "../cdn/zone"))
	server, err := servers.StartNamed("example.org", file)
	if err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	defer server.Close()
	dig := func(name, kind, want string) {
		t.Helper()
		if got, err := server.Dig(name, kind); err != nil || got != want {
			t.Errorf("dig %s %s = %q, %v; want %q", name, kind, got, err, want)
		}
	}
	soa := "ns1.example.org. hostmaster.example.org. %s 3600 900 1209600 300"
	awaitSerial := func(serial string) { // rndc does not wait until the zone is loaded
		t.Helper()
		if err := server.AwaitReady(30*time.Second, func() error {
			got, err := server.Dig("example.org", "SOA")
			if want := fmt.Sprintf(soa, serial); err == nil && got != want {
				err = fmt.Errorf("dig example.org SOA = %q, want %q", got, want)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	dig("cdn.example.org", "CNAME", "cl-1234.provider.example.")
	dig("example.org", "SOA", fmt.Sprintf(soa, "2026112100"))

	mustDNS(t, "20261201", "--reload", server.Reload, "example.org", file, "cdn", "CL-9.other.example")
	awaitSerial("2026120100")
	dig("cdn.example.org", "CNAME", "cl-9.other.example.")

	mustDNS(t, "20261201", "--reload", server.Reload, "--ttl", "60", "example.org", file, "static.shop",
		"cl-9.other.example.")
	awaitSerial("2026120101")
	dig("static.shop.example.org", "CNAME", "cl-9.other.example.")
	dig("cdn.shop.example.org", "CNAME", "shop.example.org.")

	if out, err := dns("20261201", "--reload", server.Reload, "example.org", file, "shop",
		"cl-9.other.example"); err == nil {
		t.Errorf("an alias beside an address is taken: %s", out)
	}
	dig("shop.example.org", "A", "192.0.2.10")
	dig("example.org", "SOA", fmt.Sprintf(soa, "2026120101"))
}

func TestSerial(t *testing.T) {
	for _, row := range []struct{ old, today, want string }{
		{"2026112000", "20261121", "2026112100"}, // a new day
		{"2026112100", "20261121", "2026112101"}, // the same day
		{"2026112199", "20261121", "2026112200"}, // the hundredth change of a day: beyond it
		{"2026112200", "20261121", "2026112201"}, // and it goes on from there
		{"2026112201", "20261122", "2026112202"},
		{"2027010100", "20261121", "2027010101"}, // somebody was ahead of time: never back
		{"1999123107", "20261121", "2026112100"},
		{"7", "20261121", "8"},                   // a counter stays one
		{"2026139901", "20261121", "2026139902"}, // there is no such day: a counter
		{"4294967294", "20261121", "4294967295"},
		{"4294967295", "20261121", "1"}, // RFC 1982: 1 comes after it; 0 is left out
		{"0", "20261121", "1"},
		{"2147483647", "20261121", "2147483648"}, // not a signed number
	} {
		file := mustWrite(t, zoneOf(row.old))
		mustDNS(t, row.today, "example.org", file, "cdn", "a.example")
		if got, want := mustRead(t, file), zoneOf(row.want)+
			"cdn.example.org.\t300\tIN\tCNAME\ta.example.\n"; got != want {
			t.Errorf("on %s, serial %s became\n%s\nwant\n%s", row.today, row.old, got, want)
		}
	}
}

// TestFormsOfZones changes one alias in zones that are written in all the ways that a zone may be: the serial and the
// alias are new, and every other byte is as it was.
func TestFormsOfZones(t *testing.T) {
	const soa = "@ SOA ns hm 7 1h 15m 2w 5m\n@ NS ns\nns A 192.0.2.53\n"
	for _, row := range []struct{ name, before, after string }{
		{"a plain one", "$TTL 1h\n" + soa + "cdn CNAME old.example.\n",
			"$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) + "cdn CNAME new.example.\n"},
		{"a time and a class", "$TTL 1h\n" + soa + "cdn 1h30m IN CNAME old.example. ; ours\n",
			"$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) + "cdn 1h30m IN CNAME new.example. ; ours\n"},
		{"a class and a time", "$TTL 1h\n" + soa + "cdn\tin\t60\tcname\told.example.\n",
			"$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) + "cdn\tin\t60\tcname\tnew.example.\n"},
		{"a full name", "$TTL 1h\n" + soa + "CDN.Example.Org. CNAME old.example.\n",
			"$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) + "CDN.Example.Org. CNAME new.example.\n"},
		{"a short target", "$TTL 1h\n" + soa + "cdn CNAME ns\n",
			"$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) + "cdn CNAME new.example.\n"},
		{"another origin", "$ORIGIN org.\n$TTL 1h\nexample SOA ns.example hm 7 1h 15m 2w 5m\n NS ns.example\n" +
			"$ORIGIN example\nns A 192.0.2.53\ncdn CNAME old.example.\n$ORIGIN x.example.org.\n" +
			"cdn CNAME other.example.\n",
			"$ORIGIN org.\n$TTL 1h\nexample SOA ns.example hm 8 1h 15m 2w 5m\n NS ns.example\n$ORIGIN example\n" +
				"ns A 192.0.2.53\ncdn CNAME new.example.\n$ORIGIN x.example.org.\ncdn CNAME other.example.\n"},
		{"several lines, remarks that look like records", "; @ SOA x y 1 (\n$TTL 1h\n@ IN SOA ns hm ( ; 7 is not it " +
			")\n 7 ; nor this: 7\n 1h 15m\n 2w 5m ) ; end (\n NS ns\nns A 192.0.2.53\n; cdn CNAME old.example.\n" +
			"cdn CNAME ( old.example. )\n",
			"; @ SOA x y 1 (\n$TTL 1h\n@ IN SOA ns hm ( ; 7 is not it )\n 8 ; nor this: 7\n 1h 15m\n" +
				" 2w 5m ) ; end (\n NS ns\nns A 192.0.2.53\n; cdn CNAME old.example.\ncdn CNAME ( new.example. )\n"},
		{"texts", "$TTL 1h\n" + soa + "t TXT \"; ( cdn CNAME \\\" old.example.\"\ncdn CNAME old.example.\n" +
			"u TXT a\\;b\\(\n", "$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) +
			"t TXT \"; ( cdn CNAME \\\" old.example.\"\ncdn CNAME new.example.\nu TXT a\\;b\\(\n"},
		{"hosts that are called like other things", "$TTL 1h\n" + soa + "cname A 192.0.2.1\n7 A 192.0.2.7\n" +
			"soa CNAME cdn\ncdn CNAME old.example.\n", "$TTL 1h\n" + strings.Replace(soa, "7", "8", 1) +
			"cname A 192.0.2.1\n7 A 192.0.2.7\nsoa CNAME cdn\ncdn CNAME new.example.\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := mustWrite(t, row.before)
			mustDNS(t, "20261121", "example.org", file, "cdn", "new.example")
			if got := mustRead(t, file); got != row.after {
				t.Errorf("the zone is\n%s\nwant\n%s", got, row.after)
			}
		})
	}
}

// TestRefused checks every reason not to change a zone: the file is what it was, and nothing else is left behind.
func TestRefused(t *testing.T) {
	good := zoneOf("7", "cdn CNAME old.example.", "shop A 192.0.2.10", "many CNAME a.example.")
	args := []string{"example.org", "FILE", "cdn", "new.example"}
	with := func(n int, value string) []string {
		changed := append([]string{}, args...)
		changed[n] = value
		return changed
	}
	for _, row := range []struct {
		name, zone string
		args       []string
		says       string
	}{
		{"a zone that is broken", good + "oops\n", args, "named-checkzone refuses"},
		{"a zone without a name server", "$TTL 1h\n@ SOA ns hm 7 1h 15m 2w 5m\n", args, "has no NS records"},
		{"another zone's file", "$TTL 1h\nexample.com. SOA ns.example.com. hm.example.com. 7 1h 15m 2w 5m\n" +
			"example.com. NS ns.example.com.\n", args, "has 0 SOA records"},
		{"an alias beside an address", good, with(2, "shop"), "CNAME and other data"},
		{"the zone's own name", good, with(2, "example.org"), "cannot be an alias"},
		{"a name of another zone", good, with(2, "cdn.example.com."), "is not in the zone"},
		{"a name that is none", good, with(2, "c dn"), "is not a name"},
		{"a target that is none", good, with(3, "new.example;reboot"), "is not a name"},
		{"an empty target", good, with(3, ""), "is not a name"},
		{"an alias of itself", good, with(3, "cdn.example.org"), "alias of itself"},
		{"a signed zone", good + "@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF" +
			"+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==\n", args, "signed"},
		{"an alias in another file", good[:strings.Index(good, "cdn CNAME")] + "$INCLUDE more\n", args,
			"named-checkzone refuses"},
		{"a time that is none", good, append([]string{"--ttl", "soon"}, args...), "--ttl"},
		{"a reload that fails", good, append([]string{"--reload", "echo no server; exit 3"}, args...), "no server"},
		{"a file that is not there", good, with(1, "/nowhere/zone"), "cannot read the zone file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := mustWrite(t, row.zone)
			more := filepath.Join(filepath.Dir(file), "more")
			if err := os.WriteFile(more, []byte("cdn CNAME old.example.\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			for i, arg := range row.args {
				if arg == "FILE" {
					row.args = append([]string{}, row.args...)
					row.args[i] = file
				}
			}
			out, err := dns("20261121", row.args...)
			if err == nil || !strings.Contains(out, row.says) {
				t.Errorf("%v %q, want a refusal that says %q", err, out, row.says)
			}
			if got := mustRead(t, file); got != row.zone {
				t.Errorf("the zone is now\n%s", got)
			}
			mustBeAlone(t, file, "more")
		})
	}
}

func mustBeAlone(t *testing.T, file string, others ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1+len(others) {
		t.Errorf("beside the zone there is %v, want %q alone", entries, others)
	}
}

func TestZoneThatAServerWritesToIsRefused(t *testing.T) {
	file := mustWrite(t, zoneOf("7"))
	if err := os.WriteFile(file+".jnl", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := dns("20261121", "example.org", file, "cdn", "a.example"); err == nil ||
		!strings.Contains(out, "freeze") {
		t.Errorf("%v %q, want a refusal that says what to do", err, out)
	}
}

// TestSecondRunChangesNothing checks that a second run only reloads, when it is told to: the first may have been told
// not to.
func TestSecondRunChangesNothing(t *testing.T) {
	file := mustWrite(t, zoneOf("7"))
	mustDNS(t, "20261121", "example.org", file, "cdn", "a.example")
	first := mustRead(t, file)
	if out, err := dns("20261122", "--reload", "touch "+file+".reloaded", "example.org", file, "cdn.example.org",
		"A.example."); err != nil || !strings.Contains(out, "already") {
		t.Errorf("%v %q, want success that says so", err, out)
	}
	if got := mustRead(t, file); got != first {
		t.Errorf("the zone is now\n%s", got)
	}
	if _, err := os.Stat(file + ".reloaded"); err != nil {
		t.Errorf("there was no reload: %v", err)
	}
}

// TestFileStaysWhatItIs: its mode, and the link that leads to it.
func TestFileStaysWhatItIs(t *testing.T) {
	file := mustWrite(t, zoneOf("7"))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	mustDNS(t, "20261121", "example.org", link, "cdn", "a.example")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o640 {
		t.Errorf("the file's mode is %v, %v; want 0640", info.Mode(), err)
	}
	mustBeAlone(t, file)
}

// TestTwoAtATime checks that no change is lost when several people change one zone at once.
func TestTwoAtATime(t *testing.T) {
	file := mustWrite(t, zoneOf("7"))
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			if out, err := dns("20261121", "example.org", file, fmt.Sprintf("cdn-%d", n), "a.example"); err != nil {
				t.Errorf("%v %s", err, out)
			}
		})
	}
	group.Wait()
	zone := mustRead(t, file)
	if got := strings.Count(zone, "CNAME"); got != 8 || !strings.Contains(zone, "\t15 ; serial") {
		t.Errorf("%d aliases, want 8 and the serial 15:\n%s", got, zone)
	}
}

func TestDNSHelp(t *testing.T) {
	if out, err := dns("20261121", "--help"); err != nil || !strings.Contains(out, "--reload") {
		t.Errorf("--help: %v %s", err, out)
	}
	if out, err := dns("20261121", "example.org"); err == nil || !strings.Contains(out, "usage:") {
		t.Errorf("too few arguments: %v %s, want a failure and the usage", err, out)
	}
}
