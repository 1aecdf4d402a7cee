module plugins/@name@

go 1.24

require omnicore.example/sdk v0.0.0

require github.com/extism/go-pdk v1.1.3 // indirect

replace omnicore.example/sdk => ./sdk
