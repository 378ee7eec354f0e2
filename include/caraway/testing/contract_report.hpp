// contract_report.hpp - how the contract suites say what does not hold.
//
// A suite is a list of checks, each a plain function. Whoever runs one hands it a report; a test
// framework's adapter turns that into its own failures. The checks themselves need no framework.
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <system_error>
#include <utility>

namespace caraway::testing {

class contract_report {
 public:
  // Called with a sentence for each thing that does not hold.
  using function = std::function<void(const std::string&)>;

  explicit contract_report(function f) : function_(std::move(f)) {}

  // Reports `claim` unless it holds.
  bool expect(bool holds, const std::string& claim,
              std::source_location at = std::source_location::current()) const {
    if (!holds) say(claim, at);
    return holds;
  }

  // Reports unless `r` failed with `wanted`.
  template <class R>
  void expect_error(const R& r, std::error_code wanted, const std::string& call,
                    std::source_location at = std::source_location::current()) const {
    if (r)
      say(call + " must fail: " + wanted.message(), at);
    else if (r.error() != wanted)
      say(call + " must fail with \"" + wanted.message() + "\", not \"" + r.error().message() + '"',
          at);
  }

  // Reports unless `r` succeeded.
  template <class R>
  bool expect_success(const R& r, const std::string& call,
                      std::source_location at = std::source_location::current()) const {
    if (!r) say(call + " failed: " + r.error().message(), at);
    return r.has_value();
  }

 private:
  void say(const std::string& what, std::source_location at) const {
    const std::string file = at.file_name();
    function_(file.substr(file.rfind('/') + 1) + ':' + std::to_string(at.line()) + ": " + what);
  }

  function function_;
};

// Calls run(n) for n = 0, 1, 2, ... until it returns true: for failing the n-th operation of
// something, until so many operations are not needed any more.
template <class F>
void for_each_failure(F run) {
  for (std::size_t n = 0; !run(n); ++n) {
  }
}

}  // namespace caraway::testing
