package door

import "github.com/extism/go-pdk"

// exchange gives both blocks back at once, so that a plugin may call doors as often as it likes.
func exchange(verb Verb, request []byte) []byte {
	asked := pdk.AllocateBytes(request)
	defer asked.Free()
	answered := pdk.FindMemory(verb.call(asked.Offset()))
	defer answered.Free()
	return answered.ReadBytes()
}
