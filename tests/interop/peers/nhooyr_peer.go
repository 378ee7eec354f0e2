// nhooyr_peer client ECHO_URL COMMAND_URL | server - Go's nhooyr.io/websocket as either side.
//
// With DEFLATE=1 in the environment messages are compressed, with TAKEOVER=1 they also refer to earlier ones.
// With CERTIFICATE and KEY, the names of files, the server speaks wss.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"nhooyr.io/websocket"
)

const limit = 2 << 20

var count int

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func compression() websocket.CompressionMode {
	switch {
	case os.Getenv("DEFLATE") != "1":
		return websocket.CompressionDisabled
	case os.Getenv("TAKEOVER") == "1":
		return websocket.CompressionContextTakeover
	}
	return websocket.CompressionNoContextTakeover
}

// Every write to the writer of a message leaves as a fragment of its own.
func sendInFragments(ctx context.Context, socket *websocket.Conn, kind websocket.MessageType, message []byte, each int) {
	writer, err := socket.Writer(ctx, kind)
	check(err)
	for len(message) > each {
		_, err = writer.Write(message[:each])
		check(err)
		message = message[each:]
	}
	_, err = writer.Write(message)
	check(err)
	check(writer.Close())
}

func expect(ctx context.Context, socket *websocket.Conn, kind websocket.MessageType, message []byte) {
	gotKind, got, err := socket.Read(ctx)
	check(err)
	if gotKind != kind || !bytes.Equal(got, message) {
		log.Fatalf("expected %v of %d bytes, got %v of %d bytes", kind, len(message), gotKind, len(got))
	}
	count++
}

func dial(ctx context.Context, url string) *websocket.Conn {
	socket, answer, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: compression()})
	check(err)
	expected := map[websocket.CompressionMode]string{
		websocket.CompressionContextTakeover:   "permessage-deflate",
		websocket.CompressionNoContextTakeover: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	}[compression()]
	if agreed := answer.Header.Get("Sec-WebSocket-Extensions"); agreed != expected {
		log.Fatalf("agreed to %q, not %q", agreed, expected)
	}
	socket.SetReadLimit(limit)
	return socket
}

// Its pings wait for their pongs while somebody reads.
func pingAndEcho(ctx context.Context, socket *websocket.Conn) {
	ponged := make(chan error, 1)
	go func() {
		err := socket.Ping(ctx)
		if err == nil {
			err = socket.Write(ctx, websocket.MessageText, []byte("after the pong"))
		}
		ponged <- err
	}()
	expect(ctx, socket, websocket.MessageText, []byte("after the pong"))
	check(<-ponged)
	count++
}

func converse(ctx context.Context, url string) {
	socket := dial(ctx, url)
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 1048576} {
		binary := make([]byte, size)
		for i := range binary {
			binary[i] = byte(i*7 + size)
		}
		check(socket.Write(ctx, websocket.MessageBinary, binary))
		expect(ctx, socket, websocket.MessageBinary, binary)
		text := bytes.Repeat([]byte("x"), size)
		sendInFragments(ctx, socket, websocket.MessageText, text, 700)
		expect(ctx, socket, websocket.MessageText, text)
	}
	for _, text := range []string{"Grüße", "日本語テキスト", "🌿 caraway 🌿"} {
		check(socket.Write(ctx, websocket.MessageText, []byte(text)))
		expect(ctx, socket, websocket.MessageText, []byte(text))
	}
	pingAndEcho(ctx, socket)
	check(socket.Close(3001, "that is all"))
}

func command(ctx context.Context, url string) {
	socket := dial(ctx, url)
	check(socket.Write(ctx, websocket.MessageText, []byte("fragments")))
	expect(ctx, socket, websocket.MessageText, bytes.Repeat([]byte("f"), 3000))
	check(socket.Write(ctx, websocket.MessageText, []byte("close 4001 good bye")))
	_, _, err := socket.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4001 || closed.Reason != "good bye" {
		log.Fatalf("expected a close with 4001, got %v", err)
	}
}

func obey(ctx context.Context, socket *websocket.Conn, kind websocket.MessageType, message []byte) error {
	words := strings.SplitN(string(message), " ", 3)
	switch {
	case kind == websocket.MessageText && words[0] == "close":
		code, err := strconv.Atoi(words[1])
		check(err)
		if err = socket.Close(websocket.StatusCode(code), words[2]); err != nil {
			return err
		}
		return websocket.CloseError{Code: websocket.StatusCode(code), Reason: words[2]}
	case kind == websocket.MessageText && words[0] == "ping":
		go func() {
			if socket.Ping(ctx) == nil {
				socket.Write(ctx, websocket.MessageText, []byte("pong are you there"))
			}
		}()
		return nil
	case kind == websocket.MessageText && words[0] == "fragments":
		sendInFragments(ctx, socket, kind, bytes.Repeat([]byte("f"), 3000), 1000)
		return nil
	}
	return socket.Write(ctx, kind, message)
}

func serve(writer http.ResponseWriter, request *http.Request) {
	socket, err := websocket.Accept(writer, request, &websocket.AcceptOptions{CompressionMode: compression()})
	if err != nil {
		return
	}
	socket.SetReadLimit(limit)
	for err == nil {
		var kind websocket.MessageType
		var message []byte
		if kind, message, err = socket.Read(request.Context()); err == nil {
			err = obey(request.Context(), socket, kind, message)
		}
	}
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		fmt.Printf("closed %d %s\n", closed.Code, closed.Reason)
	} else {
		fmt.Printf("error %v\n", err)
	}
}

func main() {
	if len(os.Args) == 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		fmt.Printf("listening %s\n", listener.Addr())
		if certificate := os.Getenv("CERTIFICATE"); certificate != "" {
			check(http.ServeTLS(listener, http.HandlerFunc(serve), certificate, os.Getenv("KEY")))
		}
		check(http.Serve(listener, http.HandlerFunc(serve)))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	converse(ctx, os.Args[2])
	command(ctx, os.Args[3])
	fmt.Printf("%d exchanges\n", count)
}
