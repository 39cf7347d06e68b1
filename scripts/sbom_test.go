package scripts_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packagesLine finds the command by which an image lists its packages.
var packagesLine = regexp.MustCompile(`(?s)RUN install -d /sbom && (\{ .*?\}) >/sbom/packages\.cdx\.json\n`)

var programLine = regexp.MustCompile(`COPY --from=build /out/bills/\w+ /sbom\n`)

// TestImagesHaveFilesThatCanBeRead checks that what an image has of the checkout gets its permissions in there: under
// another umask its user could not read it, and the image's name, which is made of contents, would be the same.
func TestImagesHaveFilesThatCanBeRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("../*/*/Dockerfile")
	copied := 0
	for _, file := range append(files, more...) {
		text := mustRead(t, file)
		for _, found := range regexp.MustCompile(`(?m)^COPY ([^-.].*) (\S+)$`).FindAllStringSubmatch(text, -1) {
			for name := range strings.FieldsSeq(found[1]) {
				copied++
				path := strings.TrimSuffix(found[2], filepath.Base(name))
				if !regexp.MustCompile(`chmod (644|755) ` + path + filepath.Base(name) + `( |\n)`).MatchString(text) {
					t.Errorf("%s copies %s, and sets no permissions of it", file, name)
				}
			}
		}
	}
	if copied < 4 {
		t.Errorf("%d files are copied", copied)
	}
}

// TestImagesListWhatTheyHold checks that every image of ours has a bill of materials and a label that leads to it: of
// its packages where it has any, by a command that is the same in all, and of its program where that is ours.
func TestImagesListWhatTheyHold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("../*/*/Dockerfile")
	command := ""
	for _, file := range append(files, more...) {
		text := mustRead(t, file)
		if !strings.Contains(text, `org.woodytoys.sbom="/sbom"`) {
			t.Errorf("%s has no label that leads to the image's bill", file)
		}
		if strings.Contains(text, "--from=build") && !programLine.MatchString(text) {
			t.Errorf("%s has no bill of its program", file)
		}
		found := packagesLine.FindStringSubmatch(text)
		switch {
		case found == nil && !strings.Contains(text, "\nFROM scratch\n"):
			t.Errorf("%s does not list its packages", file)
		case found == nil:
		case command != "" && found[1] != command:
			t.Errorf("%s lists its packages in another way than others", file)
		default:
			command = found[1]
		}
	}
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Skip("SKIPPED: there is no dpkg-query here: the list of packages is not looked at")
	}
	out, err := exec.Command("sh", "-c", strings.ReplaceAll(command, "\\\n", "")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(out, &bill); err != nil || bill.BOMFormat != "CycloneDX" || len(bill.Components) < 50 {
		t.Errorf("%v: %d packages of %q", err, len(bill.Components), bill.BOMFormat)
	}
	for _, c := range bill.Components {
		if c.Name == "" || c.Version == "" || !strings.HasPrefix(c.PURL, "pkg:deb/debian/"+c.Name+"@") {
			t.Errorf("%+v", c)
		}
	}
}
