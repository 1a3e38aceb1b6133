// SPDX-License-Identifier: GPL-2.0-or-later

package unicorn

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/uklemu/uklemu/emu/x86"
)

// Every method that hands the engine's memory to C, or reads it, keeps its CPU
// alive meanwhile. The collector is seldom so quick that a run would show it,
// so the source is asked.
func TestMethodsKeepTheirCPUAlive(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	methods := 0
	for _, name := range files {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() || len(f.Recv.List[0].Names) == 0 || f.Recv.List[0].Names[0].Name != "c" {
				continue
			}
			body := string(source[f.Body.Pos()-1 : f.Body.End()-1])
			if f.Name.Name == "Close" || !strings.Contains(body, "c.e") && !strings.Contains(body, "c.state") && !strings.Contains(body, "c.attention") {
				continue
			}
			methods++
			require.Contains(t, body, "runtime.KeepAlive(c)", f.Name.Name)
		}
	}
	require.Greater(t, methods, 30)
}

// CPUs that are dropped where they are used last, while the collector works.
func TestDroppedCPUs(t *testing.T) {
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for range 100 {
		ram, err := NewRAM(1 << 20)
		require.NoError(t, err)
		c, err := New(ram)
		require.NoError(t, err)
		c.Configure(&Params{PhysicalBits: 39})
		c.Store(&x86.State{CR0: x86.CR0ET})
		require.Nil(t, c.ReadLinear(0, make([]byte, 1<<20), x86.Access{}))
	}
	close(stop)
	<-done
}
