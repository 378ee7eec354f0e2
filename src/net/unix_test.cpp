// unix_test.cpp - stream sockets within this machine, and descriptors that travel through them.
#include "caraway/unix.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>

#include "caraway/sim.hpp"
#include "caraway/task_group.hpp"
#include "caraway/testing/byte_stream_contract.hpp"
#include "caraway/this_task.hpp"
#include "net/with_kernel.hpp"
#include "runtime/scheduler.hpp"

namespace caraway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A folder of the test's own.
class folder {
 public:
  folder() {
    char name[] = "/tmp/caraway-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

CARAWAY_BYTE_STREAM_CONTRACT(unix, []() -> testing::stream_pair { return local::pair(); })

// The simulated network fails where it is told to.
TEST(unix, keeps_the_contract_when_any_system_call_fails) {
  sim::run({}, [] {
    const auto connect = [](std::size_t n) -> testing::stream_pair {
      sim::configure({});
      auto [a, b] = local::pair();
      sim::configure({.fail_call = n + 1, .fail_code = ECONNRESET});
      return {std::move(a), std::move(b)};
    };
    testing::byte_stream_contract::every_operation_may_fail(
        connect, testing::contract_report([](const std::string& what) { ADD_FAILURE() << what; }));
  });
}

TEST(unix, a_path_is_listened_at_and_connected_to) {
  const folder f;
  auto l = local::listen(f / "socket");
  auto a = local::connect(f / "socket", seconds(5));
  auto b = l.accept(seconds(5));
  a->write("hello");
  EXPECT_EQ(as_text(b->fill(5)), "hello");
}

TEST(unix, a_listener_that_cannot_be_made_leaves_no_file) {
  const folder f;
  const std::string path = f / "socket";
  sim::run({}, [&path] {
    testing::for_each_failure([&path](std::size_t n) {
      sim::configure({.fail_call = n + 1, .fail_code = ENOBUFS});
      const auto made = local::try_listen(path);
      sim::configure({});
      EXPECT_EQ(std::filesystem::exists(path), made.has_value());
      return made.has_value();
    });
  });
}

TEST(unix, a_name_in_the_abstract_namespace_needs_no_file) {
  const std::string name = std::string(1, '\0') + "caraway test " + std::to_string(::getpid());
  auto l = local::listen(name);
  auto a = local::connect(name, seconds(5));
  EXPECT_TRUE(l.try_accept(seconds(5)));
}

TEST(unix, a_path_may_have_a_hundred_and_seven_bytes) {
  const folder f;
  std::string path = f / "";
  path.resize(107, 'x');
  auto l = local::try_listen(path);
  ASSERT_TRUE(l);
  EXPECT_TRUE(local::try_connect(path, seconds(5)));
  EXPECT_EQ(local::try_listen(path + 'x').error(), os_error(ENAMETOOLONG));
  EXPECT_EQ(local::try_connect(path + 'x', seconds(1)).error(), os_error(ENAMETOOLONG));
}

TEST(unix, what_is_no_path_is_refused) {
  for (std::string_view path : {std::string_view(), std::string_view("a\0b", 3)}) {
    EXPECT_EQ(local::try_listen(path).error(), os_error(EINVAL));
    EXPECT_EQ(local::try_connect(path, seconds(1)).error(), os_error(EINVAL));
  }
}

TEST(unix, a_missing_file_and_a_file_that_is_there_are_told) {
  const folder f;
  EXPECT_EQ(local::try_connect(f / "none", seconds(1)).error(), os_error(ENOENT));
  auto l = local::listen(f / "socket");
  EXPECT_EQ(local::try_listen(f / "socket").error(), os_error(EADDRINUSE));
  l.close();
  EXPECT_EQ(local::try_connect(f / "socket", seconds(1)).error(), os_error(ECONNREFUSED));
}

TEST(unix, connecting_waits_while_the_backlog_is_full) {
  const folder f;
  auto l = local::listen(f / "socket", 1);
  std::vector<local::stream_ptr> waiting;
  for (;;) {
    auto s = local::try_connect(f / "socket", milliseconds(5));
    if (!s) {
      EXPECT_EQ(s.error(), os_error(ETIMEDOUT));
      break;
    }
    waiting.push_back(std::move(*s));
    ASSERT_LT(waiting.size(), 100u);
  }
  task_group group;
  group.go([&] { EXPECT_TRUE(local::try_connect(f / "socket", seconds(5))); });
  caraway::sleep(milliseconds(1));
  EXPECT_TRUE(l.try_accept(seconds(5)));
  group.wait();
}

TEST(unix, closing_a_listener_wakes_those_who_accept) {
  const folder f;
  auto l = local::listen(f / "socket");
  task_group group;
  for (int i = 0; i < 2; ++i)
    group.go([&] { EXPECT_EQ(l.try_accept(seconds(5)).error(), os_error(ECANCELED)); });
  caraway::sleep(milliseconds(1));
  l.close();
  group.wait();
  EXPECT_EQ(l.try_accept(seconds(5)).error(), errc::closed);
}

TEST(unix, only_the_right_kind_of_descriptor_is_taken_over) {
  runtime::kernel& k = runtime::scheduler::current().system();
  const auto make = [&](int domain) { return unique_fd(k.socket(domain, SOCK_STREAM, 0)); };
  EXPECT_EQ(local::try_from_fd(unique_fd()).error(), os_error(EBADF));
  EXPECT_EQ(local::try_from_fd(make(AF_UNIX)).error(), os_error(ENOTCONN));
  EXPECT_EQ(local::try_from_fd(make(AF_INET)).error(), os_error(EINVAL));
  EXPECT_EQ(local::try_listener_from_fd(make(AF_UNIX)).error(), os_error(EINVAL));
}

// A descriptor to send, and a way to see that another one is the same socket.
struct probe {
  std::pair<local::stream_ptr, local::stream_ptr> ends = local::pair();
  int fd() const { return ends.first->fd(); }
  bool is_reached_through(unique_fd copy) {
    auto s = local::from_fd(std::move(copy));
    s->write("it is me");
    s->flush();
    return as_text(ends.second->fill(8, seconds(5))) == "it is me";
  }
};

TEST(unix, descriptors_travel_in_order_between_the_bytes) {
  net::with_kernel([] {
    auto [a, b] = local::pair();
    b->set_read_ahead(false);
    probe p;
    a->write("before");
    a->send_fd(p.fd());
    a->write("after");
    a->flush();
    EXPECT_EQ(as_text(b->fill(6)), "before");
    b->consume(6);
    EXPECT_TRUE(p.is_reached_through(b->recv_fd(seconds(5))));
    EXPECT_EQ(as_text(b->fill(5)), "after");
  });
}

// Sends two copies of `fd` with one byte, as nobody here would.
void send_two(int through, int fd) {
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(2 * sizeof(int))] = {};
  char byte = 'x';
  iovec piece{&byte, 1};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int both[2] = {fd, fd};
  std::memcpy(CMSG_DATA(header), both, sizeof both);
  ASSERT_EQ(::sendmsg(through, &message, 0), 1);
}

TEST(unix, of_several_descriptors_with_one_byte_none_is_kept) {
  net::with_kernel([] {
    auto [a, b] = local::pair();
    auto [kept, given] = local::pair();
    b->set_read_ahead(false);
    send_two(a->fd(), given->fd());
    given.reset();
    EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), os_error(EPROTO));
    EXPECT_EQ(kept->try_fill(1, seconds(5)).error(), errc::end_of_stream);
    a->send_fd(kept->fd());
    EXPECT_TRUE(b->try_recv_fd(seconds(5)));
  });
}

