package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"
)

// Tree is the module as the rules see it: its folders with Go files, by their path from the root.
type Tree struct {
	Folders map[string]*Folder
}

// Folder is one package and its tests.
type Folder struct {
	Path  string
	Files []*File
}

// File is one Go file.
type File struct {
	Path      string
	Test      bool // its name ends in _test.go
	Generated bool // it says "Code generated … DO NOT EDIT."
	Comment   bool // it carries a package comment
	Lines     int
	Imports   []Use // Name is the import path
	Calls     []Use // selections from an imported package, as "time.Now", by import path and not by local name
	Gos       []int // lines of go statements
}

// Use is a mention of something at a line.
type Use struct {
	Name string
	Line int
}

// Load reads all Go files under root. It leaves out testdata, hidden folders and modules of their own.
func Load(root fs.FS) (*Tree, error) {
	tree := &Tree{Folders: map[string]*Folder{}}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(root, name)
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		file, err := parse(root, name)
		if err != nil {
			return err
		}
		tree.add(file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the source tree: %w", err)
	}
	return tree, nil
}

func skip(root fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if base == "testdata" || base == "bin" || base == "var" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir // a module of its own
	}
	return nil
}

func (t *Tree) add(file *File) {
	name := path.Dir(file.Path)
	folder := t.Folders[name]
	if folder == nil {
		folder = &Folder{Path: name}
		t.Folders[name] = folder
	}
	folder.Files = append(folder.Files, file)
}

// Sorted gives the folders in the order of their paths.
func (t *Tree) Sorted() []*Folder {
	folders := make([]*Folder, 0, len(t.Folders))
	for _, folder := range t.Folders {
		folders = append(folders, folder)
	}
	sort.Slice(folders, func(i, j int) bool { return folders[i].Path < folders[j].Path })
	return folders
}

func parse(root fs.FS, name string) (*File, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	file := &File{
		Path:      name,
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(tree),
		Comment:   tree.Doc != nil && strings.TrimSpace(tree.Doc.Text()) != "",
		Lines:     bytes.Count(text, []byte("\n")),
	}
	line := func(node ast.Node) int { return set.Position(node.Pos()).Line }
	locals := map[string]string{}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		file.Imports = append(file.Imports, Use{Name: imported, Line: line(spec)})
		locals[localName(spec, imported)] = imported
	}
	ast.Inspect(tree, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt:
			file.Gos = append(file.Gos, line(node))
		case *ast.SelectorExpr:
			ident, ok := node.X.(*ast.Ident)
			if ok && locals[ident.Name] != "" {
				file.Calls = append(file.Calls, Use{Name: locals[ident.Name] + "." + node.Sel.Name, Line: line(node)})
			}
		}
		return true
	})
	return file, nil
}

// localName is the name that an import has in its file; for one without a name of its own the last element of its
// path, which is right for the standard library, and only that is asked for by Calls.
func localName(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(imported)
}
