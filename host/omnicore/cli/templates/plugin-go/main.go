// @name@ greets people.
package main

import (
	"errors"
	"strings"

	"omnicore.example/sdk/config"
)

//go:generate go run omnicore.example/sdk/exports

// Greeting is what greet takes.
type Greeting struct {
	Name string `json:"name" min:"1" max:"100" doc:"who is greeted"`
}

// Answer is what greet gives.
type Answer struct {
	Greeting string `json:"greeting"`
}

// Shout gives a text in upper case.
//
//omnicore:export
func Shout(text string) string {
	return strings.ToUpper(text)
}

// Greet greets somebody with the word from the setting `greeting`.
//
//omnicore:export
func Greet(in Greeting) (Answer, error) {
	name := strings.TrimSpace(in.Name)
	if name == "" {
		return Answer{}, errors.New("the name is blank")
	}
	word, err := config.Get("greeting")
	if err != nil {
		return Answer{}, err
	}
	return Answer{word.TextOr("Hello") + ", " + name + "!"}, nil
}
