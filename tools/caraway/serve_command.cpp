// serve_command.cpp - `caraway serve`: a WebSocket server that sends back what it gets.
#include <CLI/CLI.hpp>
#include <caraway/ws.hpp>
#include <iostream>

#include "command.hpp"
#include "signals.hpp"

namespace tool {
namespace {

namespace ws = caraway::ws;

struct serve_arguments {
  std::string listen = "127.0.0.1:8080";
  bool echo = false;
  bool verbose = false;
  unsigned grace = 5;
  ws::serve_options options;
};

void echo(ws::socket& s) {
  while (const auto m = s.recv()) s.send(*m);
}

void complain(const caraway::address& peer, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    std::cerr << peer.to_string() << ": " << e.what() << "\n";
  }
}

status serve(serve_arguments& a) {
  if (a.verbose) a.options.on_error = complain;
  auto server = ws::server::try_start(a.listen, echo, a.options);
  if (!server) {
    std::cerr << "caraway: cannot listen at " << a.listen << ": " << server.error().message()
              << "\n";
    return status::cannot_connect;
  }
  std::cout << "listening on " << server->url() << std::endl;
  await_signal();
  server->stop(std::chrono::seconds(a.grace));
  return status::ok;
}

void declare(CLI::App& app, status& ends_with) {
  auto arguments = std::make_shared<serve_arguments>();
  CLI::App* const c = app.add_subcommand(
      "serve", "Serve WebSocket until Ctrl-C or SIGTERM, then say goodbye to everybody.");
  c->add_flag("--echo", arguments->echo, "Send every message back")->required();
  c->add_option("--listen", arguments->listen, "Where, as HOST:PORT; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  c->add_option("--subprotocol", arguments->options.subprotocols,
                "A subprotocol to agree to, the best first")
      ->type_name("NAME")
      ->allow_extra_args(false);
  c->add_option("--origin", arguments->options.origins,
                "Pages that may connect besides those of this host; * for all")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  c->add_option("--max-message", arguments->options.limits.message, "The largest message, in bytes")
      ->capture_default_str();
  c->add_option("--max-connections", arguments->options.max_connections, "Conversations at a time")
      ->capture_default_str();
  c->add_option("--grace", arguments->grace, "Seconds that conversations get to end")
      ->capture_default_str();
  c->add_flag("-v,--verbose", arguments->verbose, "Tell about conversations that fail");
  c->footer("Prints \"listening on ws://ADDRESS/\" once clients can connect.");
  c->callback([arguments, &ends_with] { ends_with = serve(*arguments); });
}

}  // namespace

extern const command serve_command;
const command serve_command{declare};

}  // namespace tool
