// Package omnicore speaks to a host of OmniCore over REST and WebSocket. It needs nothing beyond Go's own library.
//
//	client, err := omnicore.New("https://omni.example.org", omnicore.WithToken(token))
//	output, err := client.CallFunction(ctx, "text", "count_vowels", []byte("hello"), omnicore.CallFunctionQuery{})
package omnicore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	largestAnswer  = 1 << 30 // bytes; a backup is the largest
	largestProblem = 1 << 20
)

// Client asks one host, or several behind a proxy. It may be used from any goroutine.
type Client struct {
	base     *url.URL
	token    string
	http     *http.Client
	attempts int
	longest  time.Duration
}

// Option changes a Client.
type Option func(*Client)

// WithToken sends a token with every request.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithHTTPClient takes another client, for certificates or proxies of your own. Its Timeout also ends streams of events.
func WithHTTPClient(client *http.Client) Option { return func(c *Client) { c.http = client } }

// WithRetries bounds how often a request is tried, the first time included, and how long a pause before a repetition is.
// The default is 4 tries and 30 s; 1 never repeats.
func WithRetries(attempts int, longest time.Duration) Option {
	return func(c *Client) { c.attempts, c.longest = max(attempts, 1), longest }
}

// New makes a client of the host at an address such as http://127.0.0.1:8080.
func New(address string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("omnicore: %q is not the address of a host, such as http://127.0.0.1:8080", address)
	}
	client := &Client{base: base, http: &http.Client{}, attempts: 4, longest: 30 * time.Second}
	for _, option := range options {
		option(client)
	}
	return client, nil
}

// Error is a refusal or failure that a host reports. Code is stable and made for programs; Detail says what happened and
// Remedy what to do about it. Instance names the request as the host's log does.
type Error struct {
	Status   int    `json:"status"`
	Code     string `json:"code"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	Remedy   string `json:"remedy"`
	Instance string `json:"instance"`
	// RetryAfter is how long the host asks to wait; 0 if it does not say.
	RetryAfter time.Duration `json:"-"`
}

func (e *Error) Error() string {
	if e.Remedy == "" {
		return fmt.Sprintf("omnicore: %s (%s, %d)", e.Detail, e.Code, e.Status)
	}
	return fmt.Sprintf("omnicore: %s; %s (%s, %d)", e.Detail, e.Remedy, e.Code, e.Status)
}

// HasCode tells whether an error is one that a host reports with this code.
func HasCode(err error, code string) bool {
	var reported *Error
	return errors.As(err, &reported) && reported.Code == code
}

type keyOfContext struct{}

// WithIdempotencyKey makes the operations of a context carry a key of yours: a second one with the same key, also of
// another process, has no further effect and gets the first one's answer. Without it each operation makes its own.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOfContext{}, key)
}

type visited interface{ visit(add func(string, any)) }

type request struct {
	method, path string
	query        visited
	body         any
	media        string
	keyed        bool
}

// do sends a request, repeats it where that is safe, and reads the answer into `answer` unless that is nil.
func (c *Client) do(ctx context.Context, asked request, answer any) error {
	body, err := asked.bytes()
	if err != nil {
		return err
	}
	key := ""
	if asked.keyed {
		if key, _ = ctx.Value(keyOfContext{}).(string); key == "" {
			key = newKey()
		}
	}
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, asked, body, key, answer)
		if err == nil || attempt >= c.attempts || ctx.Err() != nil || !asked.repeatable(err) {
			return err
		}
		if pause := c.pause(attempt, err); pause > c.longest || !slept(ctx, pause) {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, asked request, body []byte, key string, answer any) error {
	made, err := http.NewRequestWithContext(ctx, asked.method, c.base.String()+asked.path+asked.search(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	c.sign(made.Header)
	made.Header.Set("Accept", "application/json, */*")
	if asked.media != "" {
		made.Header.Set("Content-Type", asked.media)
	}
	if key != "" {
		made.Header.Set("Idempotency-Key", key)
	}
	response, err := c.http.Do(made)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return problem(response)
	}
	return read(response.Body, answer)
}

func (c *Client) sign(header http.Header) {
	header.Set("User-Agent", "omnicore-go/"+MadeFrom)
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
}

func read(body io.Reader, answer any) error {
	if answer == nil {
		_, err := io.Copy(io.Discard, io.LimitReader(body, largestProblem))
		return err
	}
	content, err := io.ReadAll(io.LimitReader(body, largestAnswer))
	if err != nil {
		return err
	}
	if raw, ok := answer.(*[]byte); ok {
		*raw = content
		return nil
	}
	if len(content) == 0 {
		return nil
	}
	return json.Unmarshal(content, answer)
}

func problem(response *http.Response) error {
	content, _ := io.ReadAll(io.LimitReader(response.Body, largestProblem))
	found := &Error{}
	if json.Unmarshal(content, found) != nil || found.Code == "" { // a proxy's answer, not a host's
		found = &Error{Code: "http-" + strconv.Itoa(response.StatusCode), Title: http.StatusText(response.StatusCode)}
		found.Detail = "the answer is " + response.Status
	}
	found.Status = response.StatusCode
	if seconds, err := strconv.ParseFloat(response.Header.Get("Retry-After"), 64); err == nil && seconds > 0 && seconds < 1e6 {
		found.RetryAfter = time.Duration(seconds * float64(time.Second))
	}
	return found
}

// repeatable tells whether a request that ended so may be sent again: always if it never began, and else if a repetition
// has no further effect.
func (r request) repeatable(err error) bool {
	safe := r.keyed || r.method != http.MethodPost
	var reported *Error
	if errors.As(err, &reported) {
		switch reported.Status {
		case http.StatusTooManyRequests:
			return true
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return safe
		}
		return false
	}
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" {
		return true
	}
	var syntax *json.SyntaxError
	return safe && !errors.As(err, &syntax)
}

// pause is what the host asks for, or else a random part of a time that doubles.
func (c *Client) pause(attempt int, err error) time.Duration {
	var reported *Error
	if errors.As(err, &reported) && reported.RetryAfter > 0 {
		return reported.RetryAfter
	}
	most := min(100*time.Millisecond<<min(attempt, 10), 5*time.Second, max(c.longest, 1))
	return mathrand.N(most)
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

func (r request) bytes() ([]byte, error) {
	if raw, ok := r.body.([]byte); ok || r.body == nil {
		return raw, nil
	}
	return json.Marshal(r.body)
}

func (r request) search() string {
	values := url.Values{}
	if r.query != nil {
		r.query.visit(func(name string, value any) {
			if found := reflect.ValueOf(value); found.Kind() == reflect.Pointer && !found.IsNil() {
				values.Set(name, fmt.Sprint(found.Elem().Interface()))
			}
		})
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func escaped(part string) string { return url.PathEscape(part) }

func newKey() string {
	var key [16]byte
	_, _ = rand.Read(key[:])
	return hex.EncodeToString(key[:])
}

// To returns a pointer to a value, for options that may be left out.
func To[T any](value T) *T { return &value }
