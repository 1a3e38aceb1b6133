module github.com/uklemu/uklemu

go 1.26
