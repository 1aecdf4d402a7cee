module omnicore/client

go 1.24
