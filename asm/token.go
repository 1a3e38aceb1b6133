// SPDX-License-Identifier: GPL-2.0-or-later

package asm

import (
	"strconv"
	"strings"
)

// kind is what a token is.
type kind uint8

const (
	end kind = iota
	word
	number
	text  // "...", in a directive
	local // 1f, 1b
	punct
)

// token is a word of the source. column counts from 1, in bytes.
type token struct {
	kind   kind
	text   string // a string's is what it stands for
	value  uint64
	column int
}

func (t token) is(s string) bool { return t.kind == punct && t.text == s }

func (t token) String() string {
	if t.kind == end {
		return "the end of the line"
	}
	return strconv.Quote(t.text)
}

func letter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '.'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// scan cuts a line, without its comment, into tokens. The last one is end.
func scan(line string) ([]token, *Error) {
	var tokens []token
	for i := 0; i < len(line); {
		c := line[i]
		if c == ' ' || c == '\t' || c == '\r' || c == '\f' {
			i++
			continue
		}
		t := token{column: i + 1}
		n := 0
		var err *Error
		switch {
		case letter(c):
			for n = 1; i+n < len(line) && (letter(line[i+n]) || digit(line[i+n]) || line[i+n] == '$' || line[i+n] == '@'); n++ {
			}
			t.kind, t.text = word, line[i:i+n]
		case digit(c):
			n, err = scanNumber(line[i:], &t)
		case c == '\'':
			n, err = scanCharacter(line[i:], &t)
		case c == '"':
			n, err = scanString(line[i:], &t)
		case strings.HasPrefix(line[i:], "<<"), strings.HasPrefix(line[i:], ">>"):
			n, t.kind, t.text = 2, punct, line[i:i+2]
		case strings.IndexByte("+-*/%&|^~()[]{},:;=$!@", c) >= 0:
			n, t.kind, t.text = 1, punct, line[i:i+1]
		default:
			err = errorAt(i+1, "%q does not belong in an instruction", firstRune(line[i:]))
		}
		if err != nil {
			if err.Column == 0 {
				err.Column = i + 1
			}
			return nil, err
		}
		tokens = append(tokens, t)
		i += n
	}
	return append(tokens, token{kind: end, column: len(line) + 1}), nil
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// scanNumber reads 10, 0x10, 0b10, 010 (octal, as in C), 10h, and the
// references 1f and 1b to local labels.
func scanNumber(s string, t *token) (int, *Error) {
	n := 0
	for n < len(s) && (digit(s[n]) || letter(s[n])) && s[n] != '.' {
		n++
	}
	t.text = s[:n]
	lower := strings.ToLower(t.text)
	if digits := lower[:n-1]; (lower[n-1] == 'f' || lower[n-1] == 'b') && digits != "" && strings.Trim(digits, "0123456789") == "" {
		t.kind = local
		return n, nil
	}
	t.kind = number
	var err error
	if digits, ok := strings.CutSuffix(lower, "h"); ok {
		t.value, err = strconv.ParseUint(digits, 16, 64)
	} else {
		t.value, err = strconv.ParseUint(lower, 0, 64)
	}
	if err != nil || strings.Contains(lower, "_") {
		return n, errorAt(0, "%q is no number of 64 bits; accepted: 16, 0x10, 10h, 0b10000, 020", t.text)
	}
	return n, nil
}

// scanCharacter reads 'a' and '\n'.
func scanCharacter(s string, t *token) (int, *Error) {
	value, _, rest, err := strconv.UnquoteChar(s[1:], '\'')
	if err != nil || !strings.HasPrefix(rest, "'") || value > 0xff {
		return 0, errorAt(0, "a character is one byte between apostrophes, such as 'a' or '\\n'")
	}
	n := len(s) - len(rest) + 1
	*t = token{kind: number, text: s[:n], value: uint64(value), column: t.column}
	return n, nil
}

// scanString reads a string with the escapes of C.
func scanString(s string, t *token) (int, *Error) {
	var value []byte
	rest := s[1:]
	for rest != "" && rest[0] != '"' {
		if rest[0] == '\\' && len(rest) > 1 && rest[1] == '0' {
			value, rest = append(value, 0), rest[2:]
			continue
		}
		if rest[0] != '\\' {
			value, rest = append(value, rest[0]), rest[1:]
			continue
		}
		c, multibyte, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			return 0, errorAt(t.column+len(s)-len(rest), "not an escape in a string; accepted: \\n \\t \\r \\0 \\\\ \\\" \\x41 and those of C")
		}
		if multibyte {
			value = append(value, string(c)...)
		} else {
			value = append(value, byte(c))
		}
		rest = tail
	}
	if rest == "" {
		return 0, errorAt(0, "the string has no end")
	}
	t.kind, t.text = text, string(value)
	return len(s) - len(rest) + 1, nil
}

// withoutComments replaces comments by blanks, so that columns stay: # and //
// to the end of the line, /* */ over lines. It leaves strings alone.
func withoutComments(source string) string {
	out := []byte(source)
	for i := 0; i < len(out); i++ {
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"' && out[i] != '\n'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case out[i] == '\'' && i+2 < len(out) && out[i+2] == '\'':
			i += 2
		case out[i] == '#', out[i] == '/' && i+1 < len(out) && out[i+1] == '/':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case out[i] == '/' && i+1 < len(out) && out[i+1] == '*':
			close := strings.Index(source[i+2:], "*/")
			stop := len(out)
			if close >= 0 {
				stop = i + 2 + close + 2
			}
			for ; i < stop; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
			i--
		}
	}
	return string(out)
}
