// Rule little-data: a data set that is small for the model (Theia, category other). Advice.
// Formula: under 500 rows and 100 parameters for each, where the tensor that batches are picked from is seen.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_little_data(const MetaModel& model) {
  constexpr std::int64_t kFewRows = 500;
  constexpr double kParametersPerRow = 100;
  const std::int64_t rows = model.input.data_rows;
  const auto parameters = static_cast<double>(model.parameters);
  if (rows <= model.input.batch || rows >= kFewRows || parameters < kParametersPerRow * static_cast<double>(rows))
    return {};
  return {
      advice_on("data", Cause::too_little_data, 0.5,
                fmt::format("batches are picked from {} rows; the model has {} parameters", rows, number(parameters)))};
}

}  // namespace sonde::rules
