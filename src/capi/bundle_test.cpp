// bundle_test.cpp - what C++ adds to the coroutines of the C interface: exceptions.
#include <gtest/gtest.h>

#include <stdexcept>

#include "capi/capi.hpp"

namespace {

void throw_it() {
  throw std::runtime_error("nobody catches this");
}

void throw_and_catch(int* caught) {
  try {
    dill_yield();
    throw_it();
  } catch (const std::runtime_error&) {
    ++*caught;
  }
}

// With libdill it came out of go(), in the caller, whose code then ran twice.
void start_one_that_throws() {
  try {
    dill_go(throw_it());
  } catch (...) {
    std::exit(0);
  }
  std::exit(0);
}

TEST(bundle, an_exception_that_leaves_a_coroutine_ends_the_program_and_is_not_the_callers) {
  EXPECT_DEATH(start_one_that_throws(), "");
}

TEST(bundle, exceptions_stay_inside_their_coroutines) {
  int caught = 0;
  const int b = dill_bundle();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dill_bundle_go(b, throw_and_catch(&caught)), 0);
  try {
    throw_it();
  } catch (const std::runtime_error&) {
    EXPECT_EQ(dill_bundle_wait(b, -1), 0);
  }
  EXPECT_EQ(caught, 3);
  EXPECT_EQ(dill_hclose(b), 0);
}

TEST(bundle, what_is_started_sees_the_variables_of_its_caller) {
  int sum = 0;
  const int b = dill_bundle();
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(dill_bundle_go(b, sum += i), 0);
  EXPECT_EQ(sum, 10);
  EXPECT_EQ(dill_hclose(b), 0);
}

}  // namespace
