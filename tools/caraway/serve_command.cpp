// serve_command.cpp - `caraway serve`: a WebSocket server that sends back what it gets.
#include <CLI/CLI.hpp>
#include <caraway/task_group.hpp>
#include <caraway/this_task.hpp>
#include <caraway/ws.hpp>
#include <caraway/ws_metrics.hpp>
#include <iostream>

#include "command.hpp"
#include "metrics_page.hpp"
#include "signals.hpp"

namespace tool {
namespace {

namespace ws = caraway::ws;

constexpr std::chrono::seconds shortage_pause{1};

struct serve_arguments {
  std::string listen = "127.0.0.1:8080";
  bool echo = false;
  bool verbose = false;
  unsigned grace = 5;
  std::string certificate;
  std::string key;
  std::string metrics;
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

// Descriptors or memory are missing, which says nothing about the certificate.
bool is_shortage(const caraway::result<void>& done) {
  return !done && (done.error() == std::errc::too_many_files_open ||
                   done.error() == std::errc::too_many_files_open_in_system ||
                   done.error() == std::errc::not_enough_memory);
}

void tell_of_reading(const caraway::result<void>& done) {
  std::cerr << "caraway: the certificate was "
            << (done ? "read again" : "not read again: " + done.error().message())
            << (is_shortage(done) ? "; trying on" : "") << "\n";
}

// Reads the certificate again whenever SIGHUP comes, and until there is no shortage; one that is of
// no use changes nothing.
void renew_certificates(caraway::tls::server_context context) {
  awaited_signals hangup({SIGHUP});
  for (;;) {
    hangup.wait();
    auto done = context.try_reload();
    tell_of_reading(done);
    if (!is_shortage(done)) continue;
    do {
      hangup.wait(shortage_pause);
      done = context.try_reload();
    } while (is_shortage(done));
    tell_of_reading(done);
  }
}

caraway::result<caraway::tls::server_context> context_of(const serve_arguments& a) {
  using caraway::tls::pem;
  const pem key = a.key.empty() ? pem() : pem::file(a.key);
  return caraway::tls::server_context::try_make(
      {.own = {pem::file(a.certificate), key}, .alpn = {"http/1.1"}});
}

std::string metrics_of(const ws::server& s) {
  caraway::metrics_text page;
  ws::write_metrics(page, s.totals());
  return page.text();
}

// The page of numbers, if one is asked for; false if there is no place for it.
bool start_metrics(const serve_arguments& a, const ws::server& s,
                   std::unique_ptr<metrics_page>& page) {
  if (a.metrics.empty()) return true;
  auto made = metrics_page::start(a.metrics, [&s] { return metrics_of(s); });
  if (made) page = std::move(*made);
  if (!made)
    std::cerr << "caraway: cannot listen at " << a.metrics << ": " << made.error().message()
              << "\n";
  return page != nullptr;
}

status serve(serve_arguments& a) {
  if (a.verbose) a.options.on_error = complain;
  if (!a.certificate.empty()) {
    auto context = context_of(a);
    if (!context) {
      std::cerr << "caraway: " << a.certificate << ": " << context.error().message() << "\n";
      return status::usage;
    }
    a.options.tls = std::move(*context);
  }
  auto server = ws::server::try_start(a.listen, echo, a.options);
  if (!server) {
    std::cerr << "caraway: cannot listen at " << a.listen << ": " << server.error().message()
              << "\n";
    return status::cannot_connect;
  }
  std::unique_ptr<metrics_page> page;
  if (!start_metrics(a, *server, page)) return status::cannot_connect;
  caraway::task_group hangups;
  if (a.options.tls) hangups.go("SIGHUP", [&a] { renew_certificates(a.options.tls); });
  // SIGHUP must not end the program once clients know of it.
  caraway::yield();
  awaited_signals end(ending_signals);
  std::cout << "listening on " << server->url() << std::endl;
  if (page) std::cout << "metrics on " << page->url() << std::endl;
  end.wait();
  end.release();
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
                "Pages that may connect besides those of this host, as https://*.example.com:*; "
                "* for all")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  auto* const certificate =
      c->add_option("--tls-cert", arguments->certificate,
                    "Speak wss, with this certificate and its chain, in PEM; SIGHUP reads it again")
          ->type_name("FILE");
  c->add_option("--tls-key", arguments->key, "The key of the certificate, if it is in another file")
      ->type_name("FILE")
      ->needs(certificate);
  c->add_option("--max-message", arguments->options.limits.message, "The largest message, in bytes")
      ->capture_default_str();
  c->add_flag_callback(
      "--deflate", [arguments] { arguments->options.deflate.emplace(); },
      "Compress messages for clients that offer it");
  c->add_option("--max-connections", arguments->options.max_connections, "Conversations at a time")
      ->capture_default_str();
  c->add_option("--metrics", arguments->metrics,
                "Where to serve numbers for Prometheus over HTTP, as HOST:PORT")
      ->type_name("HOST:PORT");
  c->add_option("--grace", arguments->grace, "Seconds that conversations get to end")
      ->capture_default_str();
  c->add_flag("-v,--verbose", arguments->verbose, "Tell about conversations that fail");
  c->footer("Prints \"listening on ws://ADDRESS/\" (or wss) once clients can connect.");
  c->callback([arguments, &ends_with] { ends_with = serve(*arguments); });
}

}  // namespace

extern const command serve_command;
const command serve_command{declare};

}  // namespace tool
