#include "caraway/dump.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "caraway/channel.hpp"
#include "caraway/fd.hpp"
#include "caraway/task_group.hpp"
#include "caraway/this_task.hpp"

namespace caraway {
namespace {

using namespace std::chrono_literals;

std::string line_with(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return "";
  const std::size_t start = text.rfind('\n', at) + 1;
  return text.substr(start, text.find('\n', at) - start);
}

TEST(dump, says_what_everybody_waits_for) {
  channel<int> c;
  task_group group;
  group.go("consumer", [&] { c.recv(1h); });
  group.go("lazy", [] { sleep(never); });
  yield();
  group.go("newcomer", [] {});
  const std::string text = dump();
  EXPECT_NE(line_with(text, "consumer").find("parked in channel receive"), std::string::npos)
      << text;
  EXPECT_NE(line_with(text, "consumer").find("deadline in 3"), std::string::npos) << text;
  EXPECT_NE(line_with(text, "lazy").find("sleep"), std::string::npos) << text;
  EXPECT_EQ(line_with(text, "lazy").find("deadline"), std::string::npos) << text;
  EXPECT_NE(line_with(text, "newcomer").find("ready"), std::string::npos) << text;
  EXPECT_NE(line_with(text, "main").find("running"), std::string::npos) << text;
  EXPECT_NE(line_with(text, "lazy").find(" KiB"), std::string::npos) << text;
  EXPECT_EQ(line_with(text, "main").find(" KiB"), std::string::npos) << text;
}

TEST(dump, says_since_when_somebody_waits) {
  task_group group;
  group.go("early", [] { sleep(never); });
  sleep(120ms);
  group.go("late", [] { sleep(never); });
  yield();
  const std::string text = dump();
  const auto seconds_of = [&](const char* name) {
    const std::string line = line_with(text, name);
    const std::size_t at = line.find("in sleep for ");
    return at == std::string::npos ? -1.0 : std::stod(line.substr(at + 13));
  };
  EXPECT_GE(seconds_of("early"), 0.119) << text;
  EXPECT_GE(seconds_of("late"), 0.0) << text;
  EXPECT_GE(seconds_of("early") - seconds_of("late"), 0.119) << text;
}

TEST(dump, of_a_thread_without_coroutines_is_empty) {
  std::string text = "not empty";
  std::thread([&] { text = dump(); }).join();
  EXPECT_EQ(text, "");
}

TEST(dump, goes_to_a_descriptor_too) {
  yield();
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const unique_fd in(fds[0]);
  unique_fd out(fds[1]);
  dump(out.get());
  out.reset();
  std::array<char, 4096> text{};
  const ssize_t n = ::read(in.get(), text.data(), text.size());
  ASSERT_GT(n, 0);
  EXPECT_NE(std::string(text.data(), static_cast<std::size_t>(n)).find("main"), std::string::npos);
}

}  // namespace
}  // namespace caraway
