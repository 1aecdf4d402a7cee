package omnicore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// host is a client of the real host that tests/sdk/test_clients.py starts.
func host(t *testing.T) *Client {
	t.Helper()
	address := os.Getenv("OMNICORE_TEST_URL")
	if address == "" {
		t.Skip("OMNICORE_TEST_URL names no host")
	}
	client, err := New(address, WithToken(os.Getenv("OMNICORE_TEST_TOKEN")))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// failing answers with each of these statuses in turn, then with `{}`, and counts.
func failing(t *testing.T, header http.Header, statuses ...int) (*Client, *atomic.Int32, *[]string) {
	t.Helper()
	asked, keys := &atomic.Int32{}, &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := int(asked.Add(1))
		*keys = append(*keys, r.Header.Get("Idempotency-Key"))
		for name, values := range header {
			w.Header()[name] = values
		}
		if number <= len(statuses) {
			w.WriteHeader(statuses[number-1])
			fmt.Fprint(w, `{"code":"busy","detail":"no room","remedy":"come again","status":503}`)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	client, err := New(server.URL, WithRetries(4, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return client, asked, keys
}

func TestACallReturnsTheOutputOfThePlugin(t *testing.T) {
	output, err := host(t).CallFunction(within(t), "text", "count_vowels", []byte("hello"), CallFunctionQuery{TimeoutS: To(5.0)})
	if err != nil || string(output) != `{"count":2}` {
		t.Fatalf("%s, %v", output, err)
	}
}

func TestARefusalHasACodeAndARemedy(t *testing.T) {
	_, err := host(t).ShowPlugin(within(t), "no-such-plugin/at all")
	var reported *Error
	if !errors.As(err, &reported) || reported.Status != http.StatusNotFound || reported.Remedy == "" || reported.Instance == "" {
		t.Fatalf("%#v", err)
	}
	if !HasCode(err, reported.Code) || HasCode(err, "another") || !strings.Contains(err.Error(), reported.Remedy) {
		t.Fatal(err)
	}
}

func TestAllPagesAreGoneThroughAndAreLeftEarly(t *testing.T) {
	client, ctx := host(t), within(t)
	for number := range 5 {
		order := TaskOrder{Function: "text.count_vowels", Input: "hello", Label: To(fmt.Sprintf("go %d", number))}
		if _, err := client.SubmitTask(ctx, order); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for task, err := range client.AllTasks(ctx, ListTasksQuery{Limit: To(int64(2))}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[task.ID] = true
	}
	if len(seen) < 5 {
		t.Fatalf("%d tasks", len(seen))
	}
	for range client.AllTasks(ctx, ListTasksQuery{Limit: To(int64(1))}) {
		break
	}
}

func TestOneKeyIsOneTask(t *testing.T) {
	client := host(t)
	ctx := WithIdempotencyKey(within(t), newKey())
	order := TaskOrder{Function: "text.count_vowels", Input: "hello"}
	first, err := client.SubmitTask(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := client.SubmitTask(ctx, order); err != nil || second.ID != first.ID {
		t.Fatalf("%v, %v", second, err)
	}
	order.Input = "another"
	if _, err = client.SubmitTask(ctx, order); err == nil {
		t.Fatal("another task under the same key was taken")
	}
}

func TestEventsAreHeardUntilTheLoopIsLeft(t *testing.T) {
	client := host(t)
	ctx, leave := context.WithCancel(within(t))
	defer leave()
	go func() { // until somebody has heard of one
		for ctx.Err() == nil {
			_, _ = client.SubmitTask(ctx, TaskOrder{Function: "text.count_vowels", Input: "hello"})
			slept(ctx, 50*time.Millisecond)
		}
	}()
	for event, err := range client.Events(ctx, "**") {
		if err != nil || event.Topic == "" || event.At == 0 {
			t.Fatal(event, err)
		}
		return
	}
	t.Fatal("the stream ended")
}

func TestAStreamThatIsRefusedSaysWhy(t *testing.T) {
	client := host(t)
	client.token = "wrong"
	for _, err := range client.Events(within(t), "**") {
		var reported *Error
		if !errors.As(err, &reported) || reported.Status != http.StatusUnauthorized {
			t.Fatal(err)
		}
	}
}

func TestAStreamEndsWithItsContextAndWithoutAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	for _, err := range host(t).Events(ctx, "no.such.topic") {
		t.Fatal(err)
	}
}

func TestWhatIsBusyIsAskedAgainWithTheSameKey(t *testing.T) {
	client, asked, keys := failing(t, nil, 503, 429, 502)
	if _, err := client.SubmitTask(within(t), TaskOrder{}); err != nil || asked.Load() != 4 {
		t.Fatal(err, asked.Load())
	}
	for _, key := range *keys {
		if key == "" || key != (*keys)[0] {
			t.Fatal(*keys)
		}
	}
}

func TestTriesAreBounded(t *testing.T) {
	client, asked, _ := failing(t, nil, 503, 503, 503, 503, 503)
	_, err := client.ListPlugins(within(t), ListPluginsQuery{})
	if !HasCode(err, "busy") || asked.Load() != 4 {
		t.Fatal(err, asked.Load())
	}
}

func TestAHostThatAsksForALongPauseIsNotWaitedFor(t *testing.T) {
	client, asked, _ := failing(t, http.Header{"Retry-After": {"3600"}}, 503)
	_, err := client.ListPlugins(within(t), ListPluginsQuery{})
	var reported *Error
	if !errors.As(err, &reported) || reported.RetryAfter != time.Hour || asked.Load() != 1 {
		t.Fatal(err, asked.Load())
	}
}

func TestACallThatMayHaveBegunIsNotRepeated(t *testing.T) {
	client, asked, _ := failing(t, nil, 502)
	if _, err := client.CallFunction(within(t), "a", "b", nil, CallFunctionQuery{}); err == nil || asked.Load() != 1 {
		t.Fatal(err, asked.Load())
	}
	client, asked, _ = failing(t, nil, 429) // refused before it began
	if _, err := client.CallFunction(within(t), "a", "b", nil, CallFunctionQuery{}); err != nil || asked.Load() != 2 {
		t.Fatal(err, asked.Load())
	}
	client, asked, _ = failing(t, nil, 422)
	if _, err := client.ListPlugins(within(t), ListPluginsQuery{}); err == nil || asked.Load() != 1 {
		t.Fatal(err, asked.Load())
	}
}

func TestAProxysPageIsAnErrorToo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<html>no</html>")
	}))
	defer server.Close()
	client, _ := New(server.URL)
	if _, err := client.ListPlugins(within(t), ListPluginsQuery{}); !HasCode(err, "http-403") {
		t.Fatal(err)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, address := range []string{"", "localhost:8080", "ftp://a", "http://"} {
		if _, err := New(address); err == nil {
			t.Fatal(address)
		}
	}
}
