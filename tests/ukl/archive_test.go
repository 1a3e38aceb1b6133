// SPDX-License-Identifier: GPL-2.0-or-later

package ukl

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// good has what every application has to have.
const good = `
long entry_SYSCALL_64(void);
int global = 1;
static __thread int local;
void _start(void) { local = global; entry_SYSCALL_64(); for (;;); }`

// right are the flags that an application is compiled with.
var right = []string{"-O2", "-mcmodel=kernel", "-mno-red-zone", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none"}

// TestKernelRefusesWrongArchives: the build of the kernel stops, and says which
// object is wrong, in what, and what would be right.
func TestKernelRefusesWrongArchives(t *testing.T) {
	link := linkScript(t)
	for _, test := range []struct {
		name, source string
		flags        []string // in place of right
		bare         bool     // symbols without the prefix
		says         []string
	}{
		{
			name: "red zone", flags: with("-mred-zone"),
			source: `int leaf(int a, int b) { volatile int x[4]; x[0] = a; x[3] = b; return x[0] + x[3]; }`,
			says:   []string{"UKL.a(wrong.o): ukl_leaf uses the red zone", "-mno-red-zone"},
		}, {
			name: "red zone below a frame pointer", flags: with("-O0", "-mred-zone"),
			source: `int leaf(int a, int b) { volatile int x[4]; x[0] = a; x[3] = b; return x[0] + x[3]; }`,
			says:   []string{"UKL.a(wrong.o): ukl_leaf uses the red zone", "-mno-red-zone"},
		}, {
			name: "code model", flags: with("-mcmodel=small"),
			source: `extern int global; int *where(void) { return &global; }`,
			says:   []string{"UKL.a(wrong.o): the addresses of its symbols must be below 4 GiB", "R_X86_64_32 for ukl_global", "-mcmodel=kernel"},
		}, {
			name: "position-independent code", flags: with("-mcmodel=small", "-fPIC"),
			source: `extern int global; int value(void) { return global; }`,
			says:   []string{"UKL.a(wrong.o): has position-independent code", "-fno-pic"},
		}, {
			name: "dynamic TLS", flags: with("-mcmodel=small", "-fPIC"),
			source: `__thread int mine; int value(void) { return mine; }`,
			says:   []string{"UKL.a(wrong.o): has thread-local variables of the dynamic models", "-ftls-model=local-exec"},
		}, {
			name: "undefined symbol", source: `int nowhere(void); int f(void) { return nowhere(); }`,
			says: []string{"UKL.a(wrong.o): its symbol ukl_nowhere is undefined"},
		}, {
			name: "no prefix", bare: true, source: `int schedule(void) { return 0; }`,
			says: []string{"UKL.a(wrong.o): its symbol schedule may collide with one of the kernel's", "--prefix-symbols=ukl_"},
		}, {
			name: "stack protector", flags: with("-fstack-protector-all"),
			source: `void use(char *p); int f(void) { char a[64]; a[0] = 0; asm("" : : "r"(a) : "memory"); return a[0]; }`,
			says:   []string{"UKL.a(wrong.o): ukl_f uses GS", "-fno-stack-protector"},
		}, {
			name: "entry of CPL 3", source: `void f(void) { asm volatile("int $0x80"); }`,
			says: []string{"UKL.a(wrong.o): ukl_f has an instruction that belongs to the boundary", "ukl_entry_SYSCALL_64"},
		}, {
			name: "defines the kernel's entry", source: `asm(".globl ukl_entry_SYSCALL_64\nukl_entry_SYSCALL_64: ret");`, bare: true,
			says: []string{"UKL.a(wrong.o): defines ukl_entry_SYSCALL_64, which is the kernel's"},
		}, {
			name: "32-bit object", flags: []string{"-m32"}, source: `int f(void) { return 1; }`,
			says: []string{"UKL.a(wrong.o): is for Intel 80386, not for x86-64"},
		}, {
			name: "section of its own", source: `__attribute__((section("special"))) int x = 1;`,
			says: []string{"UKL.a: its section special has no place in the kernel image"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive := archiveOf(t, dir, object(t, dir, "good", good, right, true), object(t, dir, "wrong", test.source, flagsOr(test.flags), !test.bare))
			says := link(dir, archive)
			for _, s := range test.says {
				require.Contains(t, says, s)
			}
			require.NoFileExists(t, filepath.Join(dir, "out.o"))
		})
	}
}

// TestKernelRefusesWhatIsNoArchive: the file as such.
func TestKernelRefusesWhatIsNoArchive(t *testing.T) {
	link := linkScript(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "UKL.a")
	require.Contains(t, link(dir, text), "there is no file "+text+" (CONFIG_UKL_ARCHIVE_PATH)")
	require.NoError(t, os.WriteFile(text, []byte("no object\n"), 0o644))
	require.Contains(t, link(dir, text), text+" is neither a relocatable object nor an archive of such")
	require.NoError(t, os.Remove(text))
	archiveOf(t, dir, object(t, dir, "library", `int f(void) { return 1; }`, right, true))
	require.Contains(t, link(dir, text), "there is no ukl__start")
}

// TestKernelTakesRightArchives: an archive and a single object.
func TestKernelTakesRightArchives(t *testing.T) {
	link := linkScript(t)
	dir := t.TempDir()
	single := object(t, dir, "good", good, right, true)
	more := object(t, dir, "more", `int more[4]; static const char *const text = "text"; const char *f(int i) { return text + more[i]; }`, right, true)
	for _, archive := range []string{single, archiveOf(t, dir, single, more)} {
		require.Empty(t, link(dir, archive))
		require.FileExists(t, filepath.Join(dir, "out.o"))
		require.NoError(t, os.Remove(filepath.Join(dir, "out.o")))
	}
}

func with(flags ...string) []string { return append(append([]string{}, right...), flags...) }

func flagsOr(flags []string) []string {
	if flags == nil {
		return right
	}
	return flags
}

// object compiles one; its symbols get the prefix as an application's do.
func object(t *testing.T, dir, name, source string, flags []string, prefix bool) string {
	t.Helper()
	c, o := filepath.Join(dir, name+".c"), filepath.Join(dir, name+".o")
	require.NoError(t, os.WriteFile(c, []byte(source), 0o644))
	run(t, "gcc", append(append([]string{"-w", "-ffreestanding", "-fno-asynchronous-unwind-tables"}, flags...), "-c", "-o", o, c)...)
	if prefix {
		run(t, "objcopy", "--prefix-symbols=ukl_", o)
	}
	return o
}

func archiveOf(t *testing.T, dir string, objects ...string) string {
	t.Helper()
	archive := filepath.Join(dir, "UKL.a")
	_ = os.Remove(archive)
	run(t, "ar", append([]string{"rc", archive}, objects...)...)
	return archive
}

func run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	out, err := exec.Command(name, arguments...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// linkScript is scripts/ukl/link.sh out of the patch that adds it: what it
// says of an archive, "" if it makes the object out.o of it.
func linkScript(t *testing.T) func(dir, archive string) string {
	t.Helper()
	patches, err := filepath.Glob(filepath.Join("..", "..", "corpus", "linux", "patches", "*-kbuild-*.patch"))
	require.NoError(t, err)
	require.Len(t, patches, 1)
	b, err := os.ReadFile(patches[0])
	require.NoError(t, err)
	scripts := t.TempDir()
	for name, text := range newFiles(string(b)) {
		if rest, ok := strings.CutPrefix(name, "scripts/ukl/"); ok {
			require.NoError(t, os.WriteFile(filepath.Join(scripts, rest), []byte(text), 0o755))
		}
	}
	require.FileExists(t, filepath.Join(scripts, "link.sh"))
	return func(dir, archive string) string {
		command := exec.Command("sh", filepath.Join(scripts, "link.sh"), archive, filepath.Join(dir, "out.o"))
		command.Env = append(os.Environ(), "LC_ALL=C", "READELF=readelf", "OBJDUMP=objdump", "NM=nm", "LD=ld")
		out, err := command.CombinedOutput()
		require.Equal(t, err != nil, len(out) > 0, "%v: %s", err, out)
		return string(out)
	}
}

// newFiles are the files that a patch adds.
func newFiles(patch string) map[string]string {
	files := map[string]string{}
	name, added := "", false
	for line := range strings.Lines(patch) {
		switch {
		case strings.HasPrefix(line, "diff --git "):
			name, added = "", false
		case line == "--- /dev/null\n":
			added = true
		case strings.HasPrefix(line, "+++ b/") && added:
			name = strings.TrimSpace(strings.TrimPrefix(line, "+++ b/"))
		case strings.HasPrefix(line, "+") && name != "":
			files[name] += line[1:]
		}
	}
	return files
}
