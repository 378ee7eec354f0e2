#include "caraway/ws_deflate.hpp"

#include <gtest/gtest.h>

#include "caraway/ws_handshake.hpp"

namespace caraway::ws {
namespace {

using std::string;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

// What both sides may do without limits.
deflate_options unlimited() {
  deflate_options o;
  o.window_bits = 15;
  return o;
}

deflate_options with(auto change, deflate_options o = unlimited()) {
  change(o);
  return o;
}

// "12 15" for the windows of what is sent and what is received; "!" behind one without takeover.
string shown(const std::optional<deflate_options>& o) {
  if (!o) return "no";
  return std::to_string(o->window_bits) + (o->takeover ? " " : "! ") +
         std::to_string(o->peer_window_bits) + (o->peer_takeover ? "" : "!");
}

// What a server says and makes of `offers`.
string answer(std::vector<string> offers, const deflate_options& wanted = unlimited()) {
  http::request_head request;
  for (const string& o : offers) request.fields.push_back({"Sec-WebSocket-Extensions", o});
  const auto choice = choose_deflate(request, wanted);
  return choice ? choice->answer + " -> " + shown(choice->agreed) : "no";
}

string answer(string offer, const deflate_options& wanted = unlimited()) {
  return answer(std::vector{offer}, wanted);
}

// What a client that has offered `offered` makes of an answer.
string verdict(std::optional<string> text, std::optional<deflate_options> offered = unlimited()) {
  http::response_head response;
  if (text) response.fields.push_back({"Sec-WebSocket-Extensions", *text});
  const auto agreed = check_deflate(response, offered);
  if (!agreed) return agreed.error() == errc::protocol ? "protocol" : "other";
  return shown(*agreed);
}

// Offers

TEST(ws_deflate, an_offer_says_what_is_wanted) {
  EXPECT_EQ(deflate_offer(unlimited()), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(deflate_offer({}), "permessage-deflate; client_max_window_bits=12");
  EXPECT_EQ(deflate_offer(with([](auto& o) { o.takeover = false; })),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits");
  EXPECT_EQ(deflate_offer(with([](auto& o) { o.peer_takeover = false; })),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits");
  EXPECT_EQ(deflate_offer(with([](auto& o) { o.peer_window_bits = 9; })),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits");
}

TEST(ws_deflate, numbers_have_ranges) {
  EXPECT_TRUE(is_valid({}));
  for (auto change :
       {+[](deflate_options& o) { o.level = -1; }, +[](deflate_options& o) { o.level = 10; },
        +[](deflate_options& o) { o.window_bits = 8; },
        +[](deflate_options& o) { o.window_bits = 16; },
        +[](deflate_options& o) { o.memory_level = 0; },
        +[](deflate_options& o) { o.memory_level = 10; },
        +[](deflate_options& o) { o.peer_window_bits = 7; },
        +[](deflate_options& o) { o.peer_window_bits = 16; },
        +[](deflate_options& o) { o.idle = std::chrono::milliseconds(-1); }}) {
    client_options ask;
    ask.host = "h";
    EXPECT_TRUE(upgrade_request(ask, key));
    ask.deflate = with(change);
    EXPECT_FALSE(is_valid(*ask.deflate));
    EXPECT_EQ(upgrade_request(ask, key), result<string>(fail(EINVAL)));
  }
}

// Servers

TEST(ws_deflate, a_server_answers_no_more_than_it_must) {
  EXPECT_EQ(answer("permessage-deflate"), "permessage-deflate -> 15 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), "permessage-deflate -> 15 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=10"), "permessage-deflate -> 15 10");
  EXPECT_EQ(answer("permessage-deflate", {}), "permessage-deflate -> 12 15");
}

TEST(ws_deflate, a_server_does_what_the_offer_demands) {
  EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover"),
            "permessage-deflate; server_no_context_takeover -> 15! 15");
  EXPECT_EQ(answer("permessage-deflate; client_no_context_takeover"),
            "permessage-deflate; client_no_context_takeover -> 15 15!");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10"),
            "permessage-deflate; server_max_window_bits=10 -> 10 15");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"10\""),
            "permessage-deflate; server_max_window_bits=10 -> 10 15");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15", {}),
            "permessage-deflate; server_max_window_bits=12 -> 12 15");
  EXPECT_EQ(answer("permessage-deflate;server_max_window_bits=9;client_max_window_bits=8;"
                   "client_no_context_takeover;server_no_context_takeover"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=9 -> 9! 8!");
}

TEST(ws_deflate, a_server_says_what_it_wants_itself) {
  EXPECT_EQ(answer("permessage-deflate", with([](auto& o) { o.takeover = false; })),
            "permessage-deflate; server_no_context_takeover -> 15! 15");
  EXPECT_EQ(answer("permessage-deflate", with([](auto& o) { o.peer_takeover = false; })),
            "permessage-deflate; client_no_context_takeover -> 15 15!");
}

TEST(ws_deflate, a_server_limits_only_clients_that_can_be_limited) {
  const auto small = with([](auto& o) { o.peer_window_bits = 10; });
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", small),
            "permessage-deflate; client_max_window_bits=10 -> 15 10");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=12", small),
            "permessage-deflate; client_max_window_bits=10 -> 15 10");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=9", small),
            "permessage-deflate -> 15 9");
  EXPECT_EQ(answer("permessage-deflate", small), "permessage-deflate -> 15 15");
}

TEST(ws_deflate, a_server_passes_over_offers_it_cannot_take) {
  for (const char* wrong : {"unheard_of",
                            "unheard_of=1",
                            "server_no_context_takeover=1",
                            "server_no_context_takeover=true",
                            "client_no_context_takeover=0",
                            "server_max_window_bits",
                            "server_max_window_bits=7",
                            "server_max_window_bits=16",
                            "server_max_window_bits=010",
                            "server_max_window_bits=+9",
                            "server_max_window_bits=x",
                            "server_max_window_bits=9.0",
                            "client_max_window_bits=7",
                            "client_max_window_bits=16",
                            "client_max_window_bits=09",
                            "client_max_window_bits=1000000000000",
                            "server_no_context_takeover; server_no_context_takeover",
                            "client_no_context_takeover; client_no_context_takeover",
                            "server_max_window_bits=9; server_max_window_bits=9",
                            "client_max_window_bits; client_max_window_bits=9",
                            "Server_No_Context_Takeover"}) {
    EXPECT_EQ(answer(string("permessage-deflate; ") + wrong), "no") << wrong;
    EXPECT_EQ(answer(string("permessage-deflate; ") + wrong + ", permessage-deflate"),
              "permessage-deflate -> 15 15");
  }
  EXPECT_EQ(answer("x-webkit-deflate-frame"), "no");
  EXPECT_EQ(answer(std::vector<string>{}), "no");
}

// zlib would take 9 for 8 and say nothing.
TEST(ws_deflate, a_server_does_not_agree_to_a_window_of_8_bits) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8"), "no");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate"),
            "permessage-deflate -> 15 15");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=8"), "permessage-deflate -> 15 8");
}

