// Package show writes results for people and for programs: tables, JSON, YAML or bare names; trees and graphs of
// executions; colours where a terminal wants them; and the exit codes, which are part of the command line's interface.
package show

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"cierzo/fault"
)

// The exit codes of the command line.
const (
	OK          = iota
	Failed      // the work failed
	Usage       // the request was wrong
	Paused      // the execution is paused
	Cancelled   // the execution was cancelled
	Unavailable // something needed is not available
)

// Exit carries an exit code for an outcome that the user has been told of.
type Exit struct{ Code int }

func (e Exit) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// ExitOf is the exit code that tells an execution's state; nil for SUCCESS.
func ExitOf(state string) error {
	switch state {
	case "SUCCESS":
		return nil
	case "PAUSED":
		return Exit{Paused}
	case "CANCELLED":
		return Exit{Cancelled}
	default:
		return Exit{Failed}
	}
}

// Final reports whether a state is an end.
func Final(state string) bool { return state == "SUCCESS" || state == "ERROR" || state == "CANCELLED" }

// Formats lists what Printer.Format may be.
func Formats() []string { return []string{"table", "wide", "json", "yaml", "name"} }

// Printer writes the results of a command.
type Printer struct {
	Out, Err io.Writer
	// Format is one of Formats.
	Format string
	// Query is a JMESPath expression that selects from the result; "" is none.
	Query string
	// Colour says that Out is a terminal whose user wants colours.
	Colour bool
	// Width of the terminal in characters; 0: there is none, lines may be as long as they are.
	Width int
}

// NewPrinter makes a printer; out and errs are where the command writes to.
func NewPrinter(out, errs io.Writer, format, query string) (*Printer, error) {
	if format == "" {
		format = "table"
		if query != "" {
			format = "json" // what is selected is seldom what the table is about
		}
	}
	if !slices.Contains(Formats(), format) {
		return nil, fault.New(fault.Invalid, "--output: %q is none of %s", format, strings.Join(Formats(), ", "))
	}
	if query != "" {
		if err := checkQuery(query); err != nil {
			return nil, err
		}
	}
	return &Printer{Out: out, Err: errs, Format: format, Query: query, Colour: Colours(out), Width: Width(out)}, nil
}

// Terminal reports whether a writer is a terminal that can be drawn on.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Colours reports whether a writer is a terminal whose user wants colours: NO_COLOR says no.
func Colours(w io.Writer) bool { return Terminal(w) && os.Getenv("NO_COLOR") == "" }

// Width is a terminal's width in characters, 0 for what is none.
func Width(w io.Writer) int {
	if !Terminal(w) {
		return 0
	}
	if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 20 {
		return width
	}
	return 80
}

// Height is a terminal's height in lines, 0 for what is none.
func Height(w io.Writer) int {
	if !Terminal(w) {
		return 0
	}
	if _, height, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && height > 5 {
		return height
	}
	return 24
}

// Column is a column of a table.
type Column struct {
	Title string
	// Key names the field of the JSON object.
	Key string
	// Wide says that only the format wide shows it in lists.
	Wide bool
	// Of computes the cell, if the field alone doesn't do.
	Of func(map[string]any) string
}

// List writes a list; what is its name in the plural, such as "executions".
func (p *Printer) List(what string, columns []Column, items any) error {
	objects, err := objectsOf(items)
	if err != nil {
		return err
	}
	if p.Format != "table" && p.Format != "wide" || p.Query != "" {
		list := make([]any, 0, len(objects))
		for _, o := range objects {
			list = append(list, o)
		}
		return p.data(list)
	}
	if len(objects) == 0 {
		fmt.Fprintf(p.Err, "no %s\n", what)
		return nil
	}
	var shown []Column
	for _, c := range columns {
		if !c.Wide || p.Format == "wide" {
			shown = append(shown, c)
		}
	}
	_, err = io.WriteString(p.Out, p.table(shown, objects))
	return err
}

// One writes one thing. In tables it has a line for each column, and one for each field that no column is about.
func (p *Printer) One(columns []Column, item any) error {
	o, err := objectOf(item)
	if err != nil {
		return err
	}
	if p.Format != "table" && p.Format != "wide" || p.Query != "" {
		return p.data(o)
	}
	_, err = io.WriteString(p.Out, p.record(columns, o))
	return err
}

// Value writes any JSON value: for people the same way as for programs, as JSON, but for texts, which are bare.
func (p *Printer) Value(raw json.RawMessage) error {
	v, err := decode(raw)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "answer of the server")
	}
	if text, ok := v.(string); ok && p.Query == "" && (p.Format == "table" || p.Format == "wide") {
		_, err := fmt.Fprintln(p.Out, strings.TrimRight(text, "\n"))
		return err
	}
	return p.data(v)
}

// Text writes a text that has a form of its own, such as a definition: the same in all formats but json and yaml.
func (p *Printer) Text(text string) error {
	if p.Query != "" || p.Format == "json" || p.Format == "yaml" {
		return p.data(text)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := io.WriteString(p.Out, text)
	return err
}

// data writes a value that is no table: in JSON, YAML or as names.
func (p *Printer) data(v any) error {
	if p.Query != "" {
		selected, err := search(p.Query, v)
		if err != nil {
			return err
		}
		v = selected
	}
	switch p.Format {
	case "yaml":
		return writeYAML(p.Out, v)
	case "name":
		return p.names(v)
	default:
		return JSON(p.Out, v)
	}
}

// names writes what identifies things, one a line: of objects their id, else their name; values as they are.
func (p *Printer) names(v any) error {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			if err := p.names(one); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for _, key := range []string{"id", "name", "resource_id"} {
			if text, ok := v[key].(string); ok && text != "" {
				_, err := fmt.Fprintln(p.Out, text)
				return err
			}
		}
	case string:
		_, err := fmt.Fprintln(p.Out, v)
		return err
	case nil:
		return nil
	}
	raw, err := compact(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Out, raw)
	return err
}

// JSON writes a value as JSON that people can read.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
