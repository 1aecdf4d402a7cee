package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	omnicore "omnicore.example/client"
)

// connected is a connection to the servers of a real fleet, which tests/sdk/test_clients.py starts.
func connected(t *testing.T) *nats.Conn {
	t.Helper()
	url := os.Getenv("OMNICORE_TEST_NATS")
	if url == "" {
		t.Skip("OMNICORE_TEST_NATS names no server")
	}
	connection, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	return connection
}

func caller(t *testing.T) *Caller {
	return New(connected(t), WithToken(os.Getenv("OMNICORE_TEST_TOKEN")))
}

func TestACallIsAnsweredByAHostOfTheFleet(t *testing.T) {
	answer, err := caller(t).Call(t.Context(), "text", "count_vowels", []byte("hello"), Options{Costs: true})
	if err != nil {
		t.Fatal(err)
	}
	if string(answer.Output) != `{"count":2}` || answer.Plugin != "text" || answer.Host == "" || answer.TimeS == nil {
		t.Fatalf("%s %+v", answer.Output, answer)
	}
	again, err := caller(t).Call(t.Context(), "text", "count_vowels", []byte("e"), Options{Digest: answer.Digest})
	if err != nil || string(again.Output) != `{"count":1}` || again.Digest != answer.Digest {
		t.Fatalf("%+v %v", again, err)
	}
}

func TestOneKeyIsOneCall(t *testing.T) {
	options := Options{Key: "go-" + nats.NewInbox()}
	for replayed := range 2 {
		answer, err := caller(t).Call(t.Context(), "text", "count_vowels", []byte("hello"), options)
		if err != nil || answer.Replayed != (replayed == 1) {
			t.Fatalf("%+v %v", answer, err)
		}
	}
}

func TestRefusalsHaveACodeAndARemedy(t *testing.T) {
	if _, err := caller(t).Call(t.Context(), "no.such plugin", "run", nil, Options{}); !omnicore.HasCode(err, "not-served") {
		t.Fatal(err)
	}
	stranger := New(connected(t), WithToken("wrong"))
	_, err := stranger.Call(t.Context(), "text", "count_vowels", nil, Options{})
	var reported *omnicore.Error
	if !errors.As(err, &reported) || reported.Code != "wrong-credentials" || reported.Detail == "" || reported.Remedy == "" {
		t.Fatal(err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := caller(t).Call(late, "text", "count_vowels", nil, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

// answering serves a function with these answers in turn and tells how often it was asked.
func answering(t *testing.T, connection *nats.Conn, function string, errors ...string) *atomic.Int64 {
	asked := &atomic.Int64{}
	_, err := connection.Subscribe("omnicore.call.stand%2Ein."+function, func(message *nats.Msg) {
		told := map[string]any{"host": "host_a"}
		if number := int(asked.Add(1)); number <= len(errors) {
			told["error"], told["begun"] = errors[number-1], number > 2
		}
		reply := nats.NewMsg(message.Reply)
		header, _ := json.Marshal(told)
		reply.Header.Set(answerHeader, string(header))
		_ = message.RespondMsg(reply)
	})
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

func TestAnotherHostIsAskedUntilACallMayHaveBegun(t *testing.T) {
	connection := connected(t)
	const busy = "capacity-reached"
	for function, want := range map[string]struct {
		errors []string
		asked  int64
		code   string
	}{
		"twice":   {[]string{busy, "unavailable"}, 3, ""},
		"begun":   {[]string{busy, busy, busy}, 3, busy},
		"refused": {[]string{"permission-denied"}, 1, "permission-denied"},
	} {
		asked := answering(t, connection, function, want.errors...)
		_, err := New(connection).Call(t.Context(), "stand.in", function, nil, Options{})
		if asked.Load() != want.asked || (want.code == "") != (err == nil) || (err != nil && !omnicore.HasCode(err, want.code)) {
			t.Errorf("%s: asked %d times, %v", function, asked.Load(), err)
		}
	}
}
