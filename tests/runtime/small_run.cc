#include "small_run.h"

#include <cmath>
#include <limits>

namespace sonde::runtime {

using trace::Record;
using trace::RecordKind;

Options polled() {
  Options options;
  options.name = "test";
  options.background = false;
  return options;
}

trace::Site layer(const std::string& name) {
  trace::Site site;
  site.layer = name;
  site.layer_owns = true;
  site.module_type = "Linear";
  site.operation = "aten::addmm";
  site.op_class = trace::OpClass::linear;
  site.frames = {0x1000, 0x2000};
  return site;
}

void push_step(Session& session, std::uint32_t site, std::uint64_t step, bool bad, bool skipped) {
  Producer& producer = session.producer_for_this_thread();
  const double loss = bad ? std::numeric_limits<double>::quiet_NaN() : 2.0 / (1.0 + 0.1 * static_cast<double>(step));
  Record record;
  record.step = step;
  record.flags = trace::kObservedInFull;
  record.kind = RecordKind::step_begin;
  record.facts = {};
  record.facts.loss = loss;
  record.facts.learning_rate = 0.1;
  record.facts.step_nanoseconds = 1'000'000;
  record.facts.monitor_nanoseconds = 10'000;
  record.facts.backwards = record.facts.applied = record.facts.weights_changed = record.facts.gradients_cleared = 1;
  record.facts.training_mode = 1;
  record.facts.non_finite_loss = bad ? 1 : 0;
  producer.push(record);
  Record tensor;
  tensor.step = step;
  tensor.site = site;
  tensor.position = 1;
  tensor.tensor.count = 64;
  tensor.tensor.nan = bad ? 64 : 0;
  tensor.tensor.min = -1 + 0.001 * std::sin(static_cast<double>(step));
  tensor.tensor.max = 1;
  tensor.tensor.mean_square = 0.3;
  tensor.tensor.aux = std::numeric_limits<double>::quiet_NaN();
  producer.push(tensor);
  Record end = record;
  end.kind = RecordKind::step_end;
  end.facts.applied = skipped ? 0 : 1;
  producer.push(end);
  session.end_step(producer);
}

void train(Session& session, bool sick) {
  const auto site = session.catalog().add(layer("fc"));
  for (std::uint64_t step = 0; step < 40; ++step) push_step(session, site, step, sick && step >= 30);
}

}  // namespace sonde::runtime
