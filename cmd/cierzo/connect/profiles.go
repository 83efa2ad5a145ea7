package connect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"cierzo/cmd/cierzo/input"
	"cierzo/fault"
)

// File is the configuration file of the command line.
type File struct {
	// Current names the profile that holds when nothing else is said; "" is none.
	Current  string            `yaml:"current,omitempty"`
	Profiles map[string]Target `yaml:"profiles,omitempty"`

	path string
}

// Path is where the file is: CIERZO_CLIENT_CONFIG, else config.yaml in the folder cierzo of XDG_CONFIG_HOME or ~/.config.
func Path(getenv func(string) (string, bool)) string {
	e := environment(getenv)
	if own := e.get("CIERZO_CLIENT_CONFIG"); own != "" {
		return own
	}
	if base := e.get("XDG_CONFIG_HOME"); base != "" {
		return filepath.Join(base, "cierzo", "config.yaml")
	}
	return filepath.Join(e.get("HOME"), ".config", "cierzo", "config.yaml")
}

// ReadFile reads the file; one that isn't there is empty. Fields that nobody knows are refused: a misspelt one would be
// ignored in silence.
func ReadFile(path string) (*File, error) {
	out := &File{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the profiles")
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, err, "profiles in %s", path)
	}
	return out, nil
}

// Names lists the profiles in order.
func (f *File) Names() []string {
	var names []string
	for n := range f.Profiles {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Get finds a profile by its name. fault.NotFound says which there are.
func (f *File) Get(name string) (*Target, error) {
	t, ok := f.Profiles[name]
	if !ok {
		has := "; it has no profile yet, see `cierzo profile set --help`"
		if names := f.Names(); len(names) > 0 {
			has = input.Suggest(name, names) + " (it has " + strings.Join(names, ", ") + ")"
		}
		return nil, fault.New(fault.NotFound, "%s has no profile %q%s", f.path, name, has)
	}
	t.Origin = "profile " + name + " of " + f.path
	return &t, nil
}

// target is the profile of a name, or the current one; nil: there is none.
func (f *File) target(name string) (*Target, error) {
	if name = first(name, f.Current); name == "" {
		return nil, nil
	}
	return f.Get(name)
}

// Write replaces the file. Only its owner may read it: there can be secrets in it.
func (f *File) Write() error {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(f); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fault.Wrap(fault.Invalid, err, "write the profiles")
	}
	temp := f.path + ".new"
	if err := os.WriteFile(temp, b.Bytes(), 0o600); err != nil {
		return fault.Wrap(fault.Invalid, err, "write the profiles")
	}
	if err := os.Rename(temp, f.path); err != nil {
		return fault.Wrap(fault.Invalid, err, "write the profiles")
	}
	return nil
}

func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
