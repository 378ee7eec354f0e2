// connect_command.cpp - `caraway connect`: lines of standard input out as messages, messages in as
// lines.
//
// The main coroutine receives and prints. Beside it one coroutine sends what is typed and one waits
// for Ctrl-C; both end the conversation by sending the close frame, so that receiving goes on until
// the server's answer.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>
#include <caraway/ws.hpp>
#include <iostream>

#include "command.hpp"
#include "lines.hpp"
#include "signals.hpp"

namespace tool {
namespace {

namespace ws = caraway::ws;
using milliseconds = std::chrono::milliseconds;

struct connect_arguments {
  std::string url;
  double timeout = 10;
  unsigned linger = 300;
  bool binary = false;
  bool quiet = false;
  std::vector<std::string> headers;
  std::vector<std::string> messages;
  std::string ca;
  bool insecure = false;
  ws::connect_options options;
};

class session {
 public:
  session(ws::socket& s, const connect_arguments& a) : socket_(s), arguments_(a) {}

  // Until both have closed, or something broke.
  status run();

 private:
  void print(const ws::message& m);
  void send(std::string_view text);
  void send_all();
  void close_when_quiet();
  void say_goodbye();
  status say_how_it_ended(std::error_code failure);

  ws::socket& socket_;
  const connect_arguments& arguments_;
  std::size_t received_ = 0;
};

void session::print(const ws::message& m) {
  ++received_;
  if (m.is_text() || isatty(STDOUT_FILENO) == 0)
    std::cout << m.text() << std::endl;
  else
    std::cout << "(" << m.size() << " bytes, binary)" << std::endl;
}

void session::send(std::string_view text) {
  const caraway::bytes data = caraway::as_bytes(text);
  const auto type = arguments_.binary ? ws::message_type::binary : ws::message_type::text;
  socket_.send(type, caraway::parts(&data, 1));
}

void session::send_all() {
  for (const std::string& m : arguments_.messages) send(m);
  line_reader input(STDIN_FILENO);
  while (arguments_.messages.empty()) {
    const auto line = input.next();
    if (!line) break;
    send(*line);
  }
  close_when_quiet();
}

// Answers that are on their way should not meet a closed door.
void session::close_when_quiet() {
  std::size_t seen;
  do {
    seen = received_;
    caraway::sleep(milliseconds(arguments_.linger));
  } while (seen != received_);
  say_goodbye();
}

// The server's answer is received by run(); if none comes, there is an end to waiting.
void session::say_goodbye() {
  const caraway::deadline until = ws::socket::close_patience;
  static_cast<void>(socket_.try_done(ws::close_code::normal, {}, until));
  caraway::sleep(until);
  socket_.abort();
}

status session::run() {
  caraway::task_group tasks(caraway::on_failure::collect);
  // A failure to send is found by receiving too.
  tasks.go("send", [this] { send_all(); });
  tasks.go("Ctrl-C", [this] {
    awaited_signals end(ending_signals);
    end.wait();
    end.release();
    say_goodbye();
  });
  for (;;) {
    const auto m = socket_.try_receive(caraway::never);
    if (!m || !*m) return say_how_it_ended(m ? std::error_code() : m.error());
    print(**m);
  }
}

status session::say_how_it_ended(std::error_code failure) {
  const std::uint16_t code = socket_.close_code();
  std::cout.flush();
  if (!arguments_.quiet) {
    std::cerr << "closed: " << code;
    if (!socket_.close_reason().empty()) std::cerr << " " << socket_.close_reason();
    if (failure) std::cerr << " (" << failure.message() << ")";
    std::cerr << "\n";
  }
  static_cast<void>(socket_.try_close(ws::socket::close_patience));
  return failure ? status::abnormal_close : status::ok;
}

// "Name: value".
caraway::http::field field_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos)
    throw CLI::ValidationError("--header", "\"" + text + "\" is not NAME: VALUE");
  const std::size_t start = text.find_first_not_of(" \t", colon + 1);
  return {text.substr(0, colon), start == text.npos ? std::string() : text.substr(start)};
}

void say_refusal(const caraway::http::response& r) {
  std::cerr << "caraway: refused: " << r.head.status << " " << r.head.reason << "\n";
  if (r.body.empty()) return;
  std::cerr << r.body << (r.body.ends_with('\n') ? "" : "\n");
}

// Whom to trust; the usual one unless the arguments say otherwise.
caraway::tls::client_context context_of(const connect_arguments& a) {
  if (a.ca.empty() && !a.insecure) return {};
  caraway::tls::client_settings settings;
  if (!a.ca.empty()) settings.authorities = caraway::tls::pem::file(a.ca);
  if (a.insecure) settings.verify = caraway::tls::verification::nothing;
  return caraway::tls::client_context(settings);
}

status connect(connect_arguments& a) {
  for (const std::string& h : a.headers) a.options.headers.push_back(field_of(h));
  try {
    a.options.tls = context_of(a);
  } catch (const caraway::error& e) {
    std::cerr << "caraway: " << a.ca << ": " << e.what() << "\n";
    return status::usage;
  }
  std::optional<ws::socket> socket;
  try {
    socket = ws::connect(a.url, a.options, std::chrono::duration<double>(a.timeout));
  } catch (const ws::refused& e) {
    say_refusal(e.response());
    return status::refused;
  } catch (const caraway::error& e) {
    std::cerr << "caraway: " << a.url << ": " << e.what() << "\n";
    return e.code() == caraway::errc::invalid_url ? status::usage : status::cannot_connect;
  }
  if (!a.quiet && isatty(STDIN_FILENO) != 0)
    std::cerr << "connected; type lines to send, Ctrl-D or Ctrl-C to close\n";
  return session(*socket, a).run();
}

void declare(CLI::App& app, status& ends_with) {
  auto a = std::make_shared<connect_arguments>();
  CLI::App* const c = app.add_subcommand(
      "connect",
      "Connect to a WebSocket server: lines in are messages out, messages in are lines out.");
  c->add_option("url", a->url, "Where to, as ws://HOST[:PORT][/PATH] or wss://...")
      ->required()
      ->type_name("URL");
  c->add_option("-m,--message", a->messages, "Send this instead of standard input; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  c->add_flag("--binary", a->binary, "Send binary messages instead of text");
  c->add_option("--header", a->headers, "A further field of the request; may be repeated")
      ->type_name("NAME:VALUE")
      ->allow_extra_args(false);
  c->add_option("--subprotocol", a->options.subprotocols,
                "A subprotocol to ask for, the best first; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  c->add_option("--ca", a->ca, "Trust the authorities in this file too, in PEM")->type_name("FILE");
  c->add_flag("--insecure", a->insecure, "Do not verify who the server is");
  c->add_option("--redirects", a->options.redirects, "How many redirects to follow")
      ->capture_default_str();
  c->add_option("--timeout", a->timeout, "Seconds until the handshake must be over")
      ->capture_default_str();
  c->add_option("--linger", a->linger, "Milliseconds of silence after the last line before closing")
      ->capture_default_str();
  c->add_option("--max-message", a->options.limits.message, "The largest message to take, in bytes")
      ->capture_default_str();
  c->add_flag_callback(
      "--deflate", [a] { a->options.deflate.emplace(); },
      "Offer to compress messages (permessage-deflate)");
  c->add_flag("-q,--quiet", a->quiet, "Say nothing but the messages");
  c->footer("The code and reason of the server's close go to standard error.");
  c->callback([a, &ends_with] { ends_with = connect(*a); });
}

}  // namespace

extern const command connect_command;
const command connect_command{declare};

}  // namespace tool
