package arch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Check compares a tree with the table and gives all violations, in the order of paths and lines.
func Check(tree *Tree) []Violation {
	c := &checker{tree: tree, rules: map[string]Rule{}}
	for _, rule := range Rules() {
		c.rules[rule.Folder] = rule
	}
	for _, folder := range tree.Sorted() {
		c.named(folder)
		c.comment(folder)
		for _, file := range folder.Files {
			c.length(file)
			c.own(folder, file)
			c.outside(folder, file)
			c.features(folder, file)
		}
	}
	for _, rule := range Rules() {
		c.reach(rule)
	}
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return c.found
}

type checker struct {
	tree  *Tree
	rules map[string]Rule
	found []Violation
}

func (c *checker) report(path, format string, args ...any) {
	c.found = append(c.found, Violation{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) reportLine(file *File, line int, format string, args ...any) {
	c.found = append(c.found, Violation{Path: file.Path, Line: line, Text: fmt.Sprintf(format, args...)})
}

// named refuses a folder that nobody wrote down.
func (c *checker) named(folder *Folder) {
	if _, ok := c.rules[folder.Path]; !ok {
		c.report(folder.Path, "is not in the table: write down in internal/arch/table.go what it may import")
	}
}

// comment wants one file of each package, and only one, to carry the comment that a reader can start from.
func (c *checker) comment(folder *Folder) {
	shipped, comments := 0, 0
	for _, file := range folder.Files {
		if file.Test {
			continue
		}
		shipped++
		if file.Comment {
			comments++
		}
	}
	if shipped > 0 && comments == 0 {
		c.report(folder.Path, "has no package comment")
	}
	if comments > 1 {
		c.report(folder.Path, "has %d package comments: one place to start from is enough", comments)
	}
}

func (c *checker) length(file *File) {
	if !file.Generated && file.Lines > LinesMax {
		c.report(file.Path, "has %d lines, the limit is %d", file.Lines, LinesMax)
	}
}

// own compares the imports of this module with the folder's rule.
func (c *checker) own(folder *Folder, file *File) {
	rule, ok := c.rules[folder.Path]
	if !ok {
		return
	}
	allowed := append([]string{folder.Path}, everybody()...)
	allowed = append(allowed, rule.May...)
	if file.Test {
		allowed = append(allowed, tests()...)
		allowed = append(allowed, rule.TestsMay...)
	}
	for _, use := range file.Imports {
		target, ours := inModule(use.Name)
		if ours && !matchAny(allowed, target) {
			c.reportLine(file, use.Line, "%s may not import %s", folder.Path, target)
		}
	}
}

// outside looks at the packages that are kept to a few rooms.
func (c *checker) outside(folder *Folder, file *File) {
	for _, ban := range Bans() {
		if !ban.Room.covers(folder, file) {
			continue
		}
		for _, use := range file.Imports {
			if matchAny(ban.Imports, use.Name) && !matchAny(ban.Except, use.Name) {
				c.reportLine(file, use.Line, "%s may not import %s: %s", folder.Path, use.Name, ban.Because)
			}
		}
	}
}

// features looks for goroutines and functions of the standard library that the core does without.
func (c *checker) features(folder *Folder, file *File) {
	for _, ban := range Bans() {
		if !ban.Room.covers(folder, file) {
			continue
		}
		for _, use := range file.Calls {
			if matchAny(ban.Calls, use.Name) {
				c.reportLine(file, use.Line, "%s may not use %s: %s", folder.Path, use.Name, ban.Because)
			}
		}
		if ban.Goroutines {
			for _, line := range file.Gos {
				c.reportLine(file, line, "%s may not start a goroutine: %s", folder.Path, ban.Because)
			}
		}
	}
}

// reach follows the imports of shipped files through the module and refuses a way to a folder that must stay out of
// reach; it names the way.
func (c *checker) reach(rule Rule) {
	if len(rule.NeverReaches) == 0 || c.tree.Folders[rule.Folder] == nil {
		return
	}
	type step struct {
		folder string
		way    string
	}
	seen := map[string]bool{rule.Folder: true}
	for queue := []step{{rule.Folder, rule.Folder}}; len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		for _, next := range c.imports(at.folder) {
			if seen[next] {
				continue
			}
			seen[next] = true
			way := at.way + " → " + next
			if matchAny(rule.NeverReaches, next) {
				c.report(rule.Folder, "must not reach %s: %s", next, way)
				continue
			}
			queue = append(queue, step{next, way})
		}
	}
}

// imports gives what a folder's shipped files import, folders of the module by their path, in order.
func (c *checker) imports(name string) []string {
	folder := c.tree.Folders[name]
	if folder == nil {
		return nil
	}
	var out []string
	for _, file := range folder.Files {
		if file.Test {
			continue
		}
		for _, use := range file.Imports {
			target, _ := inModule(use.Name)
			out = append(out, target)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inModule gives the folder of an import path of this module, or the path itself.
func inModule(imported string) (target string, ours bool) {
	if imported == Module {
		return ".", true
	}
	if rest, ok := strings.CutPrefix(imported, Module+"/"); ok {
		return rest, true
	}
	return imported, false
}

// matchAny says whether a name is in the list; "x/..." stands for x and everything below.
func matchAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		prefix, below := strings.CutSuffix(pattern, "/...")
		if name == prefix || below && strings.HasPrefix(name, prefix+"/") {
			return true
		}
	}
	return false
}
