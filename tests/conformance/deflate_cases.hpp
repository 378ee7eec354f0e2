// deflate_cases.hpp - RFC 7692: compressed messages, good and bad. The case's options say what was
// agreed on.
#pragma once

#include "cases.hpp"
#include "codec/deflate.hpp"

namespace caraway::conformance {

struct deflate_case : conformance_case {
  ws::deflate_options agreed;
};

using deflate_table = std::vector<deflate_case>;

inline constexpr std::uint8_t rsv1 = 0x40;

// "Hello" as the RFC has it in section 7.2.3, and a second time with the window of the first.
inline const std::string hello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
inline const std::string hello_again("\xf2\x00\x11\x00\x00", 5);

// The payload of a message that stands alone.
inline std::string deflated(std::string_view text, int window_bits = 15) {
  codec::growing_bytes out;
  const bytes all = as_bytes(text);
  codec::deflate_message({.level = 9, .window_bits = window_bits, .memory_level = 9},
                         parts(&all, 1), out);
  return std::string(as_text(out.all()));
}

// One side's cases.
class deflate_cases_of {
 public:
  explicit deflate_cases_of(ws::role r) : role_(r) {}

  deflate_table all() {
    messages();
    fragments();
    other_forms();
    reserved_bits();
    wrong_data();
    texts();
    limits();
    agreements();
    return std::move(table_);
  }

 private:
  using op = ws::opcode;

  ws::ws_wire wire() const { return ws::ws_wire(role_); }
  ws::ws_wire message(const std::string& payload, op o = op::text) const {
    return wire().frame(o, payload, true, rsv1);
  }
  // Of a frame with fewer than 126 bytes.
  std::size_t head() const { return 2 + mask_size(role_); }

  deflate_case& add(const std::string& name, const ws::ws_wire& w, const std::string& transcript,
                    std::size_t over_after = 0) {
    deflate_case c;
    c.name = to("7692_" + name, role_);
    c.wire = w;
    c.transcript = transcript;
    c.over_after = over_after;
    table_.push_back(c);
    return table_.back();
  }

  void messages() {
    add("7_2_3_1_text", message(hello), "text(Hello)");
    add("7_2_3_1_binary", message(hello, op::binary), "binary(Hello)");
    add("7_2_3_2_takeover",
        message(hello)
            .frame(op::text, hello_again, true, rsv1)
            .frame(op::text, hello_again, true, rsv1),
        "text(Hello) text(Hello) text(Hello)");
    add("6_uncompressed_message_between",
        message(hello).frame(op::text, "plain").frame(op::text, hello_again, true, rsv1),
        "text(Hello) text(plain) text(Hello)");
    add("6_uncompressed_fragments_between",
        message(hello)
            .frame(op::binary, "pl", false)
            .frame(op::continuation, "ain")
            .frame(op::text, hello_again, true, rsv1),
        "text(Hello) binary(plain) text(Hello)");
    add("5_all_messages_may_be_uncompressed", wire().frame(op::text, "Hello"), "text(Hello)");
    add("7_2_3_6_empty", message(std::string(1, '\0')), "text()");
    for (std::size_t n : {1, 125, 126, 5000, 70000}) {
      const std::string text(n, 'x');
      add("7_2_" + std::to_string(n) + "_bytes", message(deflated(text), op::binary),
          "binary(" + text + ")");
    }
  }

  void fragments() {
    for (std::size_t cut = 0; cut <= hello.size(); ++cut)
      add("7_2_3_1_fragments_" + std::to_string(cut),
          wire()
              .frame(op::text, hello.substr(0, cut), false, rsv1)
              .frame(op::ping, "p")
              .frame(op::continuation, hello.substr(cut)),
          "ping(p) text(Hello) > pong(p)");
    ws::ws_wire pieces = wire();
    for (std::size_t i = 0; i < hello.size(); ++i)
      pieces.frame(i == 0 ? op::text : op::continuation, hello.substr(i, 1), false,
                   i == 0 ? rsv1 : 0);
    pieces.frame(op::continuation, "");
    add("6_1_fragments_of_one_byte", pieces, "text(Hello)");
    add("6_1_fragments_then_a_message_of_its_own",
        wire()
            .frame(op::text, hello.substr(0, 3), false, rsv1)
            .frame(op::continuation, hello.substr(3))
            .frame(op::text, "plain")
            .frame(op::text, hello_again, true, rsv1),
        "text(Hello) text(plain) text(Hello)");
    add("6_1_close_between_fragments",
        wire().frame(op::text, hello.substr(0, 3), false, rsv1).close(1000),
        "closed(1000) > close(1000)", head() + 3 + head() + 2);
  }

