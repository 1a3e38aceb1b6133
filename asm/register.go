// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"fmt"
	"strings"
)

// registers has the size in bits of every register by its name in lower case;
// 0 for those whose size never decides about an immediate.
var registers = func() map[string]int {
	r := map[string]int{"rip": 64, "eip": 32, "riz": 64, "eiz": 32, "st": 0}
	for i, name := range strings.Fields("ax cx dx bx sp bp si di") {
		r["r"+name], r["e"+name], r[name] = 64, 32, 16
		if i < 4 {
			r[name[:1]+"l"], r[name[:1]+"h"] = 8, 8
		} else {
			r[name+"l"] = 8
		}
	}
	for _, name := range strings.Fields("cs ds es fs gs ss") {
		r[name] = 0
	}
	for i := range 32 {
		for _, name := range []string{"xmm%d", "ymm%d", "zmm%d"} {
			r[fmt.Sprintf(name, i)] = 0
		}
		if i < 16 {
			r[fmt.Sprintf("cr%d", i)], r[fmt.Sprintf("dr%d", i)] = 0, 0
		}
		if i < 8 {
			r[fmt.Sprintf("st(%d)", i)], r[fmt.Sprintf("mm%d", i)], r[fmt.Sprintf("k%d", i)] = 0, 0, 0
		}
		if i < 4 {
			r[fmt.Sprintf("bnd%d", i)] = 0
		}
		if i >= 8 && i < 16 {
			name := fmt.Sprintf("r%d", i)
			r[name], r[name+"d"], r[name+"w"], r[name+"b"] = 64, 32, 16, 8
		}
	}
	return r
}()

func isRegister(name string) bool {
	_, ok := registers[strings.ToLower(name)]
	return ok
}

var segments = map[string]bool{"cs": true, "ds": true, "es": true, "fs": true, "gs": true, "ss": true}

// sizes are how Intel's syntax says how large memory is, in bits.
var sizes = map[string]int{
	"byte": 8, "word": 16, "dword": 32, "fword": 0, "qword": 64, "tbyte": 0, "oword": 0, "xmmword": 0, "ymmword": 0, "zmmword": 0,
}
