#include "run_case.h"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace sonde::origins {

namespace {

bool finite(const at::Tensor& tensor) {
  at::NoGradGuard no_grad;
  return !tensor.defined() || torch::isfinite(tensor).all().item<bool>();
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Options options_of(Mode mode) {
  Options options;
  options.background = false;
  if (mode == Mode::closure) {
    options.first_steps = 1;
    options.overhead = 1e-9;
  } else {
    options.every_step = true;
  }
  return options;
}

void backward(Monitor& monitor, Program& program, Mode mode, bool bad) {
  if (mode == Mode::closure && program.loss) {
    monitor.backward([&] { return program.loss(bad); });
    return;
  }
  const auto losses = program.loss ? std::vector{program.loss} : program.losses;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const bool retain = i + 1 < losses.size();
    const auto loss = losses[i](bad);
    if (mode == Mode::check) {
      loss.backward({}, retain);
      monitor.check(loss);
    } else {
      monitor.backward(loss, retain);
    }
  }
}

// The first non-finite symptom: the origin of a finding, else one that was folded into another incident.
const Symptom* first_non_finite(const Report& report) {
  for (const auto& finding : report.findings) {
    if (finding.origin.kind == "non-finite") return &finding.origin;
  }
  for (const auto& finding : report.findings) {
    for (const auto& symptom : finding.followed_by) {
      if (symptom.kind == "non-finite") return &symptom;
    }
  }
  return nullptr;
}

bool names(const std::vector<std::string>& expected, const std::string& operation) {
  return std::any_of(expected.begin(), expected.end(), [&](const std::string& name) {
    return name.front() == '~' ? operation.find(name.substr(1)) != std::string::npos : operation == name;
  });
}

bool right_phase(const Case& test, const Location& where) {
  if (test.phase) return where.phase == *test.phase;
  const bool is_operation = where.operation.find("aten::") == 0;
  if (is_operation && where.phase != Phase::backward)
    return where.phase == Phase::forward || where.phase == Phase::loss;
  // An operation that runs inside a node of the user's, or a node.
  return where.phase == Phase::backward;
}

std::string describe(const Location& where) {
  std::ostringstream out;
  out << to_string(where.phase) << " of " << (where.layer.empty() ? where.part : where.layer) << " (" << where.operation
      << ") " << base_name(where.source.file) << ':' << where.source.line;
  return out.str();
}

}  // namespace

Report train(Program& program, Mode mode, int free_steps) {
  torch::optim::SGD optimizer(program.model->parameters(), program.learning_rate);
  Monitor monitor(program.model, optimizer, options_of(mode));
  const int steps = free_steps > 0 ? free_steps : kSteps;
  for (int step = 0; step < steps; ++step) {
    if (step <= kBadStep) take_marked_lines();
    optimizer.zero_grad();
    try {
      backward(monitor, program, mode, free_steps == 0 && step == kBadStep);
    } catch (const c10::Error&) {
      if (step <= kBadStep) throw;
      break;  // some operations refuse the NaN that the bad step left in the weights
    }
    optimizer.step();
  }
  return monitor.report();
}

Bare train_bare(Program& program, int free_steps) {
  torch::optim::SGD optimizer(program.model->parameters(), program.learning_rate);
  Bare bare{true, true};
  const int last = free_steps > 0 ? free_steps - 1 : kBadStep;
  for (int step = 0; step <= last; ++step) {
    optimizer.zero_grad();
    const bool bad = free_steps == 0 && step == kBadStep;
    const auto losses = program.loss ? std::vector{program.loss} : program.losses;
    bool& healthy = step == last ? bare.healthy_then : bare.healthy_before;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      const auto loss = losses[i](bad);
      healthy = healthy && finite(loss);
      loss.backward({}, i + 1 < losses.size());
    }
    for (const auto& parameter : program.model->parameters()) healthy = healthy && finite(parameter.grad());
    if (free_steps > 0 && !healthy) return {step > 0, false};
    optimizer.step();
  }
  return bare;
}

Judgement judge(const Case& test, const Report& report, const std::vector<SourceLine>& lines) {
  const Symptom* symptom = first_non_finite(report);
  if (!symptom) return {Answer::wrong, "nothing non-finite reported"};
  const auto& where = symptom->where;
  const auto said = describe(where);

  const auto incidents = std::count_if(report.findings.begin(), report.findings.end(),
                                       [](const Finding& finding) { return finding.origin.kind == "non-finite"; });
  if (incidents > 1) return {Answer::wrong, said + ", and more than one incident"};

  const bool any_operation = test.operations.empty();
  if (!any_operation && where.operation.empty()) return {Answer::unknown, said};
  if (!any_operation && !names(test.operations, where.operation)) return {Answer::wrong, said};
  if (!right_phase(test, where)) return {Answer::wrong, said};
  if (!test.layer.empty() && where.layer != test.layer) return {Answer::wrong, said};
  if (!where.source.known()) return {any_operation ? Answer::right : Answer::unknown, said};
  const bool right_line = std::any_of(lines.begin(), lines.end(), [&](const SourceLine& line) {
    return line.line == where.source.line && base_name(line.file) == base_name(where.source.file);
  });
  return {right_line ? Answer::right : Answer::wrong, said};
}

}  // namespace sonde::origins
