// Expectations for GoogleTest. Header-only: the library does not link with GoogleTest, the including program does.
//
//   TEST(Net, Trains) {
//     Net net;
//     EXPECT_TRAINS(net, [&] { return torch::mse_loss(net.forward(x), y); });
//   }
//   TEST(Loop, IsHealthy) { EXPECT_NO_FINDINGS(train(10)); }
//   TEST(Loop, FaultIsFound) { EXPECT_FINDING(train_with_fault(), sonde::Cause::log_of_zero, "head.log"); }
//
// All are non-fatal, take `<< "more text"`, and show the report when they fail.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sonde/preflight.h>
#include <sonde/report.h>
#include <torch/nn/module.h>
#include <torch/optim/adam.h>

namespace sonde::expectations {

inline std::string text_of(const Report& report) {
  std::ostringstream text;
  for (const auto& finding : report.findings) {
    const auto& where = finding.origin.where;
    text << to_string(finding.severity) << " "
         << to_string(finding.causes.empty() ? Cause::unknown : finding.causes[0].cause) << " in "
         << (where.layer.empty() ? where.part : where.layer) << " (" << where.operation
         << "): " << finding.origin.message << "\n";
  }
  report.print(text);
  return text.str();
}

// Findings of severity `at_least` or above; advice alone is no failure.
inline ::testing::AssertionResult no_findings(const Report& report, Severity at_least = Severity::warning) {
  if (report.count(at_least) == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "expected no finding of severity " << to_string(at_least)
                                       << " or above, got:\n"
                                       << text_of(report);
}

// True if `place` is the layer, the part ("loss", "data" ...), the operation or the line ("train.cc:41") of `where`.
// An empty `place` is anywhere.
inline bool is_at(const Location& where, std::string_view place) {
  const auto file = where.source.file.substr(where.source.file.rfind('/') + 1);
  return place.empty() || place == where.layer || place == where.part || place == where.operation ||
         place == file + ":" + std::to_string(where.source.line);
}

// A finding of any severity that names `cause` among its causes, with the finding or this cause at `place`.
inline ::testing::AssertionResult finding(const Report& report, Cause cause, std::string_view place) {
  for (const auto& finding : report.findings)
    for (const auto& ranked : finding.causes)
      if (ranked.cause == cause && (is_at(finding.origin.where, place) || is_at(ranked.where, place)))
        return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "expected a finding of " << to_string(cause) << (place.empty() ? "" : " at ")
                                       << place << ", got:\n"
                                       << text_of(report);
}

// Preflight with the experiments that need no input, under an Adam of its own (rate 1e-3): all parameters get a
// gradient, custom gradients are right, one batch can be fitted. Leaves the model as it is. What `forward_and_loss`
// throws goes through.
inline ::testing::AssertionResult trains(const PreflightModel& model,
                                         const std::function<at::Tensor()>& forward_and_loss) {
  std::vector<at::Tensor> parameters;
  if (model.module() != nullptr) parameters = model.module()->parameters();
  for (const auto& [name, tensor] : model.tensors()) parameters.push_back(tensor);
  if (parameters.empty()) return ::testing::AssertionFailure() << "expected a model that trains; it has no parameters";
  torch::optim::Adam optimizer(parameters, torch::optim::AdamOptions(1e-3));
  PreflightOptions options;
  options.monitor.name = "EXPECT_TRAINS";
  options.gradients_arrive = options.fits_one_batch = options.custom_gradients = true;
  return no_findings(preflight(model, forward_and_loss, optimizer, options));
}

}  // namespace sonde::expectations

// The expression comes last, so that a lambda may hold commas.
#define SONDE_EXPECT_(...)                                                                                \
  if (const ::testing::AssertionResult sonde_result = ::sonde::expectations::__VA_ARGS__; sonde_result) { \
  } else                                                                                                  \
    ADD_FAILURE() << sonde_result.message()

#define EXPECT_TRAINS(model, ...) SONDE_EXPECT_(trains(model, __VA_ARGS__))
#define EXPECT_NO_FINDINGS(...) SONDE_EXPECT_(no_findings(__VA_ARGS__))
#define EXPECT_FINDING(report, cause, location) SONDE_EXPECT_(finding(report, cause, location))
