// control_cases.hpp - RFC 6455 sections 5.5 and 7: pings, pongs, and how a conversation closes.
#pragma once

#include "cases.hpp"

namespace caraway::conformance {

inline void add_pings(table& t, ws::role r) {
  using enum ws::opcode;
  for (std::size_t n : {0u, 1u, 2u, 63u, 124u, 125u}) {
    const std::string p(n, 'p');
    t.push_back({to("5_5_2_ping_of_" + std::to_string(n), r), ws::ws_wire(r).frame(ping, p),
                 "ping(" + p + ") > pong(" + p + ")"});
    t.push_back({to("5_5_3_pong_nobody_asked_for_of_" + std::to_string(n), r),
                 ws::ws_wire(r).frame(pong, p), "pong(" + p + ")"});
  }
  t.push_back({to("5_5_2_ping_of_bytes_that_are_no_text", r),
               ws::ws_wire(r).frame(ping, "\xff\xfe\x80"),
               "ping(\xff\xfe\x80) > pong(\xff\xfe\x80)"});
  ws::ws_wire many(r);
  std::string pings, pongs;
  for (int i = 0; i < 10; ++i) {
    many.frame(ping, std::to_string(i));
    pings += "ping(" + std::to_string(i) + ") ";
    pongs += " pong(" + std::to_string(i) + ")";
  }
  t.push_back({to("5_5_2_ten_pings", r), many.frame(text, "end"), pings + "text(end) >" + pongs});
  t.push_back({to("5_5_3_pong_then_ping", r), ws::ws_wire(r).frame(pong, "a").frame(ping, "b"),
               "pong(a) ping(b) > pong(b)"});
}

inline void add_broken_control_frames(table& t, ws::role r) {
  for (unsigned op : {8u, 9u, 10u}) {
    const std::string name = ws::name_of(static_cast<ws::opcode>(op));
    t.push_back({to("5_5_" + name + "_without_fin", r), ws::ws_wire(r).frame_of(op, "", false),
                 failed(1002), 1});
    t.push_back({to("5_5_" + name + "_without_fin_within_a_message", r),
                 ws::ws_wire(r).frame(ws::opcode::text, "", false).frame_of(op, "x", false),
                 failed(1002), 3 + mask_size(r)});
    for (std::size_t n : {126u, 127u, 65536u})
      t.push_back({to("5_5_" + name + "_of_" + std::to_string(n), r), ws::ws_wire(r).header(op, n),
                   failed(1002), 2});
  }
}

inline void add_close_codes(table& t, ws::role r) {
  for (unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                        3000, 3001, 3999, 4000, 4001, 4999}) {
    const std::string c = std::to_string(code);
    for (bool reason : {false, true}) {
      const ws::ws_wire wire = ws::ws_wire(r).close(code, reason ? "because" : "");
      t.push_back({to("7_4_close_" + c + (reason ? "_with_reason" : ""), r), wire,
                   "closed(" + c + (reason ? " because" : "") + ") > close(" + c + ")",
                   wire.size()});
    }
  }
  for (unsigned code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 2000, 2999, 5000, 5001,
                        32768, 65535}) {
    const ws::ws_wire wire = ws::ws_wire(r).close(code);
    t.push_back({to("7_4_close_" + std::to_string(code) + "_is_not_allowed", r), wire, failed(1002),
                 wire.size()});
  }
}

inline void add_close_frames(table& t, ws::role r) {
  using enum ws::opcode;
  const auto add = [&](std::string name, const ws::ws_wire& wire, std::string transcript) {
    t.push_back({to(name, r), wire, transcript, wire.size()});
  };
  const auto wire = [r] { return ws::ws_wire(r); };
  add("5_5_1_close_without_code", wire().frame(close, ""), "closed(1005) > close()");
  add("5_5_1_close_of_one_byte", wire().frame(close, "\x03"), failed(1002));
  for (std::size_t n : {1u, 122u, 123u}) {
    const std::string reason(n, 'r');
    add("5_5_1_reason_of_" + std::to_string(n), wire().close(1000, reason),
        "closed(1000 " + reason + ") > close(1000)");
  }
  add("5_5_1_reason_in_utf8", wire().close(1000, "K\xc3\xbcmmel \xf0\x9f\x8c\xb1"),
      "closed(1000 K\xc3\xbcmmel \xf0\x9f\x8c\xb1) > close(1000)");
  for (std::string wrong :
       {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "cut \xe2\x82", "\xff"})
    add("5_5_1_reason_not_utf8_" + std::to_string(t.size()), wire().close(1000, wrong),
        failed(1007));
  add("7_1_close_after_a_message", wire().frame(text, "x").close(1000),
      "text(x) closed(1000) > close(1000)");
  add("7_1_close_after_a_ping", wire().frame(ping, "x").close(1000),
      "ping(x) closed(1000) > pong(x) close(1000)");
}

inline void add_after_close(table& t, ws::role r) {
  using enum ws::opcode;
  const std::size_t end = ws::ws_wire(r).close(1000).size();
  const std::string transcript = "closed(1000) > close(1000)";
  const auto wire = [r] { return ws::ws_wire(r).close(1000); };
  t.push_back({to("1_4_text_after_close", r), wire().frame(text, "x"), transcript, end});
  t.push_back({to("1_4_ping_after_close", r), wire().frame(ping, "x"), transcript, end});
  t.push_back({to("1_4_second_close", r), wire().close(1001), transcript, end});
  t.push_back({to("1_4_rubbish_after_close", r), wire().raw("\xff\xff\xff"), transcript, end});
  t.push_back({to("7_1_7_text_after_failure", r), ws::ws_wire(r).frame_of(3, "").frame(text, "x"),
               failed(1002), 1});
}

inline table control_cases() {
  table t;
  for (ws::role r : both_roles) {
    add_pings(t, r);
    add_broken_control_frames(t, r);
    add_close_codes(t, r);
    add_close_frames(t, r);
    add_after_close(t, r);
  }
  return t;
}

}  // namespace caraway::conformance
