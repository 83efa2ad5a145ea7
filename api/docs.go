package api

import (
	"bytes"
	"net/http"
	"strings"

	"cierzo/api/openapi"
	"cierzo/fault"
)

// documents are the forms of the OpenAPI document, made when somebody asks for the first of them.
type documents struct {
	json, yaml, page []byte
}

func makeDocuments(table []Route) (*documents, error) {
	d, err := document(table)
	if err != nil {
		return nil, err
	}
	var out documents
	if out.json, err = d.JSON(); err != nil {
		return nil, err
	}
	if out.yaml, err = openapi.YAML(out.json); err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = d.Page(&page)
	out.page = page.Bytes()
	return &out, err
}

// docsPolicy lets the page load its own style and script, and nothing from anywhere else.
const docsPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (s *server) openAPI(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.documents()
	if err != nil {
		return err
	}
	if strings.HasSuffix(r.URL.Path, ".yaml") {
		s.writeFile(w, "application/yaml", docs.yaml)
		return nil
	}
	s.writeFile(w, "application/json", docs.json)
	return nil
}

func (s *server) docs(w http.ResponseWriter, _ *http.Request) error {
	docs, err := s.documents()
	if err != nil {
		return err
	}
	s.writeFile(w, "text/html; charset=utf-8", docs.page)
	return nil
}

func (s *server) docsFile(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	data, kind, ok := openapi.Asset(name)
	if !ok {
		return fault.New(fault.NotFound, "There is no file %s of the documentation", clipText(name))
	}
	s.writeFile(w, kind, data)
	return nil
}

func (s *server) writeFile(w http.ResponseWriter, kind string, data []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", docsPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(data); err != nil {
		s.Logger.Debug("answer not written", "error", err)
	}
}
