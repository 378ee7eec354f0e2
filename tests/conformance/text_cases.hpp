// text_cases.hpp - RFC 6455 sections 5.6 and 8.1: text is UTF-8, and the first byte that cannot be
// is the last one looked at.
#pragma once

#include "cases.hpp"
#include "codec/utf8_reference.hpp"

namespace caraway::conformance {

inline std::vector<std::string> texts() {
  using codec::utf8_of;
  std::vector<std::string> all = {"plain", "K\xc3\xbcmmel",
                                  "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
                                  "\xf0\x9f\x8c\xb1", std::string(1, '\0')};
  // Every border of the code points, and the surrogates, which are none (RFC 3629 section 3).
  for (unsigned c : {0x00u,    0x7fu,    0x80u,     0x7ffu,    0x800u,    0xfffu,    0x1000u,
                     0xcfffu,  0xd000u,  0xd7ffu,   0xd800u,   0xdbffu,   0xdc00u,   0xdfffu,
                     0xe000u,  0xfeffu,  0xfffdu,   0xfffeu,   0xffffu,   0x10000u,  0x3ffffu,
                     0x40000u, 0xfffffu, 0x100000u, 0x10fffeu, 0x10ffffu, 0x110000u, 0x13ffffu})
    all.push_back("a" + utf8_of(c) + "b");
  for (std::string wrong : {"\x80",
                            "\xbf",
                            "\x80\xbf",
                            "\xc0",
                            "\xc1",
                            "\xf5",
                            "\xf8",
                            "\xfc",
                            "\xfe",
                            "\xff",  // no beginnings
                            "\xc0\x80",
                            "\xc0\xaf",
                            "\xc1\xbf",
                            "\xe0\x80\x80",
                            "\xe0\x80\xaf",
                            "\xe0\x9f\xbf",  // overlong
                            "\xf0\x80\x80\x80",
                            "\xf0\x80\x80\xaf",
                            "\xf0\x8f\xbf\xbf",
                            "\xf8\x88\x80\x80\x80",
                            "\xfc\x84\x80\x80\x80\x80",
                            "\xf4\x90\x80\x80",
                            "\xf7\xbf\xbf\xbf",  // too large
                            "\xc3 ",
                            "\xe2\x82 ",
                            "\xe2 ",
                            "\xf0\x9f\x8c ",
                            "\xf0\x9f ",
                            "\xf0 ",  // interrupted
                            "\xc3\xc3\xbc",
                            "\xe2\x82\xe2\x82\xac",
                            "\xc3\xbc\xbc",
                            "\xed\xa0\x80\xed\xb0\x80",
                            "\xed\xaf\xbf\xed\xbf\xbf"}) {  // CESU-8
    all.push_back(wrong);
    all.push_back("before " + wrong + " and after");
  }
  for (std::string cut : {"\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x8c",
                          "\xed\x9f", "\xf4\x8f\xbf"}) {
    all.push_back(cut);
    all.push_back("cut short " + cut);
  }
  return all;
}

// How many bytes of `text` it takes to see that it is wrong; one more than it has if only its end
// is.
inline std::size_t wrong_after(const std::string& text) {
  for (std::size_t n = 1; n <= text.size(); ++n)
    if (codec::utf8_by_definition(as_bytes(text).first(n)) == codec::utf8_truth::wrong) return n;
  return text.size() + 1;
}

inline void add_text(table& t, ws::role r, const std::string& name, const std::string& text) {
  const bool valid = codec::utf8_by_definition(as_bytes(text)) == codec::utf8_truth::whole;
  const std::string transcript = valid ? "text(" + text + ")" : failed(1007);
  const std::size_t head = 2 + mask_size(r), wrong = std::min(wrong_after(text), text.size());
  t.push_back({to(name + "_in_one_frame", r), ws::ws_wire(r).frame(ws::opcode::text, text),
               transcript, valid ? 0 : head + wrong});
  // A byte a frame; the empty last frame is where a text that was cut short ends.
  ws::ws_wire pieces(r);
  for (std::size_t i = 0; i < text.size(); ++i)
    pieces.frame(i == 0 ? ws::opcode::text : ws::opcode::continuation, text.substr(i, 1), false);
  pieces.frame(ws::opcode::continuation, "");
  const bool cut_short = wrong_after(text) > text.size();
  const std::size_t over = cut_short ? pieces.size() : wrong * (head + 1);
  t.push_back({to(name + "_in_frames_of_one_byte", r), pieces, transcript, valid ? 0 : over});
}

inline table text_cases() {
  table t;
  for (ws::role r : both_roles) {
    int number = 0;
    for (const std::string& text : texts())
      add_text(t, r, "8_1_text_" + std::to_string(++number), text);
  }
  return t;
}

}  // namespace caraway::conformance
