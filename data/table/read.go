package table

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
)

// keySchema is the entry of a file's metadata that says what kind of table it is
// and in which version.
const keySchema = "ropewalk.table"

// read calls got for each row of a table of the given kind, until it fails.
// Columns beyond those asked for are left alone.
func read[R any](path, kind string, columns []column[R], got func(R) error) (err error) {
	s, err := openParquet(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.checkKind(kind); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	readers := make([]func(*R) error, len(columns))
	for i, c := range columns {
		leaf, err := s.typed(c.name, c.typ)
		if err != nil {
			return fmt.Errorf("%s: column %s: %w", path, c.name, err)
		}
		readers[i] = c.open(s, leaf)
	}
	for n := range s.rows {
		var r R
		if err := readRow(path, readers, &r); err != nil {
			return fmt.Errorf("row %d: %w", n+1, err)
		}
		if err := got(r); err != nil {
			return err
		}
	}
	return nil
}

func readRow[R any](path string, readers []func(*R) error, r *R) (err error) {
	defer caught(&err, path)
	for _, read := range readers {
		if err := read(r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// Kind names what kind of table a Parquet file is, by its metadata; "" for one
// that ropewalk did not write.
func Kind(path string) (string, error) {
	s, err := openParquet(path)
	if err != nil {
		return "", err
	}
	defer s.close() // opened for reading: nothing to lose
	return s.meta(keySchema), nil
}

// meta is an entry of the file's metadata, "" if absent.
func (s *source) meta(key string) string {
	if v := s.r.MetaData().KeyValueMetadata().FindValue(key); v != nil {
		return *v
	}
	return ""
}

func (s *source) checkKind(want string) error {
	found := s.meta(keySchema)
	switch {
	case found == want:
		return nil
	case found == "":
		return fmt.Errorf("expected a table %q by its metadata %s, found columns %s", want, keySchema, strings.Join(s.roots(), ", "))
	}
	return fmt.Errorf("expected a table %q by its metadata %s, found %q", want, keySchema, found)
}

// typed finds the leaf of a column of a type that we write.
func (s *source) typed(name string, typ arrow.DataType) (int, error) {
	leaves := s.leaves(name)
	if len(leaves) == 0 {
		return 0, fmt.Errorf("is missing; found %s", strings.Join(s.roots(), ", "))
	}
	item, rep := typ, int16(0)
	if l, ok := typ.(*arrow.ListType); ok {
		item, rep = l.Elem(), 1
	}
	c := s.column(leaves[0])
	if len(leaves) != 1 || c.MaxRepetitionLevel() != rep || c.PhysicalType() != physical[item.ID()] {
		return 0, fmt.Errorf("expected %s, found %s", typ, s.describe(name))
	}
	return leaves[0], nil
}

// physical is how Parquet stores each type of ours.
var physical = map[arrow.Type]parquet.Type{
	arrow.STRING:  parquet.Types.ByteArray,
	arrow.INT32:   parquet.Types.Int32,
	arrow.INT64:   parquet.Types.Int64,
	arrow.FLOAT32: parquet.Types.Float,
	arrow.FLOAT64: parquet.Types.Double,
	arrow.BOOL:    parquet.Types.Boolean,
}
