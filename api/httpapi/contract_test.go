package httpapi_test

import (
	"bytes"
	"maps"
	"mime"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contractDoc is openapi.json, with references within it followed.
var contractDoc = sync.OnceValue(func() map[string]any {
	file, err := os.Open("openapi.json")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		panic(err)
	}
	return doc.(map[string]any)
})

// contractSchemas compiles the schemas of openapi.json, each by its address in the file.
var contractSchemas = struct {
	sync.Mutex
	compiler *jsonschema.Compiler
}{compiler: jsonschema.NewCompiler()}

var formatAssertions = sync.OnceValue(func() error {
	contractSchemas.compiler.AssertFormat()
	return contractSchemas.compiler.AddResource("openapi.json", any(contractDoc()))
})

// followed returns a node of the contract, or what its $ref points to, and its address.
func followed(node any, address string) (map[string]any, string) {
	object, _ := node.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok {
		return object, address
	}
	var at any = contractDoc()
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[part]
	}
	return at.(map[string]any), ref
}

var pathParameter = regexp.MustCompile(`\\\{\w+\\\}`)

// contractPath returns the contract's template for a path, empty when it has none.
func contractPath(path string) string {
	paths := contractDoc()["paths"].(map[string]any)
	if len(path) > 1 {
		path = strings.TrimRight(path, "/") // as Fiber does
	}
	if _, exact := paths[path]; exact {
		return path
	}
	for template := range paths {
		pattern := "^" + pathParameter.ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`) + "$"
		if regexp.MustCompile(pattern).MatchString(path) {
			return template
		}
	}
	return ""
}

// outOfContract are statuses that any address may answer with.
var outOfContract = []int{
	http.StatusNoContent, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusInternalServerError, http.StatusNotImplemented,
}

// checkContract fails the test unless openapi.json knows such an answer of the call: its status,
// its header fields, its media type and the shape of its JSON.
func checkContract(t testing.TB, method, path string, got reply) {
	t.Helper()
	if err := formatAssertions(); err != nil {
		t.Fatal(err)
	}
	if got.header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: the answer has no X-Request-Id", method, path)
	}
	key := strings.ToLower(method)
	if method == http.MethodHead {
		key = "get"
	}
	template := contractPath(path)
	item, _ := contractDoc()["paths"].(map[string]any)[template].(map[string]any)
	operation, _ := item[key].(map[string]any)
	if operation == nil {
		// 400 is for what is not HTTP, as a space in the query: it is said before any address is looked at.
		if got.status != http.StatusBadRequest && !slices.Contains(outOfContract, got.status) {
			t.Errorf("%s %s answers %d and is not in openapi.json", method, path, got.status)
		}
		return
	}
	responses := operation["responses"].(map[string]any)
	code := strconv.Itoa(got.status)
	response, address := followed(responses[code], "#/paths/"+pointer(template)+"/"+key+"/responses/"+code)
	if response == nil && slices.Contains(outOfContract, got.status) {
		return
	}
	if response == nil {
		t.Errorf("%s %s: openapi.json knows no status %d (%q)", method, path, got.status, got.body)
		return
	}
	checkHeader(t, method+" "+path, response, got)
	if method != http.MethodHead && got.body != "" {
		checkBody(t, method+" "+path, response, address, got)
	}
}

func checkHeader(t testing.TB, call string, response map[string]any, got reply) {
	t.Helper()
	headers, _ := response["headers"].(map[string]any)
	for name, node := range headers {
		header, _ := followed(node, "")
		if header["required"] == true && got.header.Get(name) == "" {
			t.Errorf("%s: the answer %d has no %s", call, got.status, name)
		}
	}
}

func checkBody(t testing.TB, call string, response map[string]any, address string, got reply) {
	t.Helper()
	media, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil {
		t.Errorf("%s: Content-Type: %v", call, err)
		return
	}
	content, _ := response["content"].(map[string]any)
	if content[media] == nil {
		t.Errorf("%s: the answer %d is %s; openapi.json knows %v",
			call, got.status, media, slices.Collect(maps.Keys(content)))
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(got.body)))
	if err != nil {
		t.Errorf("%s: %v in %q", call, err, got.body)
		return
	}
	contractSchemas.Lock()
	defer contractSchemas.Unlock()
	schema, err := contractSchemas.compiler.Compile("openapi.json" + address + "/content/" + pointer(media) + "/schema")
	if err != nil {
		t.Fatalf("%s: %v", call, err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s: %q is not what openapi.json says: %v", call, got.body, err)
	}
}

// pointer writes a name as a part of a JSON pointer (RFC 6901).
func pointer(name string) string { return strings.ReplaceAll(name, "/", "~1") }

var fiberParameter = regexp.MustCompile(`:(\w+)(<\w+>)?`)

// TestContractListsEveryRoute checks the routes and openapi.json against each other, both ways.
func TestContractListsEveryRoute(t *testing.T) {
	routes := map[string]bool{}
	for _, route := range mustServeAccounts(t).api.App().GetRoutes(true) {
		path := fiberParameter.ReplaceAllString(route.Path, "{$1}")
		if route.Method != http.MethodHead && path != "/" && path != "/api" {
			routes[strings.ToLower(route.Method)+" "+path] = true
		}
	}
	documented := map[string]bool{}
	for path, item := range contractDoc()["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				documented[method+" "+path] = true
			}
		}
	}
	if !maps.Equal(routes, documented) {
		t.Errorf("routes     %v\nopenapi.json %v",
			slices.Sorted(maps.Keys(routes)), slices.Sorted(maps.Keys(documented)))
	}
}
