#include "caraway/metrics_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace caraway {
namespace {

TEST(metrics_text, a_family_has_help_type_and_samples) {
  metrics_text m;
  m.family("jobs_total", metric_kind::counter, "Jobs done.");
  m.sample(std::uint64_t{17}, {{"queue", "fast"}, {"host", "a"}});
  m.sample(std::uint64_t{18446744073709551615u});
  EXPECT_EQ(m.text(),
            "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n"
            "jobs_total{queue=\"fast\",host=\"a\"} 17\njobs_total 18446744073709551615\n");
}

TEST(metrics_text, kinds_have_their_names) {
  metrics_text m;
  m.family("a", metric_kind::gauge, "");
  m.family("b", metric_kind::summary, "x");
  m.sample(0.25, {}, "_sum");
  m.sample(2, {}, "_count");
  EXPECT_EQ(m.text(),
            "# HELP a \n# TYPE a gauge\n# HELP b x\n# TYPE b summary\nb_sum 0.25\nb_count 2\n");
}

TEST(metrics_text, values_and_help_are_escaped_each_in_its_way) {
  metrics_text m;
  m.family("a", metric_kind::gauge, "a \"b\" \\ c\nd");
  m.sample(1, {{"l", "a \"b\" \\ c\nd"}});
  EXPECT_EQ(m.text(),
            "# HELP a a \"b\" \\\\ c\\nd\n# TYPE a gauge\n"
            "a{l=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n");
}

TEST(metrics_text, names_are_made_well_formed) {
  metrics_text m;
  m.family("1 a-b:c\xc3\xbc", metric_kind::gauge, "h");
  m.sample(1, {{"x:y", "v"}, {"", "w"}, {"9", "z"}});
  EXPECT_EQ(m.text(),
            "# HELP _1_a_b:c__ h\n# TYPE _1_a_b:c__ gauge\n"
            "_1_a_b:c__{x_y=\"v\",_=\"w\",_9=\"z\"} 1\n");
}

TEST(metrics_text, numbers_that_are_none_have_words) {
  metrics_text m;
  m.family("a", metric_kind::gauge, "h");
  using limits = std::numeric_limits<double>;
  for (const double value :
       {limits::quiet_NaN(), limits::infinity(), -limits::infinity(), -1.5, 1e300})
    m.sample(value);
  EXPECT_TRUE(m.text().ends_with("a NaN\na +Inf\na -Inf\na -1.5\na 1e+300\n")) << m.text();
}

}  // namespace
}  // namespace caraway
