package table

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// maxDepth bounds how deep columns may be nested.
const maxDepth = 32

// nodeKind says what a node of a file's schema holds.
type nodeKind int

const (
	leafNode nodeKind = iota
	structNode
	listNode
)

// node is one node of a file's schema, made for putting rows together again from
// their columns: a value, a struct of named nodes or a list of one.
type node struct {
	name     string
	kind     nodeKind
	def      int16 // definition level from which the node is not null
	item     int16 // of a list: definition level from which it has an item
	rep      int16 // of a list: repetition level of its further items
	nulls    bool  // of a struct: show members that are null
	children []*node
	leaves   []cells // below the node, in the file's order
}

// assembler turns the columns of a file into rows.
type assembler struct {
	s    *source
	root *node
}

// assemble prepares the reading of some top-level columns.
func (s *source) assemble(columns []string) (*assembler, error) {
	a := &assembler{s: s, root: &node{kind: structNode, nulls: true}}
	top, col := s.r.MetaData().Schema.Root(), 0
	for i := range top.NumFields() {
		field := top.Field(i)
		if !slices.Contains(columns, field.Name()) {
			col += len(s.leaves(field.Name()))
			continue
		}
		n, err := a.build(field, 0, 0, &col, 0)
		if err != nil {
			return nil, err
		}
		a.root.adopt(n)
	}
	return a, nil
}

func (n *node) adopt(child *node) {
	n.children = append(n.children, child)
	n.leaves = append(n.leaves, child.leaves...)
}

// build makes the node of a schema's node; def and rep are its parent's levels.
func (a *assembler) build(from schema.Node, def, rep int16, col *int, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("column %s: nested more than %d levels deep", from.Path(), maxDepth)
	}
	if from.RepetitionType() == parquet.Repetitions.Optional {
		def++
	}
	if from.RepetitionType() == parquet.Repetitions.Repeated { // a list without a wrapper
		n := &node{name: from.Name(), kind: listNode, def: def, item: def + 1, rep: rep + 1}
		return n, a.buildItem(n, from, col, depth)
	}
	group, ok := from.(*schema.GroupNode)
	if !ok {
		return a.buildLeaf(from, def, col)
	}
	if repeated := wrapped(group); repeated != nil {
		n := &node{name: from.Name(), kind: listNode, def: def, item: def + 1, rep: rep + 1}
		return n, a.buildItem(n, repeated, col, depth)
	}
	n := &node{name: from.Name(), kind: structNode, def: def}
	return n, a.buildFields(n, group, def, rep, col, depth)
}

func (a *assembler) buildLeaf(from schema.Node, def int16, col *int) (*node, error) {
	c, err := newCells(a.s, *col)
	*col++
	return &node{name: from.Name(), kind: leafNode, def: def, leaves: []cells{c}}, err
}

func (a *assembler) buildFields(n *node, group *schema.GroupNode, def, rep int16, col *int, depth int) error {
	for i := range group.NumFields() {
		child, err := a.build(group.Field(i), def, rep, col, depth+1)
		if err != nil {
			return err
		}
		n.adopt(child)
	}
	if len(n.leaves) == 0 {
		return fmt.Errorf("column %s: a struct without fields", group.Path())
	}
	return nil
}

// wrapped gives the repeated node of a list as Parquet's rules have it, nil for a
// struct.
func wrapped(group *schema.GroupNode) schema.Node {
	if group.NumFields() != 1 || group.Field(0).RepetitionType() != parquet.Repetitions.Repeated {
		return nil
	}
	return group.Field(0)
}

// buildItem makes a list's item: what the repeated node wraps, or itself where it
// is a value or a struct of several fields.
func (a *assembler) buildItem(n *node, repeated schema.Node, col *int, depth int) (err error) {
	var child *node
	group, ok := repeated.(*schema.GroupNode)
	switch {
	case !ok:
		child, err = a.buildLeaf(repeated, n.item, col)
	case group.NumFields() == 1:
		child, err = a.build(group.Field(0), n.item, n.rep, col, depth+1)
	default:
		child = &node{kind: structNode, def: n.item}
		err = a.buildFields(child, group, n.item, n.rep, col, depth+1)
	}
	if err == nil {
		n.adopt(child)
	}
	return err
}

// next appends the next row as a JSON object. Columns that are null are there, null
// members of structs are not. errText is only the row's fault; the row after it can be read.
func (a *assembler) next(dst []byte) ([]byte, error) {
	for _, c := range a.root.leaves {
		if err := c.load(); err != nil {
			return nil, err
		}
	}
	dst, err := a.root.appendFields(dst)
	if err != nil {
		return nil, err
	}
	for _, c := range a.root.leaves {
		if _, _, more := c.levels(); more {
			return nil, errNested
		}
	}
	return dst, nil
}

// null reports whether the node has no value here.
func (n *node) null() (bool, error) {
	def, _, ok := n.leaves[0].levels()
	if !ok {
		return false, errNested
	}
	return def < n.def, nil
}

// skip passes over one cell of each leaf: what a null or an empty list takes.
func (n *node) skip() error {
	for _, c := range n.leaves {
		if _, _, ok := c.levels(); !ok {
			return errNested
		}
		c.skip()
	}
	return nil
}

func (n *node) append(dst []byte) ([]byte, error) {
	null, err := n.null()
	switch {
	case err != nil:
		return nil, err
	case null:
		return append(dst, "null"...), n.skip()
	case n.kind == leafNode:
		return n.leaves[0].appendJSON(dst)
	case n.kind == listNode:
		return n.appendList(dst)
	}
	return n.appendFields(dst)
}

func (n *node) appendFields(dst []byte) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for _, child := range n.children {
		null, err := child.null()
		leave := null && !n.nulls
		if err == nil && leave {
			err = child.skip()
		}
		if err != nil {
			return nil, err
		}
		if leave {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if dst, err = child.append(appendKey(dst, child.name)); err != nil {
			return nil, fmt.Errorf("%s: %w", child.name, err)
		}
	}
	return append(dst, '}'), nil
}

func (n *node) appendList(dst []byte) ([]byte, error) {
	item, first := n.children[0], n.leaves[0]
	dst = append(dst, '[')
	if def, _, _ := first.levels(); def < n.item {
		return append(dst, ']'), n.skip()
	}
	for {
		var err error
		if dst, err = item.append(dst); err != nil {
			return nil, err
		}
		if _, rep, more := first.levels(); !more || rep < n.rep {
			return append(dst, ']'), nil
		}
		dst = append(dst, ',')
	}
}
