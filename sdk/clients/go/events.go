package omnicore

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what RFC 6455 asks for, and no secret
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	largestMessage = 16 << 20
	secretOfRFC    = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// Events yields what happens on the host, from now on, until the context ends or the loop is left. The topic is a pattern
// such as `plugin.*`; `**` is everything. A broken connection is an error and ends it: what happened meanwhile is lost to
// the stream, and ListEvents has it.
func (c *Client) Events(ctx context.Context, topic string) iter.Seq2[Event, error] {
	return stream[Event](ctx, c, "/ws?topic="+url.QueryEscape(topic))
}

// RunEvents yields what happens in one run of a workflow.
func (c *Client) RunEvents(ctx context.Context, run string) iter.Seq2[Event, error] {
	return stream[Event](ctx, c, "/ws?run="+url.QueryEscape(run))
}

// PluginLine is a line that a plugin logs. At counts seconds since the Unix epoch.
type PluginLine struct {
	Plugin  string  `json:"plugin"`
	At      float64 `json:"at"`
	Level   string  `json:"level"`
	Message string  `json:"message"`
	// Dropped is how many lines before this one were let go, because they came faster than they were read.
	Dropped int `json:"dropped"`
}

// PluginLog yields the last lines of a plugin's log and then those that come.
func (c *Client) PluginLog(ctx context.Context, plugin string) iter.Seq2[PluginLine, error] {
	return stream[PluginLine](ctx, c, "/ws/logs?plugin="+url.QueryEscape(plugin))
}

func stream[T any](ctx context.Context, c *Client, path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		socket, err := c.dial(ctx, path)
		if err != nil {
			yield(none, err)
			return
		}
		defer socket.close()
		defer context.AfterFunc(ctx, socket.close)()
		for {
			text, err := socket.message()
			if err != nil {
				if ctx.Err() == nil {
					yield(none, err)
				}
				return
			}
			var one T
			if err = json.Unmarshal(text, &one); !yield(one, err) || err != nil {
				return
			}
		}
	}
}

// socket is a WebSocket of which only messages to us matter. Source: RFC 6455.
type socket struct {
	connection io.ReadWriteCloser
	reader     *bufio.Reader
}

func (c *Client) dial(ctx context.Context, path string) (*socket, error) {
	made, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+path, nil)
	if err != nil {
		return nil, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:])
	key := base64.StdEncoding.EncodeToString(random[:])
	c.sign(made.Header)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
	} {
		made.Header.Set(name, value)
	}
	response, err := c.http.Do(made)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		defer response.Body.Close()
		return nil, problem(response)
	}
	sum := sha1.Sum([]byte(key + secretOfRFC)) //nolint:gosec
	connection, writable := response.Body.(io.ReadWriteCloser)
	if !writable || response.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		response.Body.Close()
		return nil, errors.New("omnicore: what answers at this address does not speak WebSocket")
	}
	return &socket{connection, bufio.NewReader(connection)}, nil
}

// message is the next text. Pings are answered; parts of a message are put together.
func (s *socket) message() ([]byte, error) {
	var whole []byte
	for {
		final, opcode, payload, err := s.frame(largestMessage - len(whole))
		if err != nil {
			return nil, err
		}
		switch opcode {
		case 0x8:
			return nil, closed(payload)
		case 0x9:
			if err := s.send(0xA, payload); err != nil {
				return nil, err
			}
		case 0x0, 0x1, 0x2:
			whole = append(whole, payload...)
			if final {
				return whole, nil
			}
		}
	}
}

func (s *socket) frame(most int) (final bool, opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(s.reader, head[:]); err != nil {
		return false, 0, nil, err
	}
	size := uint64(head[1] & 0x7F)
	if extended := map[uint64]int{126: 2, 127: 8}[size]; extended > 0 {
		var long [8]byte
		if _, err = io.ReadFull(s.reader, long[8-extended:]); err != nil {
			return false, 0, nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if head[1]&0x80 != 0 || head[0]&0x70 != 0 || size > uint64(max(most, 0)) {
		return false, 0, nil, fmt.Errorf("omnicore: a message of %d bytes, or one against the protocol", size)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.reader, payload)
	return head[0]&0x80 != 0, head[0] & 0x0F, payload, err
}

func (s *socket) send(opcode byte, payload []byte) error {
	if len(payload) > 125 {
		payload = payload[:125]
	}
	frame := []byte{0x80 | opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}
	_, _ = rand.Read(frame[2:6])
	for place, one := range payload {
		frame = append(frame, one^frame[2+place%4])
	}
	_, err := s.connection.Write(frame)
	return err
}

func (s *socket) close() {
	farewell := make(chan struct{})
	go func() {
		_ = s.send(0x8, []byte{0x03, 0xE8})
		close(farewell)
	}()
	select {
	case <-farewell:
	case <-time.After(time.Second): // who does not read is not waited for
	}
	s.connection.Close()
}

func closed(payload []byte) error {
	if len(payload) < 2 {
		return io.EOF
	}
	code, reason := int(binary.BigEndian.Uint16(payload)), strings.ToValidUTF8(string(payload[2:]), "?")
	if code == 1000 || code == 1001 {
		return io.EOF
	}
	return &Error{Status: code, Code: fmt.Sprintf("websocket-%d", code), Title: "the stream was ended", Detail: reason}
}
