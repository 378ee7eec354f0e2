// tls_certificates.hpp - the certificates of the tests (tests/tls/make_certificates.cpp).
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace caraway::tls {

inline std::string certificate_file(const std::string& name) {
  return CARAWAY_CERTIFICATES "/" + name;
}

inline std::string certificate_text(const std::string& name) {
  std::ifstream file(certificate_file(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace caraway::tls
