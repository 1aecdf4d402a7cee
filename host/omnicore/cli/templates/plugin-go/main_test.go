package main

import (
	"testing"

	"omnicore.example/sdk/omnicoretest"
)

func TestGreetUsesTheSetting(t *testing.T) {
	host := omnicoretest.New(t)
	host.Settings["greeting"] = "Good day"
	answer, err := Greet(Greeting{Name: "Ada"})
	if err != nil || answer.Greeting != "Good day, Ada!" {
		t.Fatal(answer, err)
	}
}

func TestABlankNameIsRefused(t *testing.T) {
	if _, err := Greet(Greeting{Name: " "}); err == nil {
		t.Fatal("it was greeted")
	}
}
