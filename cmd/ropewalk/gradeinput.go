package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
)

// maxGradeLine is the longest line, in bytes, that grade and explain read.
const maxGradeLine = 16 << 20

// maxZstdWindow bounds the memory that a .zst file may ask for, in bytes.
const maxZstdWindow = 128 << 20

// gradeInput reads the JSON lines that grade and explain take, one at a time,
// however long the file is. Rows of Parquet come as such lines.
type gradeInput struct {
	name string // as the user gave it
	in   *bufio.Reader
	line int    // number of the line read last
	text []byte // that line; the buffer is used again

	rows func() (data.Line, error, bool) // of Parquet; else nil
}

// closers close in order.
type closers []func()

// Close never fails: everything was opened for reading.
func (c closers) Close() error {
	for _, f := range c {
		f()
	}
	return nil
}

// openGradeInput opens a file, or standard input for "-".
func openGradeInput(name string, stdin io.Reader) (*gradeInput, io.Closer, error) {
	if name == table.Stdio {
		return &gradeInput{name: "standard input", in: bufio.NewReaderSize(stdin, 1<<20)}, closers{}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, fail(exitBadInput, "give a file of JSON lines, or - for standard input", err)
	}
	in, done := &gradeInput{name: name}, closers{func() { file.Close() }}
	var plain io.Reader = file
	switch strings.ToLower(filepath.Ext(name)) {
	case ".parquet":
		next, stop := iter.Pull2(table.Rows(name, nil))
		in.rows = next
		return in, append(closers{stop}, done...), nil
	case ".gz":
		plain, err = gzip.NewReader(file)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(file, zstd.WithDecoderMaxWindow(maxZstdWindow)); err == nil {
			plain, done = z, append(closers{z.Close}, done...)
		}
	}
	if err != nil {
		done.Close()
		return nil, nil, fail(exitBadInput, "", fmt.Errorf("%s: %w", name, err))
	}
	in.in = bufio.NewReaderSize(plain, 1<<20)
	return in, done, nil
}

// ready reports whether a line can be had without waiting for whoever writes it.
func (in *gradeInput) ready() bool {
	if in.rows != nil {
		return true
	}
	there, err := in.in.Peek(in.in.Buffered())
	return err == nil && bytes.IndexByte(there, '\n') >= 0
}

// nextText reads the next line that is not blank; the text is valid until the next
// call. io.EOF ends the input. After a bad line (see isBadLine) reading goes on;
// any other error is trouble with the file.
func (in *gradeInput) nextText() (number int, text []byte, err error) {
	if in.rows != nil {
		return in.nextRow()
	}
	for {
		err := in.readLine()
		if err != nil && !isBadLine(err) && !errors.Is(err, io.EOF) {
			err = fail(exitBadInput, "", fmt.Errorf("%s:%d: read: %w", in.name, in.line, err))
		}
		if err != nil {
			return in.line, nil, err
		}
		if len(bytes.TrimSpace(in.text)) > 0 {
			return in.line, in.text, nil
		}
	}
}

func (in *gradeInput) nextRow() (int, []byte, error) {
	row, err, more := in.rows()
	if !more {
		return 0, nil, io.EOF
	}
	in.line++
	if err != nil && !isBadLine(err) {
		err = fail(exitBadInput, "", err)
	}
	return in.line, row.Text, err
}

// isBadLine reports whether err is about one line, and the next may be good.
func isBadLine(err error) bool {
	var row *data.RowError
	return errors.Is(err, errLineTooLong) || errors.As(err, &row)
}

// next is nextText with the line read. defaultGrader serves lines that name none.
func (in *gradeInput) next(defaultGrader string) (gradeItem, error) {
	number, text, err := in.nextText()
	switch {
	case err == nil:
		return parseGradeLine(number, text, defaultGrader), nil
	case isBadLine(err):
		return gradeItem{Line: number, Err: err}, nil
	}
	return gradeItem{}, err
}

var errLineTooLong = fmt.Errorf("the line is longer than %d MiB", maxGradeLine>>20)

// readLine reads a line of any length into text, or passes over it if it is too
// long.
func (in *gradeInput) readLine() error {
	in.text = in.text[:0]
	in.line++
	tooLong := false
	for {
		part, err := in.in.ReadSlice('\n')
		if tooLong = tooLong || len(in.text)+len(part) > maxGradeLine+1; !tooLong {
			in.text = append(in.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (tooLong || len(in.text) > 0):
			err = nil // a last line without its end; the next read says EOF
		}
		if err == nil && tooLong {
			return errLineTooLong
		}
		if in.line == 1 {
			in.text = bytes.TrimPrefix(in.text, []byte("\ufeff"))
		}
		return err
	}
}
