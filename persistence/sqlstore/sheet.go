package sqlstore

import (
	"encoding/binary"

	"github.com/lib/pq"
)

// sheet is what a statement for many rows gets: the rows, cell by cell.
type sheet struct {
	part
	cells []cell
}

// cell is a number or a text, as the part says.
type cell struct {
	number int64
	text   string
}

// What a cell is, in part.kinds.
const (
	isNumber = 'n'
	isText   = 't'
)

func (s *sheet) numbers(ns ...int64) {
	for _, n := range ns {
		s.cells = append(s.cells, cell{number: n})
	}
}

func (s *sheet) texts(ts ...string) {
	for _, t := range ts {
		s.cells = append(s.cells, cell{text: t})
	}
}

func (s *sheet) rows() int { return len(s.cells) / len(s.kinds) }

// arrays are the rows as an array for each column, which every server understands.
func (s *sheet) arrays() []any {
	out := make([]any, len(s.kinds))
	for column, kind := range s.kinds {
		numbers, texts := pq.Int64Array{}, pq.StringArray{}
		for at := column; at < len(s.cells); at += len(s.kinds) {
			if kind == isNumber {
				numbers = append(numbers, s.cells[at].number)
			} else {
				texts = append(texts, s.cells[at].text)
			}
		}
		out[column] = numbers
		if kind == isText {
			out[column] = texts
		}
	}
	return out
}

// The numbers that PostgreSQL gives to the types of cells: they are the same everywhere.
const (
	oidInt8 = 20
	oidText = 25
)

// binary is the rows as one array in PostgreSQL's binary form (array_recv and record_recv in its sources), of a type with
// that number in this database.
func (s *sheet) binary(rowType uint32) []byte {
	put := binary.BigEndian.AppendUint32
	b := make([]byte, 0, 20+s.size())
	b = put(b, 1) // dimensions
	b = put(b, 0) // no NULL among the elements
	b = put(b, rowType)
	b = put(b, uint32(s.rows()))
	b = put(b, 1) // number of the first element
	for row := range s.rows() {
		length := len(b)
		b = s.appendRecord(put(b, 0), row)
		binary.BigEndian.PutUint32(b[length:], uint32(len(b)-length-4))
	}
	return b
}

// record is the only row in binary form.
func (s *sheet) record() []byte { return s.appendRecord(make([]byte, 0, s.size()), 0) }

// size bounds the bytes of all rows in binary form.
func (s *sheet) size() int {
	const head, number = 8, 8
	n := s.rows() * head
	for at := range s.cells {
		n += head + number + len(s.cells[at].text)
	}
	return n
}

func (s *sheet) appendRecord(b []byte, row int) []byte {
	put := binary.BigEndian.AppendUint32
	b = put(b, uint32(len(s.kinds)))
	for i, c := range s.cells[row*len(s.kinds) : (row+1)*len(s.kinds)] {
		if s.kinds[i] == isNumber {
			b = put(put(b, oidInt8), 8)
			b = binary.BigEndian.AppendUint64(b, uint64(c.number))
			continue
		}
		b = put(put(b, oidText), uint32(len(c.text)))
		b = append(b, c.text...)
	}
	return b
}
