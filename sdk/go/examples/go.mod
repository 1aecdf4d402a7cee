// Each file here is a plugin by itself: `omnicore build kv.go`. This file keeps them out of the kit's own module.
module examples

go 1.24
