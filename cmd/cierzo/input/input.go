// Package input reads what the command line is given: definitions from files and folders, and values from flags.
package input

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cierzo/fault"
)

// sourceMax bounds a definition's file, in bytes.
const sourceMax = 10 << 20

// Source reads a definition, never more than the limit: a wrong file name must not fill the memory. "-" is standard input.
func Source(file string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read the definition")
		}
		defer f.Close()
		in = f
	}
	source, err := io.ReadAll(io.LimitReader(in, sourceMax+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read the definition")
	}
	if len(source) > sourceMax {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d MiB, the limit of a definition", file, sourceMax>>20)
	}
	return source, nil
}

// Files lists the files to look at, those of folders in order.
func Files(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || err == nil && !info.IsDir() {
			files = append(files, arg)
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "read the definition")
		}
		// With a separator at the end a link to a folder is searched, too.
		err = filepath.WalkDir(arg+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
				files = append(files, filepath.Clean(path))
			}
			return err
		})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "search %s", arg)
		}
	}
	if len(files) == 0 {
		return nil, fault.New(fault.Invalid, "no *.yaml or *.yml file in %s", strings.Join(args, ", "))
	}
	return files, nil
}
