// replay.cpp - runs a fuzz target over stored inputs, without libFuzzer.
//
// Each argument is a folder or a file. Every input is run whole and with its last byte cut off,
// once each, in the order of the names; no input at all is a failure.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_under(const fs::path& where) {
  if (!fs::is_directory(where)) return {where};
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(where))
    if (entry.is_regular_file()) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

// In a block of exactly its size, so that the sanitizers see a read past the end.
void run(const std::vector<char>& input, std::size_t size) {
  const std::vector<std::uint8_t> exact(input.begin(), input.begin() + static_cast<long>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<char> content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t seen = 0;
  for (int i = 1; i < count; ++i) {
    for (const fs::path& file : inputs_under(arguments[i])) {
      const std::vector<char> input = content_of(file);
      run(input, input.size());
      if (!input.empty()) run(input, input.size() - 1);
      ++seen;
    }
  }
  std::printf("%zu inputs replayed\n", seen);
  return seen == 0 ? 1 : 0;
}
