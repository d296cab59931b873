// `sonde compare` on files, through both programs.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <nlohmann/json.hpp>

#include "tests/command/shell.h"

namespace sonde::compare {
namespace {

using ::testing::HasSubstr;

// float32 in C order, version 1 of the format.
std::string npy(const at::Tensor& tensor) {
  std::string shape;
  for (const auto size : tensor.sizes()) shape += std::to_string(size) + ",";
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (header.size() + 10) % 64, ' ').append(1, '\n');
  const std::string length{static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  const auto plain = tensor.contiguous();
  return std::string("\x93NUMPY\x01\x00", 8) + length + header +
         std::string(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
}

torch::jit::Module network(double eps, const at::Tensor& weight) {
  torch::jit::Module module("net");
  module.register_parameter("weight", weight.clone(), false);
  module.register_buffer("mean", torch::full({4}, 0.1));
  module.register_buffer("var", torch::full({4}, 0.01));
  module.define(
      "def forward(self, x):\n"
      "  y = torch.relu(torch.conv2d(x, self.weight))\n"
      "  return torch.batch_norm(y, None, None, self.mean, self.var, False, 0.1, " +
      std::to_string(eps) + ", True)\n");
  return module;
}

class CompareCommand : public sonde::testing::Shell {
 protected:
  CompareCommand() {
    torch::manual_seed(4);
    const auto weight = torch::randn({4, 3, 3, 3});
    network(1e-5, weight).save(path("reference.pt"));
    network(1e-5, weight).save(path("same.pt"));
    network(1e-3, weight).save(path("eps.pt"));
    network(1e-5, weight.flip({2, 3})).save(path("flipped.pt"));
    write("x.npy", npy(torch::randn({2, 3, 8, 8})));
    write("y.npy", npy(torch::randn({5, 3, 9, 9})));
  }

  [[nodiscard]] sonde::testing::Outcome compare(const std::string& arguments) const {
    return sonde("compare " + arguments);
  }
};

TEST_F(CompareCommand, EndsWellForEqualModels) {
  const auto outcome = compare("FOLDER/reference.pt FOLDER/same.pt --input FOLDER/x.npy --input FOLDER/y.npy");
  EXPECT_EQ(outcome.status, 0) << outcome.err << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("no faults"));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(CompareCommand, NamesFaultsAndEndsWithOne) {
  auto outcome = compare("FOLDER/reference.pt FOLDER/eps.pt --input FOLDER/x.npy");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("error[argument]"));
  EXPECT_THAT(outcome.out, HasSubstr("eps is 0.001 in the target, 1e-05 in the reference"));
  outcome = compare("FOLDER/reference.pt FOLDER/flipped.pt --input FOLDER/x.npy");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("error[parameter-flipped] weight (conv2d)"));
  EXPECT_EQ(compare("FOLDER/reference.pt FOLDER/eps.pt --input FOLDER/x.npy --times-floor 1e9 --no-repairs").status, 0);
}

TEST_F(CompareCommand, WritesJson) {
  auto outcome = compare("FOLDER/reference.pt FOLDER/eps.pt --input FOLDER/x.npy --json FOLDER/result.json");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("error[argument]"));
  auto json = nlohmann::json::parse(read("result.json"));
  EXPECT_EQ(json["faults"][0]["cause"], "argument");
  outcome = compare("FOLDER/reference.pt FOLDER/eps.pt --input FOLDER/x.npy --json -");
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["faults"][0]["cause"], "argument") << "and nothing else";
}

TEST_F(CompareCommand, OfAChainTellsTheStep) {
  const auto outcome =
      compare("FOLDER/reference.pt FOLDER/same.pt FOLDER/eps.pt --input FOLDER/x.npy --json FOLDER/result.json");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  const auto json = nlohmann::json::parse(read("result.json"));
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["equal"], true);
  EXPECT_EQ(json[1]["equal"], false);
}

TEST_F(CompareCommand, OneAtATimeFindsTheSame) {
  const auto outcome = compare("FOLDER/reference.pt FOLDER/eps.pt --input FOLDER/x.npy --one-at-a-time");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("error[argument]"));
}

TEST_F(CompareCommand, WrongUsageAndUnreadableFilesAreTrouble) {
  const auto complaint = [&](const std::string& arguments) {
    const auto outcome = compare(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    return outcome.err;
  };
  write("garbage.pt", "PK and so on");
  write("garbage.npy", "GIF89a");
  const std::string models = "FOLDER/reference.pt FOLDER/same.pt ";
  EXPECT_THAT(complaint(""), HasSubstr("MODEL"));
  EXPECT_THAT(complaint(models), HasSubstr("--input is required"));
  EXPECT_THAT(complaint("FOLDER/reference.pt --input FOLDER/x.npy"), HasSubstr("MODEL"));
  EXPECT_THAT(complaint("FOLDER/reference.pt FOLDER/none.pt --input FOLDER/x.npy"), HasSubstr("none.pt"));
  EXPECT_THAT(complaint("FOLDER/reference.pt FOLDER/garbage.pt --input FOLDER/x.npy"), HasSubstr("garbage.pt"));
  EXPECT_THAT(complaint(models + "--input FOLDER/none.npy"), HasSubstr("none.npy"));
  EXPECT_THAT(complaint(models + "--input FOLDER/garbage.npy"), HasSubstr("garbage.npy"));
  EXPECT_THAT(complaint(models + "--input FOLDER/x.txt"), HasSubstr("wanted .npz, .npy or .safetensors"));
  EXPECT_THAT(complaint(models + "--input FOLDER/x.npy --times-floor -1"), HasSubstr("times_floor"));
  EXPECT_THAT(complaint(models + "--input FOLDER/x.npy --input FOLDER/y.npy --one-at-a-time"),
              HasSubstr("two models and one input"));
  EXPECT_EQ(compare("--help").status, 0);
  EXPECT_THAT(compare("--help").out, HasSubstr("sonde compare"));
}

}  // namespace
}  // namespace sonde::compare
