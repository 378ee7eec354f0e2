// main.cpp - the `caraway` command: finds the subcommand and runs it.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "command.hpp"
#include "signals.hpp"

namespace {

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0  all went well\n"
    "  1  wrong arguments, or something on this machine does not work\n"
    "  2  cannot connect, or cannot listen\n"
    "  3  the server refused the handshake\n"
    "  4  the conversation did not end with a normal close\n";

int parse_and_run(int count, char** arguments) {
  CLI::App app("Talk WebSocket from the shell.", "caraway");
  app.set_version_flag("--version", "caraway " CARAWAY_VERSION);
  app.require_subcommand(1);
  app.footer(exit_codes);
  tool::status ends_with = tool::status::ok;
  for (const tool::command* c : tool::commands()) c->declare(app, ends_with);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(tool::status::usage);
  }
  return static_cast<int>(ends_with);
}

}  // namespace

int main(int count, char** arguments) {
  tool::take_signals();
  try {
    return parse_and_run(count, arguments);
  } catch (const std::exception& e) {
    std::cerr << "caraway: " << e.what() << "\n";
    return static_cast<int>(tool::status::usage);
  }
}
