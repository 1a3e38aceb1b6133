// SPDX-License-Identifier: GPL-2.0-or-later

package gdb

var reverseCommands = []command{
	{"bs", (*session).stepBack},
	{"bc", (*session).continueBack},
}

func (s *session) stepBack(q request) string {
	target, ok := s.target.(Reverser)
	if !ok {
		return ""
	}
	return s.run(func() (Stop, error) { return target.StepBack(q.ctx) })
}

func (s *session) continueBack(q request) string {
	target, ok := s.target.(Reverser)
	if !ok {
		return ""
	}
	return s.run(func() (Stop, error) { return target.ContinueBack(q.ctx) })
}
