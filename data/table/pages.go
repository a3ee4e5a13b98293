package table

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// checkedPages refuses data pages whose levels run out before the page's number
// of values: the library would wait for them for ever.
type checkedPages struct {
	file.PageReader
	maxRep, maxDef int16
	err            *error
}

func (p checkedPages) Next() bool {
	if !p.PageReader.Next() {
		return false
	}
	*p.err = p.check(p.Page())
	return *p.err == nil
}

func (p checkedPages) Err() error { return errors.Join(*p.err, p.PageReader.Err()) }

func (p checkedPages) check(page file.Page) error {
	buf, n := page.Data(), int64(page.NumValues())
	switch page := page.(type) {
	case *file.DataPageV1:
		buf, err := skipLevels(buf, p.maxRep, n, page.RepetitionLevelEncoding())
		if err != nil {
			return err
		}
		_, err = skipLevels(buf, p.maxDef, n, page.DefinitionLevelEncoding())
		return err
	case *file.DataPageV2:
		skip := int64(page.RepetitionLevelByteLen())
		if skip > int64(len(buf)) || countLevels(buf, p.maxRep, n) < n || countLevels(buf[skip:], p.maxDef, n) < n {
			return errLevels
		}
	}
	return nil
}

// skipLevels checks one kind of level of a version 1 page and gives what follows.
func skipLevels(buf []byte, maxLevel int16, n int64, encoding parquet.Encoding) ([]byte, error) {
	if maxLevel == 0 || encoding != parquet.Encodings.RLE {
		return buf, nil // bit-packed levels have a fixed size, which the library checks
	}
	if len(buf) < 4 {
		return nil, errLevels
	}
	size := int64(binary.LittleEndian.Uint32(buf))
	buf = buf[4:]
	if size > int64(len(buf)) || countLevels(buf, maxLevel, n) < n {
		return nil, errLevels
	}
	return buf[size:], nil
}

// countLevels counts levels in Parquet's hybrid of runs and bit-packed groups,
// up to n.
func countLevels(buf []byte, maxLevel int16, n int64) (count int64) {
	if maxLevel == 0 {
		return n
	}
	width := uint64(bits.Len16(uint16(maxLevel)))
	for count < n {
		header, read := binary.Uvarint(buf)
		if read <= 0 {
			return count
		}
		buf = buf[read:]
		items, size := header>>1, (width+7)/8
		if header&1 == 1 { // groups of 8, bit-packed
			items, size = 8*(header>>1), width*(header>>1)
		}
		if size > uint64(len(buf)) || items > 1<<40 {
			return count
		}
		buf = buf[size:]
		count += int64(items)
	}
	return count
}
