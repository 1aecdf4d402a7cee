module markdown

go 1.24

require (
	github.com/extism/go-pdk v1.1.3
	github.com/yuin/goldmark v1.7.13
)
