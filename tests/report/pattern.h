// Golden texts with a small pattern language: {#} stands for a number, {*} for anything up to the end of a line.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sonde::report {

// Compares line by line and shows the first line that differs.
[[nodiscard]] ::testing::AssertionResult matches(std::string_view text, std::string_view pattern);

}  // namespace sonde::report
