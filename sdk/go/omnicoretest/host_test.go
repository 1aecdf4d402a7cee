package omnicoretest_test

import (
	"errors"
	"testing"

	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/config"
	"omnicore.example/sdk/events"
	"omnicore.example/sdk/http"
	"omnicore.example/sdk/kv"
	"omnicore.example/sdk/log"
	"omnicore.example/sdk/omnicoretest"
)

func TestKeysBehaveAsInAHost(t *testing.T) {
	host := omnicoretest.New(t)
	host.Keys["a"] = "by the test"
	version, err := kv.Put("b", []byte("\xff"), nil)
	swap, again := kv.CAS("b", &version, []byte("2"), nil)
	lost, last := kv.CAS("b", nil, []byte("3"), nil)
	if err != nil || again != nil || last != nil || !swap.Swapped || lost.Swapped || *lost.Version != *swap.Version {
		t.Fatal(err, again, last, swap, lost)
	}
	page, err := kv.List(&kv.ListOptions{Limit: omnicore.Some[int64](1)})
	if err != nil || len(page.Keys) != 1 || *page.Cursor != "a" {
		t.Fatal(page, err)
	}
	page, err = kv.List(&kv.ListOptions{Cursor: *page.Cursor})
	if err != nil || len(page.Keys) != 1 || page.Cursor != nil {
		t.Fatal(page, err)
	}
	gone, err := kv.Delete("b")
	entry, missing := kv.Get("b")
	if !gone || err != nil || entry != nil || missing != nil || host.Keys["a"] != "by the test" {
		t.Fatal(gone, err, entry, missing)
	}
}

func TestSettingsLinesAndEventsWork(t *testing.T) {
	host := omnicoretest.New(t)
	host.Settings["count"] = 3
	value, err := config.Get("count")
	var count int
	if err != nil || value.Decode(&count) != nil || count != 3 {
		t.Fatal(value, err)
	}
	log.Info("done", "count", count)
	if id, err := events.Publish("a.b", nil); id == "" || err != nil {
		t.Fatal(id, err)
	}
	written := host.Calls[1].Request
	if written["message"] != "done" || written["fields"].(map[string]any)["count"] != 3.0 {
		t.Fatal(host.Calls)
	}
}

func TestADoorAnswersWhatTheTestSays(t *testing.T) {
	host := omnicoretest.New(t)
	var refused *omnicore.DoorError
	if _, err := http.Fetch("u", nil); !errors.As(err, &refused) || refused.Code != "unavailable" {
		t.Fatal(err)
	}
	host.On("http.fetch", func(request map[string]any) (any, error) {
		return map[string]any{"status": 200, "headers": map[string]string{}, "body": request["url"]}, nil
	})
	if answer, err := http.Fetch("u", nil); err != nil || string(answer.Body) != "u" {
		t.Fatal(answer, err)
	}
	host.Close("http.fetch")
	if _, err := http.Fetch("u", nil); !errors.As(err, &refused) || refused.Code != "permission-denied" {
		t.Fatal(err)
	}
}
