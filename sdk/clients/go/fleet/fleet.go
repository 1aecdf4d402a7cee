// Package fleet calls plugins of a fleet of OmniCore's hosts over NATS, at whichever host serves them.
//
//	connection, err := nats.Connect("nats://127.0.0.1:4222")
//	caller := fleet.New(connection, fleet.WithToken(token))
//	answer, err := caller.Call(ctx, "text", "count_vowels", []byte("hello"), fleet.Options{})
//
// The protocol is specs/fleet.md. A client needs to publish to omnicore.call.> (omnicore.version.> for one version) and to
// subscribe to its inbox, no more.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	omnicore "omnicore.example/client"
)

const (
	callHeader     = "Omnicore-Call"
	answerHeader   = "Omnicore-Answer"
	largestProblem = 1 << 20
	longestCallS   = 3600
)

// Caller makes calls over one connection, which stays its owner's to close. It may be used from any goroutine.
type Caller struct {
	connection *nats.Conn
	token      string
	attempts   int
	longest    time.Duration
}

// Option changes a Caller.
type Option func(*Caller)

// WithToken sends a token with every call.
func WithToken(token string) Option { return func(c *Caller) { c.token = token } }

// WithAttempts bounds how often a call is sent, the first time included; 1 never repeats. The default is 4. A call that
// may have begun is not sent again.
func WithAttempts(attempts int) Option { return func(c *Caller) { c.attempts = max(attempts, 1) } }

// WithTimeout is how long a call whose context has no deadline is waited for. The default is a minute.
func WithTimeout(longest time.Duration) Option { return func(c *Caller) { c.longest = longest } }

// New makes a caller over a connection.
func New(connection *nats.Conn, options ...Option) *Caller {
	caller := &Caller{connection: connection, attempts: 4, longest: time.Minute}
	for _, option := range options {
		option(caller)
	}
	return caller
}

// Options of one call; all of them may be left out.
type Options struct {
	// Key makes calls of this function with the same key one call while the host that made it keeps its answer.
	Key string
	// Digest is the SHA-256 of the one version that may answer.
	Digest string
	// Costs asks for the time, fuel and memory of the call.
	Costs bool
}

// Answer is what a function returned, and who answered.
type Answer struct {
	Output []byte `json:"-"`
	Host   string `json:"host"`
	Plugin string `json:"plugin"`
	Digest string `json:"digest"`
	Media  string `json:"media"`
	// Replayed says that this is the answer to an earlier call with the same key.
	Replayed bool `json:"replayed"`
	// TimeS, Fuel, MemoryBytes and HostCalls are there if they were asked for and are counted.
	TimeS       *float64         `json:"time_s"`
	Fuel        *int64           `json:"fuel"`
	MemoryBytes *int64           `json:"memory_bytes"`
	HostCalls   map[string]int64 `json:"host_calls"`
}

type told struct {
	Answer
	Error string `json:"error"`
	Begun *bool  `json:"begun"`
}

// Call makes a call and returns its answer. What the host refuses or what fails there is an *omnicore.Error; omnicore.HasCode asks
// for one, "not-served" being that no host serves the function. A host hears how much time the context leaves.
func (c *Caller) Call(ctx context.Context, plugin, function string, input []byte, options Options) (*Answer, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.longest)
		defer cancel()
	}
	message, err := c.message(ctx, plugin, function, input, options)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		answer, begun, err := c.once(ctx, message)
		if err == nil || begun || attempt >= c.attempts || !slept(ctx, rand.N(100*time.Millisecond<<min(attempt, 5))) {
			return answer, err
		}
	}
}

func (c *Caller) message(
	ctx context.Context, plugin, function string, input []byte, options Options,
) (*nats.Msg, error) {
	deadline, _ := ctx.Deadline()
	left := min(time.Until(deadline).Seconds(), longestCallS)
	if left <= 0 {
		return nil, context.DeadlineExceeded
	}
	call := map[string]any{"timeout_s": left} // no moment: nothing says that the clocks of client and host agree
	if options.Key != "" {
		call["key"] = options.Key
	}
	if options.Costs {
		call["costs"] = true
	}
	subject := "omnicore.call."
	if options.Digest != "" {
		call["digest"] = options.Digest
		subject = "omnicore.version." + escaped(options.Digest) + "."
	}
	header, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	message := nats.NewMsg(subject + escaped(plugin) + "." + escaped(function))
	message.Data = input
	message.Header.Set(callHeader, string(header))
	if c.token != "" {
		message.Header.Set("Authorization", "Bearer "+c.token)
	}
	return message, nil
}

// once sends a call; `begun` says that the function may have been entered, or that another host would say the same.
func (c *Caller) once(ctx context.Context, message *nats.Msg) (answer *Answer, begun bool, err error) {
	reply, err := c.connection.RequestMsgWithContext(ctx, message)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, false, &omnicore.Error{
			Code:   "not-served",
			Detail: fmt.Sprintf("no host of the fleet serves %s", message.Subject),
			Remedy: "see `omnicore fleet ls` and the placement of the plugin",
		}
	}
	if err != nil {
		return nil, true, err
	}
	var found told
	if err := json.Unmarshal([]byte(reply.Header.Get(answerHeader)), &found); err != nil {
		return nil, true, fmt.Errorf("omnicore: the answer on %s is no host's: %w", message.Subject, err)
	}
	if found.Error != "" {
		other := found.Begun != nil && !*found.Begun && (found.Error == "capacity-reached" || found.Error == "unavailable")
		return nil, !other, problem(found.Error, reply.Data)
	}
	found.Output = reply.Data
	return &found.Answer, true, nil
}

func problem(code string, payload []byte) error {
	var described struct{ Message, Remedy string }
	if len(payload) > largestProblem || json.Unmarshal(payload, &described) != nil || described.Message == "" {
		described.Message = "a host of the fleet failed and did not say why"
	}
	return &omnicore.Error{Code: code, Detail: described.Message, Remedy: described.Remedy}
}

// escaped writes every byte but letters, digits, "_", "-" and "~" as %XX, as subjects do.
func escaped(name string) string {
	var made strings.Builder
	for _, one := range []byte(name) {
		switch {
		case 'a' <= one && one <= 'z', 'A' <= one && one <= 'Z', '0' <= one && one <= '9', strings.IndexByte("_-~", one) >= 0:
			made.WriteByte(one)
		default:
			fmt.Fprintf(&made, "%%%02X", one)
		}
	}
	return made.String()
}

func slept(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
