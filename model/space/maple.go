// SPDX-License-Identifier: GPL-2.0-or-later

package space

// A maple tree (include/linux/maple_tree.h, Linux 6.1 on) has nodes of 256
// bytes: a pointer to the parent, pivots, slots. A pointer to a node has its
// type in bits 3 to 6, and bit 1 set.
const (
	mapleNodeMask = 255
	mapleRange64  = 2 // also a leaf, 1
	mapleArange64 = 3

	mapleRange64Slots  = 16 // one pivot less
	mapleArange64Slots = 10
	mapleDeepest       = 12 // of 10 children each
)

// maple lists the entries of a tree that aren't empty, in their order, at most
// most.
func (k *kernel) maple(tree uint64, most int) []uint64 {
	root, ok := k.fields.FieldWord(tree, "maple_tree", "ma_root")
	if !ok || root == 0 {
		return nil
	}
	w := mapleWalk{kernel: k, most: most, nodes: most}
	w.node(root, ^uint64(0), mapleDeepest)
	return w.found
}

type mapleWalk struct {
	*kernel
	found       []uint64
	most, nodes int // bounds
}

// node lists what is below an entry. last is the last index that it holds: the
// pivot beside it.
func (w *mapleWalk) node(entry, last uint64, deep int) {
	if !mapleIsNode(entry) {
		w.found = append(w.found, entry)
		return
	}
	w.nodes--
	node, kind := entry&^mapleNodeMask, entry>>3&15
	structure, n := "maple_range_64", mapleRange64Slots
	if kind == mapleArange64 {
		structure, n = "maple_arange_64", mapleArange64Slots
	}
	pivots, ok := w.fields.At(node, structure, "pivot")
	slots, also := w.fields.At(node, structure, "slot")
	if !ok || !also || deep == 0 || w.nodes < 0 {
		return
	}
	for i := range n {
		// The last pivot is the node's own, and isn't there. A pivot of 0 is
		// behind the end: what is in its slot may be something else.
		pivot := last
		if i < n-1 {
			if pivot, ok = w.fields.Word(pivots + 8*uint64(i)); ok && i > 0 && pivot == 0 {
				pivot = last
			}
		}
		child, also := w.fields.Word(slots + 8*uint64(i))
		if !ok || !also || len(w.found) >= w.most {
			return
		}
		switch {
		case child == 0:
		case kind < mapleRange64: // a leaf
			w.found = append(w.found, child)
		default:
			w.node(child, pivot, deep-1)
		}
		if pivot >= last {
			return
		}
	}
}

// mapleIsNode says whether an entry points to a node (lib/maple_tree.c,
// xa_is_node).
func mapleIsNode(entry uint64) bool { return entry&3 == 2 && entry > 4096 }
