module omnicore.example/client

go 1.24
