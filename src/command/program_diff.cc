#include "command/program_diff.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/text.h"

namespace sonde::command {
namespace {

using Facts = std::map<std::string, std::string>;  // what, and how it is

trace::Program program_of(const trace::Trace& trace) {
  return trace.programs.empty() ? trace::Program{} : trace.programs.back().program;
}

std::string number(double value) { return fmt::format("{:g}", value); }

Facts settings(const trace::Program& program, const Course& course) {
  constexpr const char* kReductions[] = {"none", "mean", "sum"};
  Facts facts;
  const auto set = [&facts](const char* what, const std::string& how) {
    if (!how.empty()) facts[what] = report::clean(how);
  };
  set("device", program.device);
  set("LibTorch", program.torch_version);
  set("loss", program.loss_operation);
  if (program.loss_reduction >= 0 && program.loss_reduction < 3) {
    set("reduction of the loss", kReductions[program.loss_reduction]);
  }
  set("shape of the prediction", fmt::format("{}", program.prediction_shape));
  set("task told", program.told_task);
  set("optimizer", program.optimizer);
  if (!program.optimizer.empty()) {
    set("momentum", number(program.momentum));
    set("weight decay", number(program.weight_decay));
  }
  if (program.groups.size() > 1) {
    for (std::size_t i = 0; i < program.groups.size(); ++i) {
      const OptimizerGroup& group = program.groups[i];
      facts[fmt::format("parameter group {}", i + 1)] =
          fmt::format("lr {}, momentum {}, weight decay {}, {}", number(group.learning_rate), number(group.momentum),
                      number(group.weight_decay), report::counted(group.parameters.size(), "parameter"));
    }
  }
  if (course.batch_size > 0) facts["batch size"] = std::to_string(course.batch_size);
  return facts;
}

Facts layers(const trace::Program& program) {
  Facts facts;
  for (const ModuleFacts& module : program.modules) {
    if (module.path.empty()) continue;
    facts["layer " + report::clean(module.path)] =
        report::clean(module.type) + (module.training ? "" : ", in evaluation mode");
  }
  return facts;
}

Facts parameters(const trace::Trace& trace) {
  Facts facts;
  for (const trace::Site& site : trace.sites) {
    if (site.op_class != trace::OpClass::parameter) continue;
    const std::string name = site.layer.empty() ? site.parameter : site.layer + "." + site.parameter;
    facts.emplace("parameter " + report::clean(name), fmt::format("{} {}", site.shape, report::clean(site.dtype)));
  }
  return facts;
}

void compare(const Facts& a, const Facts& b, std::vector<Unlike>& unlike) {
  for (const auto& [what, how] : a) {
    const auto found = b.find(what);
    if (found == b.end()) {
      unlike.push_back({what, how, "-"});
    } else if (found->second != how) {
      unlike.push_back({what, how, found->second});
    }
  }
  for (const auto& [what, how] : b) {
    if (!a.contains(what)) unlike.push_back({what, "-", how});
  }
}

// The first step on which both rates are known and differ.
void compare_rates(const Line& a, const Line& b, std::vector<Unlike>& unlike) {
  auto in_b = b.samples.begin();
  for (const Sample& sample : a.samples) {
    while (in_b != b.samples.end() && in_b->step < sample.step) ++in_b;
    if (in_b == b.samples.end()) return;
    if (in_b->step != sample.step || in_b->bits == sample.bits) continue;
    unlike.push_back(
        {fmt::format("learning rate from step {} on", sample.step), number(sample.value), number(in_b->value)});
    return;
  }
}

}  // namespace

std::vector<Unlike> unlike_programs(const trace::Trace& a, const trace::Trace& b, const Course& course_a,
                                    const Course& course_b) {
  const trace::Program program_a = program_of(a);
  const trace::Program program_b = program_of(b);
  std::vector<Unlike> unlike;
  compare(layers(program_a), layers(program_b), unlike);
  compare(parameters(a), parameters(b), unlike);
  compare(settings(program_a, course_a), settings(program_b, course_b), unlike);
  compare_rates(course_a.learning_rate, course_b.learning_rate, unlike);
  return unlike;
}

}  // namespace sonde::command
