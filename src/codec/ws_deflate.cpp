// ws_deflate.cpp - RFC 7692 section 7.1: offers and answers.
//
//                               in an offer                      in an answer
//   server_no_context_takeover  the server must not take over    the server does not
//   client_no_context_takeover  the client does not, by itself   the client must not
//   server_max_window_bits      the server's window at most      the server's window at most
//   client_max_window_bits      the client lets itself be        the client's window at most; only
//                               limited; its window at most      if the offer has the parameter
//
// What an offer demands of the server must be in the answer.
#include "caraway/ws_deflate.hpp"

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "codec/deflate.hpp"
#include "codec/ws_extension.hpp"

namespace caraway::ws {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_takeover = "server_no_context_takeover";
constexpr std::string_view client_takeover = "client_no_context_takeover";
constexpr std::string_view server_window = "server_max_window_bits";
constexpr std::string_view client_window = "client_max_window_bits";

constexpr int least_window = 8;
constexpr int most_window = 15;

// The smallest window zlib compresses with.
constexpr int least_own_window = 9;

// The parameters of one offer or answer.
struct parameters {
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  std::optional<int> server_bits;
  bool has_client_bits = false;
  std::optional<int> client_bits;
};

// 8 to 15 in decimal digits, without a zero before (7.1.2).
std::optional<int> window_in(std::string_view text) {
  for (int bits = least_window; bits <= most_window; ++bits)
    if (text == std::to_string(bits)) return bits;
  return std::nullopt;
}

// False for a parameter that is not as it should be, or there twice.
bool read(const extension_parameter& p, parameters& into) {
  if (p.name == server_takeover) return !p.value && !std::exchange(into.server_no_takeover, true);
  if (p.name == client_takeover) return !p.value && !std::exchange(into.client_no_takeover, true);
  if (p.name == server_window) {
    if (into.server_bits || !p.value) return false;
    return (into.server_bits = window_in(*p.value)).has_value();
  }
  if (p.name != client_window || std::exchange(into.has_client_bits, true)) return false;
  return !p.value || (into.client_bits = window_in(*p.value));
}

std::optional<parameters> parameters_of(const extension& e) {
  parameters out;
  const bool good = std::ranges::all_of(
      e.parameters, [&](const auto& parameter) { return read(parameter, out); });
  return good ? std::optional(out) : std::nullopt;
}

void add(std::string& to, std::string_view name) {
  to.append("; ").append(name);
}

void add(std::string& to, std::string_view name, int bits) {
  add(to, name);
  to.append("=").append(std::to_string(bits));
}

std::string answer_to(const parameters& offer, const deflate_options& agreed) {
  std::string out(extension_name);
  if (!agreed.takeover) add(out, server_takeover);
  if (!agreed.peer_takeover) add(out, client_takeover);
  if (offer.server_bits) add(out, server_window, agreed.window_bits);
  const int theirs = offer.client_bits.value_or(most_window);
  if (agreed.peer_window_bits < theirs) add(out, client_window, agreed.peer_window_bits);
  return out;
}

// What a server that wants `wanted` makes of an offer.
std::optional<deflate_choice> take(const parameters& offer, const deflate_options& wanted) {
  deflate_options agreed = wanted;
  agreed.window_bits = std::min(wanted.window_bits, offer.server_bits.value_or(most_window));
  if (agreed.window_bits < least_own_window) return std::nullopt;
  agreed.takeover = wanted.takeover && !offer.server_no_takeover;
  agreed.peer_takeover = wanted.peer_takeover && !offer.client_no_takeover;
  const int limit = offer.has_client_bits ? wanted.peer_window_bits : most_window;
  agreed.peer_window_bits = std::min(limit, offer.client_bits.value_or(most_window));
  return deflate_choice{agreed, answer_to(offer, agreed)};
}

// Whether an answer gives what the offer demands, and nothing it must not.
bool answers(const parameters& answer, const deflate_options& offered) {
  if (!offered.peer_takeover && !answer.server_no_takeover) return false;
  if (offered.peer_window_bits < most_window && !answer.server_bits) return false;
  if (answer.server_bits.value_or(least_window) > offered.peer_window_bits) return false;
  return !answer.has_client_bits ||
         (answer.client_bits && *answer.client_bits <= offered.window_bits);
}

deflate_options agreed_by(const parameters& answer, const deflate_options& offered) {
  deflate_options agreed = offered;
  agreed.takeover = offered.takeover && !answer.client_no_takeover;
  agreed.peer_takeover = !answer.server_no_takeover;
  agreed.window_bits = answer.client_bits.value_or(offered.window_bits);
  agreed.peer_window_bits = answer.server_bits.value_or(most_window);
  return agreed;
}

}  // namespace

bool is_valid(const deflate_options& o) noexcept {
  const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  return within(o.level, 0, 9) && within(o.window_bits, least_own_window, most_window) &&
         within(o.memory_level, 1, 9) && within(o.peer_window_bits, least_window, most_window) &&
         o.idle.count() >= 0;
}

bool can_deflate() noexcept {
  return codec::can_deflate();
}

std::string deflate_offer(const deflate_options& wanted) {
  std::string out(extension_name);
  if (!wanted.peer_takeover) add(out, server_takeover);
  if (!wanted.takeover) add(out, client_takeover);
  if (wanted.peer_window_bits < most_window) add(out, server_window, wanted.peer_window_bits);
  if (wanted.window_bits < most_window)
    add(out, client_window, wanted.window_bits);
  else
    add(out, client_window);
  return out;
}

std::optional<deflate_choice> choose_deflate(const http::request_head& request,
                                             const deflate_options& wanted) {
  if (!can_deflate()) return std::nullopt;
  const auto offers = parse_extensions(request.fields);
  if (!offers) return std::nullopt;
  for (const extension& e : *offers) {
    if (e.name != extension_name) continue;
    const auto offer = parameters_of(e);
    if (!offer) continue;
    if (auto choice = take(*offer, wanted)) return choice;
  }
  return std::nullopt;
}

result<std::optional<deflate_options>> check_deflate(
    const http::response_head& response, const std::optional<deflate_options>& offered) try {
  const auto answers_given = parse_extensions(response.fields);
  if (!answers_given) return fail(errc::protocol);
  if (answers_given->empty()) return std::nullopt;
  const extension& first = answers_given->front();
  if (!offered || answers_given->size() > 1 || first.name != extension_name)
    return fail(errc::protocol);
  const auto answer = parameters_of(first);
  if (!answer || !answers(*answer, *offered)) return fail(errc::protocol);
  return agreed_by(*answer, *offered);
} catch (const std::bad_alloc&) {
  return fail(ENOMEM);
}

}  // namespace caraway::ws
