// signals.hpp - Ctrl-C and the wish of others that the program ends (SIGINT, SIGTERM), and that it reads
// its files again (SIGHUP), to be waited for.
#pragma once

namespace tool {

// From now on SIGINT and SIGTERM do nothing but end await_signal(). Before any other thread is started.
// A write to a pipe that nobody reads fails instead of ending the program.
void take_signals();

// Blocks until one of the signals comes; its number. The next one ends the program as usual.
int await_signal();

// Blocks until SIGHUP comes.
void await_hangup();

}  // namespace tool
