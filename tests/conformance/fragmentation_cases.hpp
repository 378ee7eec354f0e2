// fragmentation_cases.hpp - RFC 6455 section 5.4: messages in fragments, and what may stand
// between.
#pragma once

#include "cases.hpp"

namespace caraway::conformance {

// One message in fragments of `each` bytes, with a ping behind each if `pings`.
inline conformance_case in_pieces(ws::role r, ws::opcode op, std::size_t each, bool pings) {
  const std::string payload = "caraway, dill and fennel are umbellifers";
  ws::ws_wire wire(r);
  std::string heard, pongs;
  for (std::size_t at = 0; at < payload.size(); at += each) {
    const bool fin = at + each >= payload.size();
    wire.frame(at == 0 ? op : ws::opcode::continuation, payload.substr(at, each), fin);
    if (!pings || fin) continue;
    wire.frame(ws::opcode::ping, std::to_string(at));
    heard += "ping(" + std::to_string(at) + ") ";
    pongs += " pong(" + std::to_string(at) + ")";
  }
  return {to("5_4_" + ws::name_of(op) + "_in_pieces_of_" + std::to_string(each) +
                 (pings ? "_with_pings_between" : ""),
             r),
          wire,
          heard + ws::name_of(op) + "(" + payload + ")" + (pongs.empty() ? "" : " >" + pongs)};
}

inline void add_good_fragments(table& t, ws::role r) {
  using enum ws::opcode;
  for (ws::opcode op : {text, binary})
    for (bool pings : {false, true})
      for (std::size_t each : {1u, 2u, 7u, 20u, 39u}) t.push_back(in_pieces(r, op, each, pings));
  t.push_back({to("5_4_first_fragment_empty", r),
               ws::ws_wire(r).frame(text, "", false).frame(continuation, "x"), "text(x)"});
  t.push_back({to("5_4_last_fragment_empty", r),
               ws::ws_wire(r).frame(text, "x", false).frame(continuation, ""), "text(x)"});
  t.push_back(
      {to("5_4_all_fragments_empty", r),
       ws::ws_wire(r).frame(text, "", false).frame(continuation, "", false).frame(continuation, ""),
       "text()"});
  t.push_back({to("5_4_large_fragments", r),
               ws::ws_wire(r)
                   .frame(binary, std::string(20000, 'a'), false)
                   .frame(continuation, std::string(70000, 'b'), false)
                   .frame(continuation, std::string(20000, 'c')),
               "binary(" + std::string(20000, 'a') + std::string(70000, 'b') +
                   std::string(20000, 'c') + ")"});
  t.push_back({to("5_4_pong_between", r),
               ws::ws_wire(r).frame(text, "a", false).frame(pong, "p").frame(continuation, "b"),
               "pong(p) text(ab)"});
  t.push_back({to("5_4_messages_one_after_the_other", r),
               ws::ws_wire(r)
                   .frame(text, "a", false)
                   .frame(continuation, "b")
                   .frame(binary, "c")
                   .frame(binary, "d", false)
                   .frame(continuation, "e"),
               "text(ab) binary(c) binary(de)"});
  t.push_back({to("5_4_close_between", r), ws::ws_wire(r).frame(text, "a", false).close(1000),
               "closed(1000) > close(1000)",
               ws::ws_wire(r).frame(text, "a", false).close(1000).size()});
}

inline void add_bad_fragments(table& t, ws::role r) {
  using enum ws::opcode;
  const std::size_t head = 2 + mask_size(r);
  for (bool fin : {false, true}) {
    const std::string kind = fin ? "final_" : "";
    t.push_back({to("5_4_" + kind + "continuation_at_the_beginning", r),
                 ws::ws_wire(r).frame(continuation, "x", fin), failed(1002), head});
    t.push_back({to("5_4_" + kind + "continuation_after_a_whole_message", r),
                 ws::ws_wire(r).frame(text, "a").frame(continuation, "x", fin),
                 "text(a) " + failed(1002), 2 * head + 1});
    t.push_back({to("5_4_" + kind + "continuation_after_a_fragmented_message", r),
                 ws::ws_wire(r)
                     .frame(text, "a", false)
                     .frame(continuation, "b")
                     .frame(continuation, "x", fin),
                 "text(ab) " + failed(1002), 3 * head + 2});
    t.push_back({to("5_4_" + kind + "continuation_after_a_ping", r),
                 ws::ws_wire(r).frame(ping, "").frame(continuation, "x", fin),
                 "ping() failed(1002) > pong() close(1002)", 2 * head});
    for (ws::opcode op : {text, binary})
      for (ws::opcode begun : {text, binary})
        t.push_back({to("5_4_" + kind + ws::name_of(op) + "_within_a_" + ws::name_of(begun), r),
                     ws::ws_wire(r).frame(begun, "a", false).frame(op, "xyz", fin), failed(1002),
                     2 * head + 1});
  }
}

inline void add_limits(table& t, ws::role r) {
  using enum ws::opcode;
  const std::size_t head = 2 + mask_size(r);
  for (std::size_t limit : {1u, 5u, 125u}) {
    const std::string full(limit, 'l');
    const std::string name = "limit_of_" + std::to_string(limit);
    t.push_back(
        {to(name + "_met", r), ws::ws_wire(r).frame(text, full), "text(" + full + ")", 0, limit});
    t.push_back({to(name + "_passed_by_one", r), ws::ws_wire(r).frame(binary, full + "l"),
                 failed(1009), ws::header_size(limit + 1, mask_size(r) != 0), limit});
    t.push_back({to(name + "_met_by_fragments", r),
                 ws::ws_wire(r).frame(text, full, false).frame(continuation, ""),
                 "text(" + full + ")", 0, limit});
    t.push_back({to(name + "_passed_by_a_fragment", r),
                 ws::ws_wire(r).frame(text, full, false).frame(continuation, "l"), failed(1009),
                 2 * head + limit, limit});
  }
  for (std::uint64_t n : {(1ull << 20) + 1, 1ull << 32, (1ull << 63) - 1})
    t.push_back({to("announcing_" + std::to_string(n) + "_bytes", r), ws::ws_wire(r).header(2, n),
                 failed(1009), 10 + mask_size(r)});
  for (std::uint32_t limit : {1u, 2u, 5u}) {
    ws::ws_wire met(r);
    for (std::uint32_t i = 1; i < limit; ++i) met.frame(i == 1 ? binary : continuation, "f", false);
    ws::ws_wire passed(met);
    met.frame(limit == 1 ? binary : continuation, "f");
    passed.frame(limit == 1 ? binary : continuation, "f", false).frame(continuation, "f");
    const std::string name = "limit_of_" + std::to_string(limit) + "_fragments";
    t.push_back(
        {to(name + "_met", r), met, "binary(" + std::string(limit, 'f') + ")", 0, 1000, limit});
    t.push_back({to(name + "_passed", r), passed, failed(1009), passed.size() - 1, 1000, limit});
  }
}

inline table fragmentation_cases() {
  table t;
  for (ws::role r : both_roles) {
    add_good_fragments(t, r);
    add_bad_fragments(t, r);
    add_limits(t, r);
  }
  return t;
}

}  // namespace caraway::conformance
