// SPDX-License-Identifier: GPL-2.0-or-later

package emu

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/uklemu/uklemu/emu/device"
)

// Plain data is a struct of fixed-size fields: booleans, integers and floats
// of a stated size, arrays and structs of them. A snapshot in memory is a copy
// of its bytes; a file has its fields one after the other, little endian and
// without padding, beside a layout that names them.

// deviceKind is what a device is to a snapshot.
type deviceKind struct {
	name  string
	state reflect.Type
}

func (k deviceKind) String() string { return fmt.Sprintf("%s with state %s", k.name, k.state) }

// kindOf asks a device for its state, and returns the memory of it as well.
func kindOf(d device.Device) (deviceKind, []byte, error) {
	v := reflect.ValueOf(d.State())
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return deviceKind{}, nil, fmt.Errorf("device %s: State is a %T; want a pointer to a struct of fixed-size fields", d.Name(), d.State())
	}
	if name := d.Name(); name == "" || len(name) > 100 {
		return deviceKind{}, nil, fmt.Errorf("device %q: want a name of 1 to 100 bytes", name)
	}
	t := v.Type().Elem()
	if what := notPlain("", t); what != "" {
		return deviceKind{}, nil, fmt.Errorf("device %s: its state %s has %s; a snapshot needs fields of fixed size: no slice, map, string, pointer, int or uint",
			d.Name(), t, what)
	}
	return deviceKind{d.Name(), t}, unsafe.Slice((*byte)(v.UnsafePointer()), t.Size()), nil
}

// notPlain says what in a type isn't plain, or nothing.
func notPlain(path string, t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return ""
	case reflect.Array:
		return notPlain(path, t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if what := notPlain(strings.TrimPrefix(path+"."+f.Name, "."), f.Type); what != "" {
				return what
			}
		}
		return ""
	}
	return fmt.Sprintf("a field %s of type %s", path, t)
}

// layout is a type in words: {Status uint16, Chip [2]{IRR uint8, ...}}.
func layout(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), layout(t.Elem()))
	case reflect.Struct:
		var fields []string
		for f := range t.Fields() {
			fields = append(fields, f.Name+" "+layout(f.Type))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return t.Kind().String()
}

// appendPlain adds a value as files have it.
func appendPlain(out []byte, t reflect.Type, p unsafe.Pointer) []byte {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			out = appendPlain(out, f.Type, unsafe.Add(p, f.Offset))
		}
		return out
	case reflect.Array:
		for i := range t.Len() {
			out = appendPlain(out, t.Elem(), unsafe.Add(p, uintptr(i)*t.Elem().Size()))
		}
		return out
	}
	switch t.Size() {
	case 1:
		return append(out, *(*uint8)(p))
	case 2:
		return binary.LittleEndian.AppendUint16(out, *(*uint16)(p))
	case 4:
		return binary.LittleEndian.AppendUint32(out, *(*uint32)(p))
	}
	return binary.LittleEndian.AppendUint64(out, *(*uint64)(p))
}

// plainSize is how many bytes a value has in a file.
func plainSize(t reflect.Type) int {
	switch t.Kind() {
	case reflect.Struct:
		n := 0
		for f := range t.Fields() {
			n += plainSize(f.Type)
		}
		return n
	case reflect.Array:
		return t.Len() * plainSize(t.Elem())
	}
	return int(t.Size())
}

// parsePlain is the way back, from as many bytes as plainSize says. It returns
// false if a boolean is neither 0 nor 1, of which Go knows nothing.
func parsePlain(in []byte, t reflect.Type, p unsafe.Pointer) bool {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			n := plainSize(f.Type)
			if !parsePlain(in[:n], f.Type, unsafe.Add(p, f.Offset)) {
				return false
			}
			in = in[n:]
		}
		return true
	case reflect.Array:
		n := plainSize(t.Elem())
		for i := range t.Len() {
			if !parsePlain(in[i*n:][:n], t.Elem(), unsafe.Add(p, uintptr(i)*t.Elem().Size())) {
				return false
			}
		}
		return true
	case reflect.Bool:
		*(*uint8)(p) = in[0] & 1
		return in[0] <= 1
	}
	switch t.Size() {
	case 1:
		*(*uint8)(p) = in[0]
	case 2:
		*(*uint16)(p) = binary.LittleEndian.Uint16(in)
	case 4:
		*(*uint32)(p) = binary.LittleEndian.Uint32(in)
	default:
		*(*uint64)(p) = binary.LittleEndian.Uint64(in)
	}
	return true
}
