#include "comparison_sample.h"

#include <limits>
#include <string>

namespace sonde::report {

using compare::Cause;
using compare::Fault;
using compare::Result;
using compare::Stage;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Fault permuted_columns() {
  Fault fault;
  fault.stage = Stage::parameters;
  fault.cause = Cause::parameter_flatten_order;
  fault.target = {"head.fc", "linear", 31, "head.fc.weight", {"/src/port/net.cpp", "forward", 88}};
  fault.reference = {"classifier", "linear", 31, "classifier.weight", {}};
  fault.message = "its columns are in the order (H, W, C) of (C, H, W) = (64, 7, 7); the reference has (C, H, W)";
  fault.evidence = {"in that order 31360 of 31360 elements are equal; as it is, 20"};
  fault.error = 1.21;
  fault.floor = 1e-6;
  fault.repair = {"permute the columns to the order (C, H, W)", true, true, 5e-7};
  return fault;
}

Fault missing_relu() {
  Fault fault;
  fault.stage = Stage::structure;
  fault.cause = Cause::operation_missing;
  fault.reference = {"layer2.relu", "relu", 12, "", {}};
  fault.message = "the target has no relu after layer2.bn2";
  fault.error = fault.floor = kNan;
  return fault;
}

Fault momentum() {
  Fault fault = wrong_eps();
  fault.message = "momentum is 0.99 in the target, 0.1 in the reference";
  fault.target.name = fault.reference.name = "momentum";
  fault.error = 3e-7;
  fault.visible = false;
  fault.repair = {"set momentum = 0.1", false, false, 0};
  return fault;
}

}  // namespace

Fault wrong_eps() {
  Fault fault;
  fault.stage = Stage::arguments;
  fault.cause = Cause::argument;
  fault.target = {"layer1.0.bn1", "batch_norm", 3, "eps", {"/src/port/net.cpp", "forward", 41}};
  fault.reference = {"layer1.0.bn1", "batch_norm", 3, "eps", {}};
  fault.message = "eps is 0.001 in the target, 1e-05 in the reference";
  fault.error = 2.1e-3;
  fault.floor = 9.13e-7;
  fault.repair = {"set eps = 1e-05", true, true, 7.3e-7};
  return fault;
}

Result alike() {
  Result result;
  result.reference = "resnet.pt";
  result.target = "net";
  result.stages = {{Stage::determinism, true, "both give the same outputs twice"},
                   {Stage::parameters, true, "162 of 162 parameters equal"},
                   {Stage::structure, true, "57 of 57 operations correspond"}};
  result.before = result.after = {8e-7, 9e-7, 64, 0, 0};
  return result;
}

Result faulty() {
  Result result = alike();
  for (const char* layer : {"layer1.0.bn1", "layer1.0.bn2", "layer2.0.bn1"}) {
    Fault fault = wrong_eps();
    fault.target.layer = fault.reference.layer = layer;
    result.faults.push_back(fault);
  }
  result.faults[2].error = 4e-3;
  result.faults.push_back(missing_relu());
  result.faults.push_back(permuted_columns());
  result.faults.push_back(momentum());
  result.first_divergence = 0;
  result.stages[1].summary = "161 of 162 parameters equal";
  result.stages.push_back({Stage::dynamic, false, "the structures differ"});
  result.before = {1.3, 9e-7, 64, 60, 64};
  result.after = {0.02, 9e-7, 64, 3, 10};
  result.not_compared = {{"head.quant", "quantised"}};
  return result;
}

}  // namespace sonde::report