TEST(ws_deflate, a_server_takes_the_first_offer_that_it_can_from_all_fields) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
            "permessage-deflate; server_max_window_bits=10 -> 10 15");
  EXPECT_EQ(answer({"other, permessage-deflate; unheard_of", "",
                    "permessage-deflate; client_no_context_takeover", "permessage-deflate"}),
            "permessage-deflate; client_no_context_takeover -> 15 15!");
  EXPECT_EQ(answer("permessage-deflate, ;"), "no");
}

// Clients

TEST(ws_deflate, a_client_may_be_declined) {
  EXPECT_EQ(verdict(std::nullopt), "no");
  EXPECT_EQ(verdict(""), "no");
  EXPECT_EQ(verdict(std::nullopt, std::nullopt), "no");
}

TEST(ws_deflate, a_client_does_what_the_answer_demands) {
  EXPECT_EQ(verdict("permessage-deflate"), "15 15");
  EXPECT_EQ(verdict("permessage-deflate; client_no_context_takeover"), "15! 15");
  EXPECT_EQ(verdict("permessage-deflate; server_no_context_takeover"), "15 15!");
  EXPECT_EQ(verdict("permessage-deflate; client_max_window_bits=10"), "10 15");
  EXPECT_EQ(verdict("permessage-deflate; server_max_window_bits=10"), "15 10");
  EXPECT_EQ(verdict("permessage-deflate; client_max_window_bits=8"), "8 15");
  EXPECT_EQ(verdict("permessage-deflate;server_max_window_bits=\"8\""), "15 8");
  EXPECT_EQ(verdict("permessage-deflate", deflate_options()), "12 15");
}