TEST(unix, a_byte_without_a_descriptor_is_told_and_consumed) {
  auto [a, b] = local::pair();
  b->set_read_ahead(false);
  a->write("xy");
  a->flush();
  EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), os_error(EPROTO));
  EXPECT_EQ(as_text(b->fill(1)), "y");
  EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), os_error(EPROTO));
  EXPECT_TRUE(b->buffered().empty());
}

TEST(unix, a_descriptor_arrives_after_reading_ahead_has_ended) {
  net::with_kernel([] {
    auto [a, b] = local::pair();
    task_group group;
    group.go([&b = b] { EXPECT_EQ(as_text(b->fill(5)), "hello"); });
    sleep(milliseconds(1));
    a->write("hello");
    a->flush();
    group.wait();
    b->consume(5);
    b->set_read_ahead(false);
    probe p;
    a->send_fd(p.fd());
    EXPECT_TRUE(p.is_reached_through(b->recv_fd(seconds(5))));
  });
}

// Whether it is lost depends on how the thread receives; nobody waits for ever.
TEST(unix, a_descriptor_that_came_while_reading_ahead_is_there_or_said_to_be_lost) {
  net::with_kernel([] {
    auto [a, b] = local::pair();
    EXPECT_EQ(b->try_fill(1, milliseconds(1)).error(), os_error(ETIMEDOUT));
    probe p;
    a->send_fd(p.fd());
    sleep(milliseconds(1));
    b->set_read_ahead(false);
    const auto fd = b->try_recv_fd(seconds(5));
    EXPECT_TRUE(fd || fd.error() == os_error(EPROTO));
    EXPECT_EQ(b->try_recv_fd(milliseconds(1)).error(), os_error(ETIMEDOUT));
  });
}

TEST(unix, a_descriptor_is_not_received_while_reading_ahead) {
  auto [a, b] = local::pair();
  EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), os_error(EINVAL));
}

TEST(unix, a_descriptor_that_does_not_come_is_waited_for_as_bytes_are) {
  net::with_kernel([] {
    auto [a, b] = local::pair();
    b->set_read_ahead(false);
    EXPECT_EQ(b->try_recv_fd(milliseconds(1)).error(), os_error(ETIMEDOUT));
    probe p;
    task_group group;
    group.go([&p, &b = b] { EXPECT_TRUE(p.is_reached_through(b->recv_fd(seconds(5)))); });
    caraway::sleep(milliseconds(1));
    EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), os_error(EBUSY));
    a->send_fd(p.fd());
    group.wait();
    a.reset();
    EXPECT_EQ(b->try_recv_fd(seconds(5)).error(), errc::end_of_stream);
  });
}

TEST(unix, what_is_no_descriptor_is_not_sent) {
  auto [a, b] = local::pair();
  EXPECT_EQ(a->try_send_fd(-1, seconds(5)).error(), os_error(EBADF));
  a->write("goes on");
  EXPECT_EQ(as_text(b->fill(7)), "goes on");
}

TEST(unix, a_descriptor_to_a_peer_that_is_gone_breaks_the_stream) {
  auto [a, b] = local::pair();
  b.reset();
  probe p;
  EXPECT_EQ(a->try_send_fd(p.fd(), seconds(5)).error(), os_error(ECONNRESET));
  EXPECT_EQ(a->try_flush(seconds(5)).error(), os_error(ECONNRESET));
}

}  // namespace
}  // namespace caraway
