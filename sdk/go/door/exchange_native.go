//go:build !wasip1

package door

// Outside answers in tests, where there is no host; omnicore.example/sdk/omnicoretest sets it.
var Outside func(verb string, request []byte) []byte

func exchange(verb Verb, request []byte) []byte {
	if Outside == nil {
		return []byte(`{"error": {"code": "unavailable", "message": "there is no host here",
			"remedy": "begin the test with omnicoretest.New(t)"}}`)
	}
	return Outside(verb.Name, request)
}
