package door

// Import makes a verb of a function that another package imports, such as one of a door of the host's application.
func Import(name string, call func(request uint64) uint64) Verb {
	return Verb{name, call}
}
