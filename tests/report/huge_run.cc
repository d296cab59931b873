#include "report/huge_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sonde::testing {
namespace {

using trace::Record;
using trace::RecordKind;

// Sites of a layer: its operation, the rectifier after it, its weight.
constexpr std::uint32_t kSites = 3;

Record tensor(std::uint64_t step, std::uint32_t site, Phase phase, double size) {
  Record record;
  record.step = step;
  record.site = site;
  record.phase = phase;
  record.position = site;
  record.tensor.count = 64;
  record.tensor.min = -3 * size;
  record.tensor.max = 3 * size;
  record.tensor.mean_square = size * size;
  record.tensor.aux = 1;
  return record;
}

}  // namespace

HugeRun::HugeRun(std::size_t layers) : layers_(layers) {
  for (std::size_t i = 0; i < layers; ++i) {
    trace::Site site;
    site.layer = "model.blocks." + std::to_string(i / 10) + ".mlp." + std::to_string(i % 10);
    site.layer_owns = true;
    site.module_type = "Linear";
    site.operation = "aten::linear";
    site.op_class = trace::OpClass::linear;
    site.shape = {32, 64};
    catalog_.add(site);
    site.operation = "aten::relu";
    site.layer_owns = false;
    site.op_class = trace::OpClass::rectifier;
    catalog_.add(site);
    site.operation.clear();
    site.layer_owns = true;
    site.parameter = "weight";
    site.op_class = trace::OpClass::parameter;
    catalog_.add(site);
  }
}

std::uint64_t HugeRun::observe(std::uint64_t count, std::uint64_t apart) {
  std::uint64_t pushed = 0;
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < count; ++i, steps_ += apart) {
    records.clear();
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      const auto site = static_cast<std::uint32_t>(1 + kSites * layer);
      const double place = static_cast<double>(layer) / static_cast<double>(layers_);
      const double size = std::exp(-6 * place) * (1 + 0.3 * std::sin(static_cast<double>(i) + 40 * place));
      records.push_back(tensor(steps_, site, Phase::forward, 1 + size));
      Record& rectifier = records.emplace_back(tensor(steps_, site + 1, Phase::forward, size));
      rectifier.tensor.units = 64;
      rectifier.tensor.dead_units = static_cast<std::uint32_t>(20 * place);
      records.push_back(tensor(steps_, site, Phase::backward, size * 0.01));
      records.push_back(tensor(steps_, site + 2, Phase::gradient, size * 0.001));
      records.push_back(tensor(steps_, site + 2, Phase::weight, 0.1 + size));
      records.push_back(tensor(steps_, site + 2, Phase::update, 0.002 * size));
    }
    Record end;
    end.kind = RecordKind::step_end;
    end.step = steps_;
    end.flags = trace::kObservedInFull;
    end.facts = {};
    records.push_back(end);
    builder_.consume(records);
    pushed += records.size();
  }
  return pushed;
}

Report HugeRun::report(std::uint64_t count, std::uint64_t apart) {
  observe(count, apart);
  Report report;
  report.context.monitor = "huge";
  report.context.sonde_version = "0.1.0";
  report.context.first_loss = report.context.last_loss = std::numeric_limits<double>::quiet_NaN();
  report.context.layers = layers_;
  report.context.steps = steps_;
  report.context.observed_steps = count;
  report.timeline = timeline();
  Finding finding;
  finding.severity = Severity::warning;
  finding.origin.kind = "vanishing-gradient";
  finding.origin.where.layer = report.timeline.layers[2 * layers_ / 3].path;
  finding.origin.where.phase = Phase::backward;
  finding.origin.step = steps_ / 2;
  finding.origin.message = "the gradient at this layer is 1e-9 of that at the prediction";
  finding.causes = {
      {Cause::wrong_activation, 0.8, finding.origin.where, {}, "use an activation that keeps the gradient"}};
  report.findings = {finding};
  return report;
}

}  // namespace sonde::testing
