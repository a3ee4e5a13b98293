package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
)

// A row group is written when it has so many rows or bytes of JSON: what a writer
// keeps in memory.
const (
	rowsPerGroup  = 16 << 10
	bytesPerGroup = 8 << 20
)

// Output is a file of rows to be written, by the suffix of its path Parquet or
// JSON lines.
type Output struct {
	Path   string    // Stdio writes JSON lines to Stdout
	Stdout io.Writer // used if Path is Stdio
	// Shape is what the rows are known to have; nil if that is not known. Parquet
	// is then written in a second pass, over a temporary file beside the output.
	Shape *Shape
	// Meta are entries for the metadata of Parquet, in order.
	Meta [][2]string
}

// Check reports a path that cannot be written to, before any work is done.
func (o Output) Check() error {
	if o.Path == Stdio || isParquet(o.Path) || isLines(o.Path) {
		return nil
	}
	return fmt.Errorf("%s: expected a name that ends in .parquet or .jsonl, found %q", o.Path, strings.ToLower(filepath.Ext(o.Path)))
}

// WriteRows makes a file of what fill puts, replacing one that is there only when
// it is whole. Rows are JSON objects; put does not keep them. It returns where
// rows of Parquet disagreed in type, which is written as JSON text.
func WriteRows(o Output, fill func(put func(row []byte) error) error) (mixed []string, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	switch {
	case o.Path == Stdio:
		return nil, writeLines(o.Stdout, fill)
	case !isParquet(o.Path):
		return nil, atomicfile.Write(o.Path, func(w io.Writer) error { return writeLines(w, fill) })
	}
	err = atomicfile.Write(o.Path, func(w io.Writer) error {
		if o.Shape != nil {
			return writeTable(w, o.Shape, o.Meta, fill)
		}
		mixed, err = spool(w, o, fill)
		return err
	})
	return mixed, err
}

func writeLines(w io.Writer, fill func(func([]byte) error) error) error {
	out := bufio.NewWriterSize(w, 256<<10)
	err := fill(func(row []byte) error {
		out.Write(row) // its error is kept, and comes from Flush
		return out.WriteByte('\n')
	})
	return errors.Join(err, out.Flush())
}

// spool keeps the rows in a file without a name, which goes with the process,
// until their shape is known.
func spool(w io.Writer, o Output, fill func(func([]byte) error) error) (mixed []string, err error) {
	f, err := os.CreateTemp(filepath.Dir(o.Path), ".tmp-rows-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	shape := &Shape{}
	err = writeLines(f, func(put func([]byte) error) error {
		return fill(func(row []byte) error {
			return errors.Join(shape.learnRow(row), put(row))
		})
	})
	if err != nil {
		return nil, err
	}
	if len(shape.Fields) == 0 {
		return nil, errors.New("no rows to write")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	mixed = shape.mixed("", nil)
	return mixed, writeTable(w, shape, o.Meta, func(put func([]byte) error) error {
		for line, err := range data.Lines(f, "temporary file") {
			if err == nil {
				err = put(line.Text)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// tableWriter writes rows of one shape, group by group.
type tableWriter struct {
	shape *Shape
	w     *pqarrow.FileWriter
	b     *array.RecordBuilder
	disk  *sticky
	rows  int
	bytes int
}

// writeTable makes a Parquet file of rows of one shape. The same rows give the
// same bytes.
func writeTable(out io.Writer, shape *Shape, meta [][2]string, fill func(func([]byte) error) error) error {
	schema := arrow.NewSchema(shape.arrowFields(), nil)
	props := parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("ropewalk"),
		parquet.WithCompression(compress.Codecs.Snappy))
	t := &tableWriter{shape: shape, disk: &sticky{w: out}, b: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
	defer t.b.Release()
	var err error
	if t.w, err = pqarrow.NewFileWriter(schema, t.disk, props, pqarrow.DefaultWriterProps()); err != nil {
		return err
	}
	if err := errors.Join(fill(t.put), t.flush()); err != nil {
		return err
	}
	for _, entry := range meta {
		if err := t.w.AppendKeyValueMetadata(entry[0], entry[1]); err != nil {
			return err
		}
	}
	return errors.Join(t.w.Close(), t.disk.err)
}

func (t *tableWriter) put(row []byte) error {
	v, err := decodeRow(row)
	if err != nil {
		return err
	}
	if err := t.shape.buildFields(t.b.Field, v); err != nil {
		return err
	}
	t.rows++
	t.bytes += len(row)
	if t.rows >= rowsPerGroup || t.bytes >= bytesPerGroup {
		return t.flush()
	}
	return nil
}

func (t *tableWriter) flush() error {
	if t.rows == 0 {
		return t.disk.err
	}
	t.rows, t.bytes = 0, 0
	record := t.b.NewRecord()
	defer record.Release()
	return errors.Join(t.w.Write(record), t.disk.err)
}
