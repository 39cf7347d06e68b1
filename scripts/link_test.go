package scripts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

const mb = 1_000_000

// mustBuild returns the sizes of the programs in testdata/link, stripped, by their names.
func (u *user) mustBuild(t *testing.T, names ...string) map[string]int64 {
	t.Helper()
	for _, name := range names {
		u.mustWrite(t, name+"/main.go", mustRead(t, filepath.Join("testdata/link", name, "main.go")))
	}
	u.mustGet(t)
	sizes := map[string]int64{}
	for _, name := range names {
		u.mustRun(t, "go build -ldflags='-s -w' -o "+name+".bin ./"+name)
		info, err := os.Stat(filepath.Join(u.dir, name+".bin"))
		if err != nil {
			t.Fatal(err)
		}
		sizes[name] = info.Size()
	}
	return sizes
}

// wantMore fails the test unless a program is larger than another, by at most so many MB.
func wantMore(t *testing.T, sizes map[string]int64, program, than string, most float64) {
	t.Helper()
	more := float64(sizes[program]-sizes[than]) / mb
	t.Logf("%s is %.2f MB, %.2f MB more than %s", program, float64(sizes[program])/mb, more, than)
	if more <= 0 || more > most {
		t.Errorf("%s is %.2f MB more than %s, want up to %v", program, more, than, most)
	}
}

func TestLongCoreLinksLittle(t *testing.T) {
	t.Parallel()
	u := mustBeUser(t, "cache")
	sizes := u.mustBuild(t, "core", "corewithout")
	wantMore(t, sizes, "core", "corewithout", 3)
	foreign := regexp.MustCompile(
		`(?m)^.*(redis|prometheus|fiber|fasthttp|gocache/store|database/sql|net/http|testing).*$`)
	if found := foreign.FindAllString(u.mustRun(t, "go list -deps ./core"), -1); found != nil {
		t.Errorf("a program that keeps in one process links %q", found)
	}
}

// TestLongClusterLinksLittle checks a program with Fiber, MySQL and the cluster against the same without a cache, and,
// for whoever would use Redis anyway, against one with go-redis.
func TestLongClusterLinksLittle(t *testing.T) {
	t.Parallel()
	u := mustBeUser(t, "cache", "cache/fibercache")
	sizes := u.mustBuild(t, "cluster", "clusterwithout", "clusterredis")
	wantMore(t, sizes, "cluster", "clusterwithout", 4)
	wantMore(t, sizes, "cluster", "clusterredis", 1)
}
