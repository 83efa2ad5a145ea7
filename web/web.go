// Package web is the user interface: pages for people, made from the sources beside this file by `make`, and embedded.
//
// It talks to the REST API like any other client, from the browser. Where the binary was built without Node, one page says so.
package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

// Root is the path under which the pages are served.
const Root = "/ui/"

// policy lets the pages load nothing but what comes from this server, and run nothing that is written into a page.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// absent is the page of a binary that was built without the UI.
const absent = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>cierzo</title></head><body>
<h1>This cierzo was built without its user interface</h1>
<p>The REST API (<a href="/v2/">/v2</a>) and the command line (cierzo --help) work as ever.</p>
<p>To have it: install Node.js 20.19 or later with npm, then <code>make build</code>.</p>
</body></html>
`

// Handler serves the embedded pages below Root.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return New(files)
}

// Front puts the pages before the API: what is below Root is theirs, and so is "/" for browsers; everything else is the API's.
func Front(pages, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case strings.HasPrefix(r.URL.Path, Root):
			pages.ServeHTTP(w, r)
		case read && (r.URL.Path+"/" == Root || r.URL.Path == "/" && strings.Contains(r.Header.Get("Accept"), "text/html")):
			w.Header().Add("Vary", "Accept")
			http.Redirect(w, r, Root, http.StatusFound)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// New serves the pages that were built into files; a folder without index.html is one that nothing was built into.
func New(files fs.FS) http.Handler {
	p := &pages{assets: map[string]*asset{}}
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err == nil {
			p.assets[name] = newAsset(name, text)
		}
		return err
	})
	if p.index = p.assets["index.html"]; p.index == nil {
		p.index = newAsset("index.html", []byte(absent))
	}
	return p
}

type pages struct {
	assets map[string]*asset // by their path
	index  *asset
}

// ServeHTTP answers a file's path with the file, and every other path without an extension with the one page that there is: the
// page finds its way by the address.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "The pages are only read.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), strings.TrimSuffix(Root, "/"))
	name = strings.TrimPrefix(name, "/")
	a := p.assets[name]
	switch {
	case a != nil && a != p.index:
	case strings.HasPrefix(name, "assets/"):
		http.Error(w, "There is no such file in this version; load the page again.", http.StatusNotFound)
		return
	default:
		a = p.index
	}
	a.serve(w, r)
}

type asset struct {
	kind  string // of its content
	cache string
	text  []byte
	short func() []byte // compressed; nil: not worth it
}

func newAsset(name string, text []byte) *asset {
	a := &asset{kind: mime.TypeByExtension(path.Ext(name)), text: text, cache: "no-cache", short: func() []byte { return nil }}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	if strings.HasPrefix(name, "assets/") {
		a.cache = "public, max-age=31536000, immutable" // their names have a hash of their content
	}
	switch path.Ext(name) {
	case ".html", ".js", ".css", ".svg", ".json", ".txt":
		a.short = sync.OnceValue(func() []byte { return compressed(text) })
	}
	return a
}

func compressed(text []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := z.Write(text); err != nil || z.Close() != nil || b.Len() >= len(text) {
		return nil
	}
	return b.Bytes()
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h, text := w.Header(), a.text
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", a.cache)
	h.Add("Vary", "Accept-Encoding")
	if short := a.short(); short != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text = short
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // who has gone needs no answer
	}
}
