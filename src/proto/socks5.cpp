#include "caraway/socks5.hpp"

#include <cerrno>

namespace caraway::socks5 {
namespace {

// Reads one message and nothing behind it.
template <class Message>
result<Message> read(byte_stream& from, deadline dl) {
  Message message;
  std::size_t wanted = 1;
  for (;;) {
    const auto seen = from.try_fill(wanted, dl);
    if (!seen) return fail(seen.error());
    const auto size = parse(*seen, message);
    if (!size) return fail(size.error());
    if (*size <= seen->size()) {
      from.consume(*size);
      return message;
    }
    wanted = *size;
  }
}

result<void> write(byte_stream& to, const result<std::string>& message, deadline dl) {
  if (!message) return fail(message.error());
  const bytes all = as_bytes(*message);
  return to.try_write(parts(&all, 1), dl);
}

// What ends the conversation must not wait for the next call, for there is none.
std::error_code refuse(byte_stream& to, const result<std::string>& message, std::error_code why,
                       deadline dl) {
  if (write(to, message, dl)) static_cast<void>(to.try_flush(dl));
  return why;
}

// --- the client ---

result<void> log_in(byte_stream& proxy, const result<std::string>& credentials, deadline dl) {
  if (auto sent = write(proxy, credentials, dl); !sent) return sent;
  const auto answer = read<verdict>(proxy, dl);
  if (!answer) return fail(answer.error());
  if (!answer->accepted) return fail(reply::bad_credentials);
  return {};
}

// Greets, and does what the proxy wants; `credentials` is nullptr if there are none.
result<void> greet(byte_stream& proxy, const result<std::string>* credentials, deadline dl) {
  greeting hello;
  hello.methods.set(static_cast<std::size_t>(method::none));
  if (credentials != nullptr) hello.methods.set(static_cast<std::size_t>(method::password));
  if (auto sent = write(proxy, format(hello), dl); !sent) return sent;
  const auto chosen = read<choice>(proxy, dl);
  if (!chosen) return fail(chosen.error());
  if (chosen->wanted == method::unacceptable) return fail(reply::no_acceptable_method);
  if (!hello.offers(chosen->wanted)) return fail(errc::protocol);
  if (chosen->wanted == method::none) return {};
  return log_in(proxy, *credentials, dl);
}

// --- the proxy ---

// Chooses the way to authenticate; the client is told whether it can do that.
result<void> choose(byte_stream& client, method wanted, deadline dl) {
  const auto hello = read<greeting>(client, dl);
  if (!hello) return fail(hello.error());
  if (!hello->offers(wanted))
    return fail(refuse(client, format(choice{}), reply::no_acceptable_method, dl));
  return write(client, format(choice{wanted}), dl);
}

// What the client is told of a request that is not understood.
reply answer_to(std::error_code wrong) noexcept {
  return wrong == errc::protocol ? reply::general_failure : static_cast<reply>(wrong.value());
}

}  // namespace

result<endpoint> try_ask(byte_stream& proxy, const request& what, const credentials* as,
                         deadline dl) {
  const auto asked = format(what);
  if (!asked) return fail(asked.error());
  result<std::string> login;
  if (as != nullptr) login = format(*as);
  if (!login) return fail(login.error());
  if (auto in = greet(proxy, as == nullptr ? nullptr : &login, dl); !in) return fail(in.error());
  if (auto sent = write(proxy, asked, dl); !sent) return fail(sent.error());
  return try_receive_reply(proxy, dl);
}

result<endpoint> try_receive_reply(byte_stream& proxy, deadline dl) {
  auto answer = read<response>(proxy, dl);
  if (!answer) return fail(answer.error());
  if (answer->code != reply::succeeded) return fail(answer->code);
  return std::move(answer->bound);
}

result<endpoint> try_connect(byte_stream& proxy, const endpoint& to, deadline dl) {
  if (to.port == 0) return fail(EINVAL);
  return try_ask(proxy, {command::connect, to}, nullptr, dl);
}

result<endpoint> try_connect(byte_stream& proxy, const endpoint& to, const credentials& as,
                             deadline dl) {
  if (to.port == 0) return fail(EINVAL);
  return try_ask(proxy, {command::connect, to}, &as, dl);
}

result<void> try_authenticate(byte_stream& client, deadline dl) {
  return choose(client, method::none, dl);
}

result<void> try_authenticate(byte_stream& client,
                              const std::function<bool(const credentials&)>& accepts, deadline dl) {
  const auto who = try_receive_credentials(client, dl);
  if (!who) return fail(who.error());
  const bool accepted = accepts(*who);
  if (auto sent = try_send_verdict(client, accepted, dl); !sent) return sent;
  if (!accepted) return fail(reply::bad_credentials);
  return {};
}

result<credentials> try_receive_credentials(byte_stream& client, deadline dl) {
  if (auto chosen = choose(client, method::password, dl); !chosen) return fail(chosen.error());
  return read<credentials>(client, dl);
}

result<void> try_send_verdict(byte_stream& client, bool accepted, deadline dl) {
  if (auto sent = write(client, format(verdict{accepted}), dl); !sent) return sent;
  return accepted ? result<void>{} : client.try_flush(dl);
}

result<request> try_receive_request(byte_stream& client, deadline dl) {
  auto asked = read<request>(client, dl);
  if (asked) return asked;
  const std::error_code wrong = asked.error();
  if (wrong != errc::protocol && wrong.category() != reply_category()) return asked;
  return fail(refuse(client, format(response{answer_to(wrong), {}}), wrong, dl));
}

result<void> try_send_reply(byte_stream& client, reply code, const endpoint& bound, deadline dl) {
  if (auto sent = write(client, format(response{code, bound}), dl); !sent) return sent;
  return code == reply::succeeded ? result<void>{} : client.try_flush(dl);
}

}  // namespace caraway::socks5
