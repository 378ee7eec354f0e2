// ws_attach.cpp - the opening handshake over a stream, from both sides.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <new>

#include "base/random.hpp"
#include "caraway/deadline_scope.hpp"
#include "caraway/http.hpp"
#include "caraway/http_body.hpp"
#include "caraway/ws_origin.hpp"
#include "proto/ws_attempt.hpp"
#include "proto/ws_socket_impl.hpp"

namespace caraway::ws {
namespace {

constexpr std::size_t max_refusal_body = 64 * 1024;
constexpr int most_interim_answers = 16;
// The status that a client is told who can be told nothing better.
constexpr int server_failed = 500;

// What a client that was too slow gets for reading why, if its caller's deadline leaves as much.
constexpr std::chrono::seconds last_words{1};

using impl_ptr = std::unique_ptr<socket_access::impl>;

result<impl_ptr> make(stream_ptr under, role as, const limits& l,
                      const std::optional<deflate_options>& deflate) {
  if (const int code = lowlevel::ready(); code != 0) return fail(code);
  auto made = impl_ptr(new (std::nothrow) socket_access::impl(std::move(under), as, l, deflate));
  if (!made) return fail(ENOMEM);
  return made;
}

socket open(impl_ptr made, const std::shared_ptr<meter>& counts,
            const std::shared_ptr<observer>& hears) noexcept {
  made->begin_watch(counts ? counts : thread_meter(), hears);
  return socket_access::wrap(std::move(made));
}

result<void> write(byte_stream& to, std::string_view text, deadline dl) {
  const bytes all = as_bytes(text);
  return to.try_write(parts(&all, 1), dl);
}

// The final head: a few interim answers (100, 103) may come before it.
result<void> read_answer(byte_stream& from, http::response_head& head, deadline dl,
                         const http::head_limits& limits) {
  for (int interim = 0; interim <= most_interim_answers; ++interim) {
    if (auto read = http::try_read_head(from, head, dl, limits); !read) return read;
    if (head.status >= 200 || head.status == 101) return {};
  }
  return fail(errc::protocol);
}

result<agreement> shake_client(byte_stream& with, const client_options& options,
                               http::response_head& answer, deadline dl) {
  std::array<std::byte, 16> random;
  base::random_bytes(random);
  const std::string key = make_key(random);
  const auto request = upgrade_request(options, key);
  if (!request) return fail(request.error());
  if (auto sent = write(with, *request, dl); !sent) return fail(sent.error());
  if (auto read = read_answer(with, answer, dl, options.handshake.head); !read) {
    answer = {};
    return fail(read.error());
  }
  return check_response(answer, key, options);
}

// What the server said instead, as much of it as can be had.
void keep_refusal(byte_stream& from, const http::response_head& head, http::response* refusal,
                  deadline dl) {
  if (refusal == nullptr) return;
  refusal->head = head;
  const auto length = http::body_of(refusal->head);
  if (!length) return;
  http::body_reader body(from, *length);
  std::string& kept = refusal->body;
  while (kept.size() < max_refusal_body) {
    const auto piece = body.try_next(dl);
    if (!piece || piece->empty()) return;
    kept += as_text(piece->first(std::min(piece->size(), max_refusal_body - kept.size())));
  }
}

// The answer to a request that could not even be read.
http::response answer_to(std::error_code unreadable) {
  if (unreadable == os_error(ETIMEDOUT)) return refusal(408, "The request took too long.\n");
  if (unreadable == errc::message_too_big) return refusal(431, "The head is too long.\n");
  return refusal(400, "This is no request of HTTP/1.1.\n");
}

bool deserves_an_answer(std::error_code unreadable) noexcept {
  return unreadable == errc::protocol || unreadable == errc::message_too_big ||
         unreadable == os_error(ETIMEDOUT);
}

// What a program has answered, if that is an answer and can be sent.
http::response checked(http::response said) {
  if (said.head.status >= 200 && http::format(said)) return said;
  return refusal(server_failed, "The answer cannot be sent.\n");
}

// Answers with something else than an upgrade; the client may read it before the connection goes.
void refuse(stream_ptr to, http::response answer, deadline dl) {
  if (http::count(answer.head.fields, "Connection") == 0)
    answer.head.fields.push_back({"Connection", "close"});
  const auto text = http::format(answer);
  if (text && write(*to, *text, dl)) static_cast<void>(to->try_close(dl));
}

bool is_allowed_origin(const http::request_head& request, const server_options& options) noexcept {
  if (is_same_origin(request)) return true;
  if (http::count(request.fields, "Origin") != 1) return false;
  const std::string_view origin = *http::find(request.fields, "Origin");
  return std::ranges::any_of(options.origins, [origin](const std::string& allowed) {
    return matches_origin(allowed, origin);
  });
}

// What comes of a request: nothing else than an upgrade, unless there is a refusal.
struct judgement {
  std::optional<http::response> refusal;
  std::error_code why;
  acceptance granted;
};

judgement ask_program(const http::request_head& request, byte_stream& by,
                      const server_options& options) {
  if (options.decide)
    if (auto no = options.decide(request))
      return {checked(std::move(*no)), errc::handshake_refused, {}};
  if (!options.admit) return {};
  auto said = options.admit({request, by});
  if (!said) return {checked(std::move(said.error())), errc::handshake_refused, {}};
  return {{}, {}, std::move(*said)};
}

judgement judge(const http::request_head& request, byte_stream& by, const server_options& options) {
  if (auto no = check_request(request)) return {std::move(no), errc::protocol, {}};
  if (!is_allowed_origin(request, options))
    return {refusal(403, "Pages of this origin may not connect.\n"), errc::handshake_refused, {}};
  return ask_program(request, by, options);
}

// As judge(), within the time of the handshake; a program that throws is answered before that comes
// out.
judgement judge_or_answer(byte_stream& to, const http::request_head& request,
                          const server_options& options, deadline until) try {
  const deadline_scope limit(until);
  return judge(request, to, options);
} catch (...) {
  if (auto text = http::format(refusal(server_failed, "")))
    static_cast<void>(write(to, *text, immediately));
  throw;
}

// The 101, and what was agreed on in it.
struct upgrade {
  std::string text;
  std::string subprotocol;
  std::optional<deflate_options> deflate;
};

result<upgrade> upgrade_for(const http::request_head& request, const server_options& options,
                            acceptance granted) {
  upgrade made;
  made.subprotocol = granted.subprotocol ? std::move(*granted.subprotocol)
                                         : choose_subprotocol(request, options.subprotocols);
  http::field_list headers = options.headers;
  std::ranges::move(granted.headers, std::back_inserter(headers));
  std::optional<deflate_choice> compression;
  if (options.deflate) compression = choose_deflate(request, *options.deflate);
  auto text = upgrade_response(request, made.subprotocol, headers,
                               compression ? compression->answer : std::string());
  if (!text) return fail(text.error());
  made.text = std::move(*text);
  if (compression) made.deflate = compression->agreed;
  return made;
}

}  // namespace

refused::refused(http::response answer)
    : error(make_error_code(errc::handshake_refused),
            "status " + std::to_string(answer.head.status) + " " + answer.head.reason),
      response_(std::make_shared<const http::response>(std::move(answer))) {}

result<socket> try_attach_client(stream_ptr under, const client_options& options, deadline dl,
                                 http::response* refusal) try {
  attempt watched(role::client, options.meter, options.observer);
  http::response_head& answer = watched.response;
  const deadline until = earlier(dl, options.handshake.patience);
  auto agreed = shake_client(*under, options, answer, until);
  watched.status = answer.status;
  if (!agreed) {
    if (agreed.error() == errc::handshake_refused) keep_refusal(*under, answer, refusal, until);
    return watched.fails(agreed.error());
  }
  auto made = make(std::move(under), role::client, options.limits, agreed->deflate);
  if (!made) return watched.fails(made.error());
  (*made)->subprotocol = std::move(agreed->subprotocol);
  (*made)->response = std::move(answer);
  watched.succeeded = true;
  return open(std::move(*made), options.meter, options.observer);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<socket> try_attach_server(stream_ptr under, const server_options& options, deadline dl) try {
  if (options.deflate && !is_valid(*options.deflate)) return fail(EINVAL);
  if (!options.handshake.is_valid()) return fail(EINVAL);
  attempt watched(role::server, options.meter, options.observer);
  http::request_head& request = watched.request;
  const deadline until = earlier(dl, options.handshake.patience);
  const auto refuse_with = [&](http::response no, std::error_code why, deadline by) {
    watched.status = no.head.status;
    refuse(std::move(under), std::move(no), by);
    return watched.fails(why);
  };
  if (auto read = http::try_read_head(*under, request, until, options.handshake.head); !read) {
    const std::error_code why = read.error();
    request = {};
    if (!deserves_an_answer(why)) return watched.fails(why);
    return refuse_with(answer_to(why), why, earlier(dl, last_words));
  }
  watched.status = server_failed;
  auto [no, why, granted] = judge_or_answer(*under, request, options, until);
  if (no) return refuse_with(std::move(*no), why, until);
  watched.status = 0;
  auto answer = upgrade_for(request, options, std::move(granted));
  if (!answer && answer.error() == os_error(ENOMEM)) return watched.fails(answer.error());
  if (!answer)
    return refuse_with(refusal(server_failed, "The answer cannot be sent.\n"), answer.error(),
                       until);
  if (auto sent = write(*under, answer->text, until); !sent) return watched.fails(sent.error());
  auto made = make(std::move(under), role::server, options.limits, answer->deflate);
  if (!made) return watched.fails(made.error());
  (*made)->subprotocol = std::move(answer->subprotocol);
  (*made)->request = std::move(request);
  watched.succeeded = true;
  return open(std::move(*made), options.meter, options.observer);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

result<socket> try_attach_without_handshake(stream_ptr under, role as, const limits& l,
                                            const std::optional<deflate_options>& deflate) {
  auto made = make(std::move(under), as, l, deflate);
  if (!made) return fail(made.error());
  return open(std::move(*made), nullptr, nullptr);
}

socket attach_client(stream_ptr under, const client_options& options, deadline dl) {
  http::response refusal;
  auto made = try_attach_client(std::move(under), options, dl, &refusal);
  if (!made && made.error() == errc::handshake_refused) throw refused(std::move(refusal));
  return value_or_raise(std::move(made), "WebSocket handshake");
}

socket attach_server(stream_ptr under, const server_options& options, deadline dl) {
  return value_or_raise(try_attach_server(std::move(under), options, dl), "WebSocket handshake");
}

socket attach_without_handshake(stream_ptr under, role as, const limits& l,
                                const std::optional<deflate_options>& deflate) {
  return value_or_raise(try_attach_without_handshake(std::move(under), as, l, deflate),
                        "WebSocket");
}

}  // namespace caraway::ws
