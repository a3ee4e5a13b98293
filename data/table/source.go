// Package table reads and writes tables: problems from Parquet and JSONL, the
// archive of rollouts, pools of candidates. It is the only importer of Parquet.
//
// Reading does not go through pqarrow: that decodes columns in goroutines of its
// own, where a damaged file's panic cannot be caught and ends the program.
package table

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// maxPage bounds one decoded page: a damaged header may ask for anything.
const maxPage = 1 << 30

// source is an open Parquet file.
type source struct {
	path string
	f    *os.File
	r    *file.Reader
	rows int64
}

// openParquet opens a file and checks that its parts lie within it.
func openParquet(path string) (s *source, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s = &source{path: path, f: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	defer caught(&err, path)
	props := parquet.NewReaderProperties(bounded{memory.NewGoAllocator()})
	if s.r, err = file.NewParquetReader(f, file.WithReadProps(props)); err != nil {
		return nil, fmt.Errorf("%s: not a readable Parquet file (truncated?): %w", path, err)
	}
	return s, s.check()
}

// openFile opens a regular file, with errors for people.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder; name a file in it", path)
	case info.Mode().IsRegular() && info.Size() == 0:
		return nil, fmt.Errorf("%s: the file is empty", path)
	}
	return os.Open(path)
}

func (s *source) check() error {
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	for i := range s.r.NumRowGroups() {
		group := s.r.RowGroup(i).MetaData()
		if group.NumRows() < 0 || group.NumColumns() != s.r.MetaData().Schema.NumColumns() {
			return fmt.Errorf("%s: row group %d: %d rows of %d columns: the file is corrupt", s.path, i, group.NumRows(), group.NumColumns())
		}
		s.rows += group.NumRows()
		for c := range group.NumColumns() {
			chunk, err := group.ColumnChunk(c)
			if err != nil {
				return fmt.Errorf("%s: row group %d, column %s: %w", s.path, i, s.column(c).Path(), err)
			}
			start, size := chunk.DataPageOffset(), chunk.TotalCompressedSize()
			if chunk.HasDictionaryPage() {
				start = min(start, chunk.DictionaryPageOffset())
			}
			if start < 0 || size < 0 || start > info.Size() || size > info.Size()-start {
				return fmt.Errorf("%s: row group %d, column %s: lies outside the file: truncated or corrupt", s.path, i, s.column(c).Path())
			}
		}
	}
	return nil
}

func (s *source) column(i int) *schema.Column { return s.r.MetaData().Schema.Column(i) }

// leaves gives the indices of the leaf columns under a top-level column.
func (s *source) leaves(root string) (list []int) {
	for i := range s.r.MetaData().Schema.NumColumns() {
		if s.column(i).ColumnPath()[0] == root {
			list = append(list, i)
		}
	}
	return list
}

// roots lists the top-level columns in order.
func (s *source) roots() (list []string) {
	node := s.r.MetaData().Schema.Root()
	for i := range node.NumFields() {
		list = append(list, node.Field(i).Name())
	}
	return list
}

// describe words a column's type for messages: "int64", or the types of its
// leaves.
func (s *source) describe(root string) string {
	var parts []string
	for _, i := range s.leaves(root) {
		path, typ := s.column(i).ColumnPath(), typeName(s.column(i))
		if len(path) > 1 {
			typ = strings.Join(path[1:], ".") + " " + typ
		}
		parts = append(parts, typ)
	}
	return strings.Join(parts, ", ")
}

func typeName(c *schema.Column) string {
	if c.PhysicalType() == parquet.Types.ByteArray {
		return "string"
	}
	return strings.ToLower(c.PhysicalType().String())
}

func (s *source) close() error { return s.f.Close() }

// bounded refuses absurd allocations by panicking, which caught turns into an
// error; without it they end the program.
type bounded struct{ memory.Allocator }

func (b bounded) Allocate(size int) []byte {
	if size > maxPage {
		panic(fmt.Sprintf("a page of %d bytes", size))
	}
	return b.Allocator.Allocate(size)
}

func (b bounded) Reallocate(size int, old []byte) []byte {
	if size > maxPage {
		panic(fmt.Sprintf("a page of %d bytes", size))
	}
	return b.Allocator.Reallocate(size, old)
}

// caught turns a panic of the Parquet library into an error: that is how it
// reports some damaged files.
func caught(err *error, path string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: the file is corrupt: %v", path, p)
	}
}
