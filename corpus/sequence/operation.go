// SPDX-License-Identifier: GPL-2.0-or-later

package sequence

// Operation is one kind of what happens.
type Operation struct {
	Name, Does string
	Args       []Parameter
	// Number is that of a system call, NotACall of all else.
	Number int
	// Needs says what it takes: see Kernel.Has.
	Needs need
	// Weight is how often it is generated, beside others; 0 is as 1.
	Weight int
	kind   kind
}

// NotACall is the number of what is no system call.
const NotACall = -1

// rare is the weight of operations behind which there is nothing, mostly.
const rare = -1

// Parameter is an argument of an operation.
type Parameter struct {
	Name   string
	Domain *Domain
}

// Code is an operation's place in the table. Binary sequences have it.
type Code uint8

// need is what an operation takes of a kernel.
type need uint8

const (
	needNothing   need = iota
	needShortcuts      // functions that the application may call directly
	needCare           // a kernel that looks after an application's faults and threads
)

// kind is how an operation is carried out.
type kind uint8

const (
	systemCall kind = iota
	anyCall
	touchLoad
	touchStore
	touchExecute
	plainCode
	moveStack
	setFlags
	setHandler
	setField
	handlerReturn
	makeThread
	evictPage
	callFunction
)

// Operations are all there are: first what is no system call, then these.
func Operations() []Operation { return operations }

var operations = append(append([]Operation(nil), events...), systemCalls...)

// findOperation finds one by its name.
var findOperation = func() func(string) (Code, bool) {
	byName := make(map[string]Code, len(operations))
	for c := range operations {
		byName[operations[c].Name] = Code(c)
	}
	return func(name string) (Code, bool) { c, ok := byName[name]; return c, ok }
}()

// args makes parameters of pairs.
func args(pairs ...any) (list []Parameter) {
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		domain, _ := pairs[i+1].(*Domain)
		list = append(list, Parameter{name, domain})
	}
	return list
}
