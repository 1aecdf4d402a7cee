module omnicore.dev/client

go 1.24
