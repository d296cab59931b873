// Rule batch-size: outside 32 to 256 (Theia IBS). Advice, and a weak one. Not where the whole data set is one batch.
#include <fmt/format.h>

#include "rules/checks.h"

namespace sonde::rules {

Violations check_batch_size(const MetaModel& model) {
  const std::int64_t batch = model.input.batch;
  const bool whole = model.input.data_rows > 0 && model.input.data_rows <= batch;
  if (!judges_classes(model) || batch < 1 || whole || (batch >= 32 && batch <= 256)) return {};
  return {advice_on("loop", Cause::batch_size, batch == 1 ? 0.2 : 0.15,
                    fmt::format("batches of {}; 32 to 256 are usual", counted(batch, "sample")))};
}

}  // namespace sonde::rules