TEST(ws_deflate, a_client_gets_what_it_demanded_or_fails) {
  const auto alone = with([](auto& o) { o.peer_takeover = false; });
  EXPECT_EQ(verdict("permessage-deflate; server_no_context_takeover", alone), "15 15!");
  EXPECT_EQ(verdict("permessage-deflate", alone), "protocol");
  const auto small = with([](auto& o) { o.peer_window_bits = 10; });
  EXPECT_EQ(verdict("permessage-deflate; server_max_window_bits=10", small), "15 10");
  EXPECT_EQ(verdict("permessage-deflate; server_max_window_bits=9", small), "15 9");
  EXPECT_EQ(verdict("permessage-deflate; server_max_window_bits=11", small), "protocol");
  EXPECT_EQ(verdict("permessage-deflate", small), "protocol");
  EXPECT_EQ(verdict("permessage-deflate", with([](auto& o) { o.takeover = false; })), "15! 15");
}

TEST(ws_deflate, a_client_fails_at_an_answer_that_breaks_the_rules) {
  for (const char* wrong :
       {"permessage-deflate; unheard_of", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=010",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate, permessage-deflate", "permessage-deflate, other", "other", ";"})
    EXPECT_EQ(verdict(wrong), "protocol") << wrong;
  EXPECT_EQ(verdict("permessage-deflate; client_max_window_bits=13", deflate_options()),
            "protocol");
  EXPECT_EQ(verdict("permessage-deflate", std::nullopt), "protocol");
}

// Both

// The heads of a whole handshake, there and back.
TEST(ws_deflate, both_sides_come_to_the_same) {
  const deflate_options sides[] = {{},
                                   unlimited(),
                                   with([](auto& o) { o.takeover = false; }),
                                   with([](auto& o) { o.peer_takeover = false; }),
                                   with([](auto& o) { o.peer_window_bits = 9; }),
                                   with([](auto& o) { o.window_bits = 9; })};
  for (const deflate_options& theirs : sides)
    for (const deflate_options& ours : sides) {
      client_options ask;
      ask.host = "h";
      ask.deflate = theirs;
      http::request_head request;
      ASSERT_TRUE(http::parse(as_bytes(*upgrade_request(ask, key)), request));
      const auto choice = choose_deflate(request, ours);
      ASSERT_TRUE(choice);
      http::response_head response;
      ASSERT_TRUE(
          http::parse(as_bytes(*upgrade_response(request, {}, {}, choice->answer)), response));
      const auto agreed = check_response(response, key, ask);
      ASSERT_TRUE(agreed && agreed->deflate);
      const deflate_options &server = choice->agreed, &client = *agreed->deflate;
      EXPECT_GE(client.peer_window_bits, server.window_bits);
      EXPECT_GE(server.peer_window_bits, client.window_bits);
      EXPECT_EQ(server.takeover, client.peer_takeover);
      EXPECT_EQ(client.takeover, server.peer_takeover);
      EXPECT_LE(client.window_bits, theirs.window_bits);
      EXPECT_LE(server.window_bits, ours.window_bits);
    }
}

}  // namespace
}  // namespace caraway::ws
