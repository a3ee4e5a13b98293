package table

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/ropewalk/ropewalk/data/atomicfile"
)

// groupRows is how many rows one row group holds: what a writer keeps in memory.
const groupRows = 1024

// pair is an entry of a file's metadata.
type pair struct{ key, value string }

// write makes a Parquet file, its large columns by zstd, atomically. The same rows give the same bytes.
func write[R any](path string, columns []column[R], meta []pair, rows []R) error {
	return writeAll(path, columns, meta, each(rows))
}

// each gives rows that are in memory.
func each[R any](rows []R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// writeAll is write for rows that need not be in memory together; the first error
// among them ends it.
func writeAll[R any](path string, columns []column[R], meta []pair, rows iter.Seq2[R, error]) error {
	return atomicfile.Write(path, func(out io.Writer) error {
		return encode(out, columns, meta, rows)
	})
}

// inGroups hands rows on by row groups.
func inGroups[R any](rows iter.Seq2[R, error], write func([]R) error) error {
	var group []R
	for r, err := range rows {
		if err != nil {
			return err
		}
		if group = append(group, r); len(group) == groupRows {
			if err := write(group); err != nil {
				return err
			}
			group = group[:0]
		}
	}
	if len(group) == 0 {
		return nil
	}
	return write(group)
}

func encode[R any](out io.Writer, columns []column[R], meta []pair, rows iter.Seq2[R, error]) error {
	schema, props := layout(columns)
	disk := &sticky{w: out}
	w, err := pqarrow.NewFileWriter(schema, disk, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	err = inGroups(rows, func(group []R) error {
		return errors.Join(writeGroup(w, schema, columns, group), disk.err)
	})
	if err != nil {
		return err
	}
	for _, p := range meta {
		if err := w.AppendKeyValueMetadata(p.key, p.value); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), disk.err)
}

// layout is a table's schema and how its columns are stored.
func layout[R any](columns []column[R]) (*arrow.Schema, *parquet.WriterProperties) {
	props := []parquet.WriterProperty{parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("ropewalk")}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.typ}
		if c.large {
			path := c.name
			if _, ok := c.typ.(*arrow.ListType); ok {
				path += ".list.element"
			}
			props = append(props, parquet.WithCompressionFor(path, compress.Codecs.Zstd), parquet.WithDictionaryFor(path, false))
		}
	}
	return arrow.NewSchema(fields, nil), parquet.NewWriterProperties(props...)
}

func writeGroup[R any](w *pqarrow.FileWriter, schema *arrow.Schema, columns []column[R], rows []R) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range rows {
		for c := range columns {
			if err := columns[c].add(b.Field(c), &rows[i]); err != nil {
				return fmt.Errorf("row %d: %w", i+1, err)
			}
		}
	}
	record := b.NewRecord()
	defer record.Release()
	return w.Write(record)
}

// sticky keeps the first error, a full disk among them, to itself and writes
// nothing after it: of errors that the Parquet library is told, some make it panic
// and some it forgets. It is not an io.Closer, so that the library does not close
// a file that is not its own.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
	return len(p), nil
}
