package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed openapi.json
var openAPI []byte

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS string

// docsPage is the contract as a page, made once at the start.
type docsPage struct {
	answer answer
	policy string
}

// contract is what the page shows of openapi.json.
type contract struct {
	Info struct{ Title, Version, Summary, Description string }
	Tags []struct{ Name, Description string }
	// Paths holds an operation for each method, and "parameters" beside them.
	Paths      map[string]map[string]json.RawMessage
	Components struct{ Schemas map[string]json.RawMessage }
}

type operation struct {
	Method, Path         string
	OperationID          string
	Summary, Description string
	Tags                 []string
	Parameters           []parameter
	RequestBody          any
	Responses            map[string]json.RawMessage
}

type parameter struct {
	Name, In, Description string
	Required              bool
}

func newDocsPage(spec []byte) (docsPage, error) {
	var c contract
	if err := json.Unmarshal(spec, &c); err != nil {
		return docsPage{}, fmt.Errorf("read openapi.json: %w", err)
	}
	operations, err := c.operations()
	if err != nil {
		return docsPage{}, err
	}
	page, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return docsPage{}, fmt.Errorf("read docs.html: %w", err)
	}
	var body bytes.Buffer
	err = page.Execute(&body, map[string]any{
		"Info": c.Info, "Tags": c.Tags, "Operations": operations,
		"Schemas": c.schemas(), "Style": template.CSS(docsCSS),
	})
	if err != nil {
		return docsPage{}, fmt.Errorf("make the docs page: %w", err)
	}
	style := sha256.Sum256([]byte(docsCSS))
	return docsPage{
		answer: answer{
			status: fiber.StatusOK, contentType: "text/html; charset=utf-8",
			body: body.Bytes(),
		},
		policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(style[:]) + "'",
	}, nil
}

// operations returns all calls by tag, in the order of their addresses.
func (c contract) operations() (map[string][]operation, error) {
	byTag := map[string][]operation{}
	for _, path := range slices.Sorted(maps.Keys(c.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			raw, ok := c.Paths[path][method]
			if !ok {
				continue
			}
			op := operation{Method: strings.ToUpper(method), Path: path}
			if err := json.Unmarshal(raw, &op); err != nil {
				return nil, fmt.Errorf("read %s %s: %w", method, path, err)
			}
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], op)
		}
	}
	return byTag, nil
}

type schema struct{ Name, JSON string }

func (c contract) schemas() []schema {
	var all []schema
	for _, name := range slices.Sorted(maps.Keys(c.Components.Schemas)) {
		var indented bytes.Buffer
		if json.Indent(&indented, c.Components.Schemas[name], "", "  ") == nil {
			all = append(all, schema{name, indented.String()})
		}
	}
	return all
}

// Codes returns the statuses of the call's responses, in order.
func (o operation) Codes() []string { return slices.Sorted(maps.Keys(o.Responses)) }

// Example returns the plain-text answer that the contract shows, empty where it shows none.
func (o operation) Example() string {
	for _, code := range o.Codes() {
		var response struct {
			Content map[string]struct{ Example string }
		}
		if json.Unmarshal(o.Responses[code], &response) == nil && response.Content["text/plain"].Example != "" {
			return response.Content["text/plain"].Example
		}
	}
	return ""
}

func (a *API) handleOpenAPI(c *fiber.Ctx) error {
	return sendRead(c, answer{status: fiber.StatusOK, contentType: jsonType, body: openAPI})
}

func (a *API) handleDocs(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, a.docs.policy)
	return sendRead(c, a.docs.answer)
}
