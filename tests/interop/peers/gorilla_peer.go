// gorilla_peer client ECHO_URL COMMAND_URL | server - Go's gorilla/websocket as either side.
//
// With DEFLATE=1 in the environment messages are compressed; it has no takeover.
// With CERTIFICATE and KEY, the names of files, the server speaks wss.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var count int
var deflate = os.Getenv("DEFLATE") == "1"

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Writers have room for 1000 bytes, so a longer message written in parts leaves in fragments.
func sendInFragments(socket *websocket.Conn, kind int, message []byte) {
	writer, err := socket.NextWriter(kind)
	check(err)
	for len(message) > 0 {
		n := min(700, len(message))
		_, err = writer.Write(message[:n])
		check(err)
		message = message[n:]
	}
	check(writer.Close())
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func expect(socket *websocket.Conn, kind int, message []byte) {
	gotKind, got, err := socket.ReadMessage()
	check(err)
	if gotKind != kind || !bytes.Equal(got, message) {
		log.Fatalf("expected kind %d of %d bytes, got kind %d of %d bytes", kind, len(message), gotKind, len(got))
	}
	count++
}

func dial(url string) *websocket.Conn {
	dialer := websocket.Dialer{WriteBufferSize: 1000, HandshakeTimeout: 10 * time.Second, EnableCompression: deflate}
	socket, answer, err := dialer.Dial(url, nil)
	check(err)
	agreed := answer.Header.Get("Sec-WebSocket-Extensions")
	if (agreed != "") != deflate {
		log.Fatalf("agreed to %q", agreed)
	}
	return socket
}

func expectClose(socket *websocket.Conn, code int, reason string) {
	_, _, err := socket.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code || (reason != "" && closed.Text != reason) {
		log.Fatalf("expected a close with %d %q, got %v", code, reason, err)
	}
}

func converse(url string) {
	socket := dial(url)
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 1048576} {
		binary := make([]byte, size)
		for i := range binary {
			binary[i] = byte(i*7 + size)
		}
		check(socket.WriteMessage(websocket.BinaryMessage, binary))
		expect(socket, websocket.BinaryMessage, binary)
		text := bytes.Repeat([]byte("x"), size)
		sendInFragments(socket, websocket.TextMessage, text)
		expect(socket, websocket.TextMessage, text)
	}
	for _, text := range []string{"Grüße", "日本語テキスト", "🌿 caraway 🌿"} {
		check(socket.WriteMessage(websocket.TextMessage, []byte(text)))
		expect(socket, websocket.TextMessage, []byte(text))
	}
	pong := ""
	socket.SetPongHandler(func(payload string) error { pong = payload; return nil })
	check(socket.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second)))
	check(socket.WriteMessage(websocket.TextMessage, []byte("after the ping")))
	expect(socket, websocket.TextMessage, []byte("after the ping"))
	if pong != "are you there" {
		log.Fatalf("pong %q", pong)
	}
	goodbye := websocket.FormatCloseMessage(3001, "that is all")
	check(socket.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second)))
	expectClose(socket, 3001, "")
	check(socket.Close())
}

func command(url string) {
	socket := dial(url)
	check(socket.WriteMessage(websocket.TextMessage, []byte("fragments")))
	expect(socket, websocket.TextMessage, bytes.Repeat([]byte("f"), 3000))
	check(socket.WriteMessage(websocket.TextMessage, []byte("close 4001 good bye")))
	expectClose(socket, 4001, "good bye")
	check(socket.Close())
}

func obey(socket *websocket.Conn, kind int, message []byte) error {
	words := strings.SplitN(string(message), " ", 3)
	switch {
	case kind == websocket.TextMessage && words[0] == "close":
		code, err := strconv.Atoi(words[1])
		check(err)
		return socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, words[2]),
			time.Now().Add(time.Second))
	case kind == websocket.TextMessage && words[0] == "ping":
		return socket.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second))
	case kind == websocket.TextMessage && words[0] == "fragments":
		sendInFragments(socket, kind, bytes.Repeat([]byte("f"), 3000))
		return nil
	}
	return socket.WriteMessage(kind, message)
}

func serve(writer http.ResponseWriter, request *http.Request) {
	upgrader := websocket.Upgrader{WriteBufferSize: 1000, EnableCompression: deflate}
	socket, err := upgrader.Upgrade(writer, request, nil)
	if err != nil {
		return
	}
	socket.SetPongHandler(func(payload string) error {
		return socket.WriteMessage(websocket.TextMessage, []byte("pong "+payload))
	})
	for err == nil {
		var kind int
		var message []byte
		if kind, message, err = socket.ReadMessage(); err == nil {
			err = obey(socket, kind, message)
		}
	}
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		fmt.Printf("closed %d %s\n", closed.Code, closed.Text)
	} else {
		fmt.Printf("error %v\n", err)
	}
	socket.Close()
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
	converse(os.Args[2])
	command(os.Args[3])
	fmt.Printf("%d exchanges\n", count)
}
