// utf8_blocks_x86_64.cpp - UTF-8 by table lookup in vector registers: SSSE3, or AVX2 where there
// is.
//
// Whether two neighbouring bytes may stand together depends on three nibbles: both of the first
// byte and the high one of the second (Keiser and Lemire, "Validating UTF-8 in less than one
// instruction per byte", 2021). Each nibble selects from a table of sixteen the set of mistakes it
// is compatible with; a mistake that all three allow has been made. The one thing a pair cannot
// tell is whether a continuation byte behind a continuation byte is due; that is decided by the
// bytes two and three places before.
//
// The bytes before are loaded from memory, one to three places back, rather than shifted in, so
// runs of any length end in one block that overlaps the one before.
#include <immintrin.h>

#include "codec/utf8_blocks.hpp"

namespace caraway::codec {
namespace {

// The mistakes. The last must be the top bit: it is what the bytes further back decide.
constexpr char too_short = 0x01;    // a lead byte, then no continuation
constexpr char too_long = 0x02;     // ASCII, then a continuation
constexpr char overlong_2 = 0x04;   // C0, C1
constexpr char overlong_3 = 0x08;   // E0, then less than A0
constexpr char surrogate = 0x10;    // ED, then A0 or more
constexpr char above_f48f = 0x20;   // F4 or more, then 90 or more
constexpr char in_f080_row = 0x40;  // F0 or F5 and more, then 80 to 8F
constexpr char two_conts = static_cast<char>(0x80);
constexpr char always = static_cast<char>(too_short | too_long | two_conts);

// clang-format off

// By the high nibble of the first byte.
alignas(16) constexpr char first_high[16] = {
    too_long, too_long, too_long, too_long, too_long, too_long, too_long, too_long,
    two_conts, two_conts, two_conts, two_conts,
    too_short | overlong_2, too_short, too_short | overlong_3 | surrogate,
    too_short | above_f48f | in_f080_row};

// By its low nibble.
constexpr char low_0 = static_cast<char>(always | overlong_2 | overlong_3 | in_f080_row);
constexpr char low_1 = static_cast<char>(always | overlong_2);
constexpr char low_4 = static_cast<char>(always | above_f48f);
constexpr char low_5 = static_cast<char>(low_4 | in_f080_row);
constexpr char low_d = static_cast<char>(low_5 | surrogate);
alignas(16) constexpr char first_low[16] = {
    low_0, low_1, always, always, low_4, low_5, low_5, low_5,
    low_5, low_5, low_5, low_5, low_5, low_d, low_5, low_5};

// By the high nibble of the second byte.
constexpr char from_80 = static_cast<char>(too_long | two_conts | overlong_2);
constexpr char row_8 = static_cast<char>(from_80 | overlong_3 | in_f080_row);
constexpr char row_9 = static_cast<char>(from_80 | overlong_3 | above_f48f);
constexpr char row_a = static_cast<char>(from_80 | surrogate | above_f48f);
alignas(16) constexpr char second_high[16] = {
    too_short, too_short, too_short, too_short, too_short, too_short, too_short, too_short,
    row_8, row_9, row_a, row_a, too_short, too_short, too_short, too_short};

// clang-format on

// What a lead byte of three (four) bytes exceeds so that it reaches the top bit.
constexpr char below_e0 = 0xe0 - 0x80;
constexpr char below_f0 = 0xf0 - 0x80;

[[gnu::target("ssse3")]] inline __m128i load16(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

// The mistakes in the 16 bytes at `at`.
[[gnu::target("ssse3")]] inline __m128i mistakes16(const std::byte* at) {
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i here = load16(at), before = load16(at - 1);
  const __m128i high = _mm_and_si128(_mm_srli_epi16(before, 4), nibble);
  const __m128i low = _mm_and_si128(before, nibble);
  const __m128i second = _mm_and_si128(_mm_srli_epi16(here, 4), nibble);
  const __m128i pair = _mm_and_si128(_mm_and_si128(_mm_shuffle_epi8(load16(first_high), high),
                                                   _mm_shuffle_epi8(load16(first_low), low)),
                                     _mm_shuffle_epi8(load16(second_high), second));
  const __m128i third = _mm_subs_epu8(load16(at - 2), _mm_set1_epi8(below_e0));
  const __m128i fourth = _mm_subs_epu8(load16(at - 3), _mm_set1_epi8(below_f0));
  const __m128i due = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(two_conts));
  return _mm_xor_si128(pair, due);
}

[[gnu::target("ssse3")]] bool run_ssse3(const std::byte* at, std::size_t n) {
  __m128i mistakes = _mm_setzero_si128();
  bool ended_in_ascii = true;  // and so with nothing due that these bytes would have to give
  const std::byte* const last = at + n - 16;
  for (const std::byte* block = at;; block = last - block > 16 ? block + 16 : last) {
    const bool ascii = _mm_movemask_epi8(load16(block)) == 0;
    if (!ascii || !ended_in_ascii) mistakes = _mm_or_si128(mistakes, mistakes16(block));
    ended_in_ascii = ascii;
    if (block == last) break;
  }
  return _mm_movemask_epi8(_mm_cmpeq_epi8(mistakes, _mm_setzero_si128())) == 0xffff;
}

[[gnu::target("avx2")]] inline __m256i load32(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

[[gnu::target("avx2")]] inline __m256i table32(const char (&entries)[16]) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(entries)));
}

// The same for 32 bytes.
[[gnu::target("avx2")]] inline __m256i mistakes32(const std::byte* at) {
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i here = load32(at), before = load32(at - 1);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(before, 4), nibble);
  const __m256i low = _mm256_and_si256(before, nibble);
  const __m256i second = _mm256_and_si256(_mm256_srli_epi16(here, 4), nibble);
  const __m256i pair =
      _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(table32(first_high), high),
                                        _mm256_shuffle_epi8(table32(first_low), low)),
                       _mm256_shuffle_epi8(table32(second_high), second));
  const __m256i third = _mm256_subs_epu8(load32(at - 2), _mm256_set1_epi8(below_e0));
  const __m256i fourth = _mm256_subs_epu8(load32(at - 3), _mm256_set1_epi8(below_f0));
  const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(two_conts));
  return _mm256_xor_si256(pair, due);
}

[[gnu::target("avx2")]] bool run_avx2(const std::byte* at, std::size_t n) {
  __m256i mistakes = _mm256_setzero_si256();
  bool ended_in_ascii = true;
  const std::byte* const last = at + n - 64;
  for (const std::byte* block = at;; block = last - block > 64 ? block + 64 : last) {
    const bool ascii =
        _mm256_movemask_epi8(_mm256_or_si256(load32(block), load32(block + 32))) == 0;
    if (!ascii || !ended_in_ascii) {
      mistakes = _mm256_or_si256(mistakes, mistakes32(block));
      mistakes = _mm256_or_si256(mistakes, mistakes32(block + 32));
    }
    ended_in_ascii = ascii;
    if (block == last) break;
  }
  return _mm256_testz_si256(mistakes, mistakes) != 0;
}

}  // namespace

utf8_verdict check_utf8_blocks(bytes run) noexcept {
  const auto verdict = [](bool valid) {
    return valid ? utf8_verdict::valid : utf8_verdict::invalid;
  };
  if (run.size() >= 64 && __builtin_cpu_supports("avx2"))
    return verdict(run_avx2(run.data(), run.size()));
  if (run.size() >= 16 && __builtin_cpu_supports("ssse3"))
    return verdict(run_ssse3(run.data(), run.size()));
  return utf8_verdict::not_tried;
}

}  // namespace caraway::codec
