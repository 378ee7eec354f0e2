// command.hpp - a subcommand of `caraway`: one file NAME_command.cpp that defines NAME_command.
#pragma once

#include <span>

namespace CLI {
class App;
}

namespace tool {

// What the command ends with. The numbers are promised in `caraway --help`.
enum class status : int {
  ok = 0,
  usage = 1,           // wrong arguments, or something on this machine does not work
  cannot_connect = 2,  // no address, no answer, no listening possible
  refused = 3,         // the server answered the handshake with something else
  abnormal_close = 4,  // the conversation ended otherwise than by a normal close
};

struct command {
  // Adds the subcommand to `app`. It runs in its callback and leaves its status in `ends_with`.
  void (*declare)(CLI::App& app, status& ends_with);
};

// All subcommands, in the order of their names. Defined in a file that the build generates.
std::span<const command* const> commands() noexcept;

}  // namespace tool
