package table

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// window is how many levels are decoded at a time.
const window = 4096

// batchReader is what the library's typed column readers have in common.
type batchReader[P any] interface {
	Err() error
	ReadBatch(n int64, values []P, defs, reps []int16) (total int64, read int, err error)
}

// leaf streams one leaf column, row by row. P is the type as stored.
type leaf[P any] struct {
	s              *source
	col            int
	maxDef, maxRep int16

	group    int   // row group being read
	rowsLeft int64 // of it
	in       batchReader[P]

	values     []P
	defs, reps []int16
	v, l       int // read positions in values and levels
	nv, nl     int // how many are there

	row              []P // the row handed out last
	rowDefs, rowReps []int16
}

// newLeaf positions before the first row. The column must store P.
func newLeaf[P any](s *source, col int) *leaf[P] {
	c := s.column(col)
	return &leaf[P]{
		s: s, col: col, group: -1,
		maxDef: c.MaxDefinitionLevel(), maxRep: c.MaxRepetitionLevel(),
		values: make([]P, window), defs: make([]int16, window), reps: make([]int16, window),
	}
}

// next gives the next row: its values without nulls, and one definition level
// per item; rowReps has the repetition levels. All are valid until the next call.
func (f *leaf[P]) next() ([]P, []int16, error) {
	for f.rowsLeft == 0 {
		if err := f.nextGroup(); err != nil {
			return nil, nil, err
		}
	}
	f.rowsLeft--
	f.row, f.rowDefs, f.rowReps = f.row[:0], f.rowDefs[:0], f.rowReps[:0]
	for first := true; ; first = false {
		more, err := f.fill()
		if err != nil {
			return nil, nil, err
		}
		if !more && (first || f.maxRep == 0) {
			return nil, nil, fmt.Errorf("column %s: row group %d ends %d rows early: the file is corrupt", f.path(), f.group, f.rowsLeft+1)
		}
		if !more || !first && f.reps[f.l] == 0 {
			return f.row, f.rowDefs, nil
		}
		if err := f.take(); err != nil {
			return nil, nil, err
		}
		if f.maxRep == 0 {
			return f.row, f.rowDefs, nil
		}
	}
}

// take moves one level, and its value if it has one, into the row.
func (f *leaf[P]) take() error {
	def := f.defs[f.l]
	if def > f.maxDef || f.reps[f.l] > f.maxRep {
		return fmt.Errorf("column %s: a level beyond its highest: the file is corrupt", f.path())
	}
	f.rowDefs, f.rowReps = append(f.rowDefs, def), append(f.rowReps, f.reps[f.l])
	if def == f.maxDef {
		if f.v >= f.nv {
			return fmt.Errorf("column %s: fewer values than levels: the file is corrupt", f.path())
		}
		f.row = append(f.row, f.values[f.v])
		f.v++
	}
	f.l++
	return nil
}

// fill makes sure that a level is there; false at the end of the row group.
func (f *leaf[P]) fill() (bool, error) {
	if f.l < f.nl {
		return true, nil
	}
	total, read, err := f.in.ReadBatch(window, f.values, f.defs, f.reps)
	if err == nil && total == 0 {
		err = f.in.Err()
	}
	if err != nil {
		return false, fmt.Errorf("column %s: %w", f.path(), err)
	}
	f.v, f.l, f.nv, f.nl = 0, 0, read, int(total)
	if f.maxDef == 0 {
		clear(f.defs[:f.nl])
	}
	if f.maxRep == 0 {
		clear(f.reps[:f.nl])
	}
	return f.nl > 0, nil
}

func (f *leaf[P]) nextGroup() error {
	f.group++
	if f.group >= f.s.r.NumRowGroups() {
		return fmt.Errorf("column %s: fewer rows than the file says: it is corrupt", f.path())
	}
	group := f.s.r.RowGroup(f.group)
	pages, err := group.GetColumnPageReader(f.col)
	if err != nil {
		return fmt.Errorf("column %s: %w", f.path(), err)
	}
	in := file.NewColumnReader(f.s.column(f.col), checkedPages{pages, f.maxRep, f.maxDef, new(error)}, bounded{memory.DefaultAllocator}, f.s.r.BufferPool())
	typed, ok := in.(batchReader[P])
	if !ok {
		return fmt.Errorf("column %s: unexpected type %s", f.path(), typeName(f.s.column(f.col)))
	}
	f.in, f.rowsLeft = typed, group.NumRows()
	f.nv, f.nl, f.v, f.l = 0, 0, 0, 0
	return nil
}

func (f *leaf[P]) path() string { return f.s.column(f.col).Path() }
