#include <sonde/monitor.h>

#include <stdexcept>

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>

#include "monitor/inspect.h"
#include "monitor/monitor_impl.h"

namespace sonde {
namespace {

monitor::Subject checked(monitor::Subject subject, const std::vector<at::Tensor>& parameters, const char* what) {
  if (parameters.empty())
    throw std::invalid_argument(std::string("sonde: ") + what + " has no parameters; wanted: at least one to watch");
  monitor::require_held(subject.optimizers, parameters, what);
  return subject;
}

monitor::Subject subject_of(torch::nn::Module& model, torch::optim::Optimizer& optimizer) {
  monitor::Subject subject;
  subject.module = &model;
  subject.owner = model.weak_from_this();
  subject.owned = !subject.owner.expired();
  subject.optimizers = {&optimizer};
  return checked(std::move(subject), model.parameters(), "the model");
}

torch::nn::Module& not_null(const std::shared_ptr<torch::nn::Module>& model) {
  if (!model)
    throw std::invalid_argument("sonde: the model is null (an empty module holder?); wanted: a module with parameters");
  return *model;
}

monitor::Subject subject_of(NamedTensors tensors, torch::optim::Optimizer& optimizer) {
  std::vector<at::Tensor> parameters;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      throw std::invalid_argument("sonde: the tensor \"" + name + "\" is undefined; wanted: a tensor that is trained");
    if (name.empty())
      throw std::invalid_argument("sonde: a tensor has an empty name; wanted: a name to show in reports");
    parameters.push_back(tensor);
  }
  monitor::Subject subject;
  subject.tensors = std::move(tensors);
  subject.optimizers = {&optimizer};
  return checked(std::move(subject), parameters, "the list of tensors");
}

}  // namespace

Monitor::Monitor(torch::nn::Module& model, torch::optim::Optimizer& optimizer, Options options)
    : impl_(std::make_unique<Impl>(subject_of(model, optimizer), std::move(options))) {}
Monitor::Monitor(std::shared_ptr<torch::nn::Module> model, torch::optim::Optimizer& optimizer, Options options)
    : Monitor(not_null(model), optimizer, std::move(options)) {}
Monitor::Monitor(NamedTensors parameters, torch::optim::Optimizer& optimizer, Options options)
    : impl_(std::make_unique<Impl>(subject_of(std::move(parameters), optimizer), std::move(options))) {}

Monitor::~Monitor() = default;
Monitor::Monitor(Monitor&&) noexcept = default;
Monitor& Monitor::operator=(Monitor&&) noexcept = default;

[[gnu::hot]] Verdict Monitor::backward(const at::Tensor& loss, bool retain_graph, bool create_graph) {
  return impl_->backward(loss, retain_graph, create_graph, nullptr);
}
Verdict Monitor::backward(const std::function<at::Tensor()>& forward) { return impl_->backward(forward); }
Verdict Monitor::check(const at::Tensor& loss) { return impl_->check(loss); }
Monitor::Pause Monitor::pause() { return impl_->pause(); }
void Monitor::follow(torch::optim::Optimizer& optimizer) { impl_->follow({&optimizer}); }
void Monitor::follow(const std::vector<torch::optim::Optimizer*>& optimizers) { impl_->follow(optimizers); }
void Monitor::metric(std::string_view name, double value, MetricOptions how) { impl_->metric(name, value, how); }
Hooks& Monitor::hooks() { return impl_->hooks(); }
void Monitor::poll() { impl_->session().poll(); }
Report Monitor::report() { return impl_->report_to_user(); }

namespace monitor {

Inspector::Inspector(Monitor& monitor) : monitor_(monitor) { monitor_.impl_->session().keep_records(); }
std::vector<trace::Record> Inspector::records() const { return monitor_.impl_->session().records(); }
const trace::Catalog& Inspector::catalog() const { return monitor_.impl_->session().catalog(); }

}  // namespace monitor
}  // namespace sonde