  // Of the same five letters.
  void other_forms() {
    using std::string;
    const string stored("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11);
    const string last_block("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
    const string two_blocks("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13);
    const string empty_blocks("\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff", 10);
    const string uncut("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11);
    add("7_2_3_3_stored_block", message(stored), "text(Hello)");
    add("7_2_3_4_last_block", message(last_block), "text(Hello)");
    add("7_2_3_5_two_blocks", message(two_blocks), "text(Hello)");
    add("7_2_1_empty_blocks_before", message(empty_blocks + hello), "text(Hello)");
    add("7_2_1_last_block_and_nothing_behind", message(last_block.substr(0, 7)), "text(Hello)");
    add("7_2_1_the_four_bytes_left_in", message(uncut), "text(Hello)");
    for (const string& form : {stored, last_block, two_blocks, uncut})
      add("7_2_takeover_after_" + std::to_string(static_cast<unsigned char>(form[0])) + "_" +
              std::to_string(form.size()),
          message(form).frame(op::text, hello_again, true, rsv1), "text(Hello) text(Hello)");
  }

  void reserved_bits() {
    for (op o : {op::continuation, op::close, op::ping, op::pong})
      add("6_1_rsv1_on_opcode_" + std::to_string(static_cast<int>(o)),
          wire().frame(o, "", true, rsv1), failed(1002), 1);
    add("6_1_rsv1_on_a_continuation",
        wire().frame(op::text, hello, false, rsv1).frame(op::continuation, "", true, rsv1),
        failed(1002), head() + hello.size() + 1);
    add("6_1_rsv1_on_the_continuation_of_an_uncompressed_message",
        wire().frame(op::text, "a", false).frame(op::continuation, hello, true, rsv1), failed(1002),
        head() + 1 + 1);
    for (std::uint8_t bits : {0x10, 0x20, 0x50, 0x60, 0x70})
      add("6_other_reserved_bits_" + std::to_string(bits),
          wire().frame(op::text, hello, true, bits), failed(1002), 1);
    add("6_1_message_within_a_compressed_one",
        wire().frame(op::text, hello, false, rsv1).frame(op::text, hello, true, rsv1), failed(1002),
        2 * head() + hello.size());
  }

  void wrong_data() {
    add("7_2_2_no_such_block", message("\x06"), failed(1007), head() + 1);
    add("7_2_2_length_and_complement_differ", message(std::string("\x00\x05\x00\xfa\xfe", 5)),
        failed(1007), head() + 5);
    add("7_2_2_cut_short", message("\xf2\x48\xcd\xc9"), failed(1007), head() + 4);
    add("7_2_2_stored_block_cut_short", message(std::string("\x00\x09\x00\xf6\xff\x48", 6)),
        failed(1007), head() + 6);
    add("7_2_2_refers_to_before_the_beginning", message(hello_again), failed(1007), head() + 3);
    add("7_2_2_is_plain_text", message("this was never compressed"), failed(1007), head() + 8);
    add("7_2_2_cut_short_in_fragments",
        wire().frame(op::binary, "\xf2\x48", false, rsv1).frame(op::continuation, "\xcd"),
        failed(1007), 2 * head() + 3);
    add("7_2_2_wrong_after_good", message(hello).frame(op::binary, "\x06", true, rsv1),
        "text(Hello) " + failed(1007), 2 * head() + hello.size() + 1);
  }

  // What has come out has to be UTF-8 as it comes out (RFC 6455 section 8.1).
  void texts() {
    const std::string kummel = "K\xc3\xbcmmel";
    add("8_1_text", message(deflated(kummel)), "text(" + kummel + ")");
    add("8_1_not_utf8", message(deflated("\xff")), failed(1007), head() + 2);
    add("8_1_cut_within_a_character", message(deflated("K\xc3")), failed(1007));
    table_.back().over_after = table_.back().wire.size();
    add("8_1_binary_need_not_be_utf8", message(deflated("\xff"), op::binary), "binary(\xff)");
    // Stored, so that it is known which byte is the wrong one.
    const std::string wrong("\x00\x05\x00\xfa\xff\x4b\xff\x6c\x6c\x6f\x00", 11);
    add("8_1_wrong_at_once", message(wrong), failed(1007), head() + 7);
    const std::string stored("\x00\x03\x00\xfc\xff\x4b\xc3\xbc\x00", 9);
    add("8_1_character_across_fragments",
        wire()
            .frame(op::text, stored.substr(0, 7), false, rsv1)
            .frame(op::continuation, stored.substr(7)),
        "text(K\xc3\xbc)");
  }

  void limits() {
    const std::string exact(1000, 'm');
    const auto limited = [&](const std::string& name, const ws::ws_wire& w,
                             const std::string& transcript, std::uint64_t most) {
      deflate_case& c = add(name, w, transcript);
      c.max_message = most;
      if (transcript.starts_with("failed") && c.wire.size() <= 5000) c.over_after = c.wire.size();
    };
    limited("limit_reached", message(deflated(exact)), "text(" + exact + ")", 1000);
    limited("limit_reached_by_noise", message(deflated("q8Zx"), op::binary), "binary(q8Zx)", 4);
    limited("limit_zero", message(std::string(1, '\0')), "text()", 0);
    for (const auto& [by, beyond] : {std::pair("one", 1), std::pair("two", 2)}) {
      const std::string over = deflated(exact + std::string(beyond, 'm'));
      limited(std::string("limit_passed_by_") + by, message(over), failed(1009), 1000);
      table_.back().over_after = limit_shows(over, 1000);
    }
    limited("limit_passed_from_zero", message(deflated("a")), failed(1009), 0);
    table_.back().over_after = limit_shows(deflated("a"), 0);
    const std::string bomb = deflated(std::string(4000000, '\0'));
    limited("bomb", message(bomb, op::binary), failed(1009), 1000);
    table_.back().over_after = limit_shows(bomb, 1000) + 2;  // a longer header
    // A message of 10 bytes may come in 80, and with 64 KiB of nothing.
    ws::ws_wire huge = wire();
    huge.header(1, 65536 + 80 + 1, true, rsv1);
    limited("too_much_before_it_is_inflated", huge, failed(1009), 10);
    const std::string empty_block("\x00\x00\x00\xff\xff", 5);
    std::string nothing;
    while (nothing.size() + empty_block.size() < 65536) nothing += empty_block;
    limited("much_before_it_is_inflated", message(nothing + hello), "text(Hello)", 10);
    deflate_case& c = add("too_many_fragments",
                          wire()
                              .frame(op::text, "", false, rsv1)
                              .frame(op::continuation, "", false)
                              .frame(op::continuation, ""),
                          failed(1009), 3 * head());
    c.max_fragments = 2;
  }

  // With which byte of the message so many bytes and one more have come out.
  std::size_t limit_shows(const std::string& payload, std::size_t most) const {
    const auto i = codec::inflater::make(15);
    std::size_t made = 0, used = 0;
    std::vector<std::byte> memory(most + 1);
    while (made <= most && used < payload.size()) {
      bytes in = as_bytes(payload).subspan(used++, 1);
      mutable_bytes room(memory.data(), memory.size() - made);
      i->go_on(in, room);
      made = memory.size() - room.size();
    }
    return head() + used;
  }

  void agreements() {
    ws::deflate_options alone;
    alone.peer_takeover = false;
    add("7_1_1_no_takeover", message(hello).frame(op::text, hello, true, rsv1),
        "text(Hello) text(Hello)")
        .agreed = alone;
    add("7_1_1_takeover_although_there_is_none",
        message(hello).frame(op::text, hello_again, true, rsv1), "text(Hello) " + failed(1007),
        2 * head() + hello.size() + 3)
        .agreed = alone;
    // Something that a window of 9 bits does not reach, and one of 15 does.
    std::string far = "caraway seeds ";
    for (int i = 0; i < 600; ++i) far += static_cast<char>('0' + i * i % 71);
    far += "caraway seeds ";
    ws::deflate_options small;
    small.peer_window_bits = 9;
    add("7_1_2_window_kept", message(deflated(far, 9)), "text(" + far + ")").agreed = small;
  }

  ws::role role_;
  deflate_table table_;
};

inline deflate_table deflate_cases() {
  deflate_table all;
  for (ws::role r : both_roles)
    for (deflate_case& c : deflate_cases_of(r).all()) all.push_back(std::move(c));
  return all;
}

}  // namespace caraway::conformance
