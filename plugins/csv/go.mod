module plugins/csv

go 1.24

require (
	github.com/gogs/chardet v0.0.0-20211120154057-b7413eaefb8f
	golang.org/x/text v0.24.0
	omnicore.example/sdk v0.0.0
)

require github.com/extism/go-pdk v1.1.3 // indirect

replace omnicore.example/sdk => ../../sdk/go
