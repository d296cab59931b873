#include "observation.h"

#include <algorithm>
#include <sstream>

#include <sonde/sonde.h>

#include "monitor/inspect.h"

namespace sonde::attribution {

bool is_one_of(std::string_view name, std::string_view names) {
  if (names.empty()) return true;
  while (true) {
    const auto bar = names.find('|');
    if (name == names.substr(0, bar)) return true;
    if (bar == std::string_view::npos) return false;
    names.remove_prefix(bar + 1);
  }
}

std::vector<Seen> Observation::select(const std::function<bool(const Seen&)>& keep) const {
  std::vector<Seen> chosen;
  std::copy_if(tensors.begin(), tensors.end(), std::back_inserter(chosen), keep);
  return chosen;
}

std::vector<Seen> Observation::forward(std::uint64_t step, std::string_view operation) const {
  return select([&](const Seen& seen) {
    return seen.step == step && (seen.phase == Phase::forward || seen.phase == Phase::loss) &&
           is_one_of(seen.site.operation, operation);
  });
}

std::vector<Seen> Observation::forward(std::uint64_t step) const { return forward(step, ""); }

std::string Observation::text(std::uint64_t step) const {
  std::ostringstream out;
  for (const auto& seen : tensors) {
    if (seen.step != step) continue;
    out << to_string(seen.phase) << ':' << seen.site.operation << seen.site.parameter
        << (seen.site.layer_owns ? '@' : '~') << seen.site.layer << ' ';
  }
  return out.str();
}

Observation observe_with(torch::optim::Optimizer& optimizer, const std::shared_ptr<torch::nn::Module>& model,
                         const Step& step, int steps, const std::function<void()>& between) {
  Options options;
  options.every_step = true;
  options.background = false;
  Monitor monitor(model, optimizer, options);
  const monitor::Inspector inspector(monitor);
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    monitor.backward(step());
    optimizer.step();
    if (between) between();
  }
  monitor.poll();
  Observation observation;
  observation.program = inspector.catalog().program();
  for (const auto& record : inspector.records()) {
    if (record.kind != trace::RecordKind::tensor) continue;
    observation.tensors.push_back({inspector.catalog().site(record.site), record.phase, record.step, record.position,
                                   record.flags, record.tensor});
  }
  return observation;
}

Observation observe(const std::shared_ptr<torch::nn::Module>& model, const Step& step, int steps,
                    const std::function<void()>& between) {
  torch::optim::SGD optimizer(model->parameters(), 0.01);
  return observe_with(optimizer, model, step, steps, between);
}

at::Tensor noise(at::IntArrayRef shape) {
  auto tensor = torch::empty(shape);
  std::uint32_t state = 99;
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    tensor.data_ptr<float>()[i] = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1.0f;
  }
  return tensor;
}

double mean_square(const at::Tensor& tensor) {
  return tensor.detach().to(torch::kDouble).square().mean().item<double>();
}

}  // namespace sonde::attribution
