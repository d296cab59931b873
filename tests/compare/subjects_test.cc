#include "compare/subject.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/torch.h>

#include "compare/tensors.h"
#include "sample_files.h"

namespace sonde::compare {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Subjects : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              ("subjects_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return (folder_ / name).string();
  }
  static std::string refused(const std::string& path) {
    try {
      (void)load_reference(path);
    } catch (const CompareError& error) { return error.what(); }
    return {};
  }
  static std::vector<std::string> dumped(const std::string& path) {
    std::vector<std::string> names;
    for (const DumpedTensor& one : load_reference(path).subject().dumps()) names.push_back(one.name);
    return names;
  }

  fs::path folder_;
};

torch::jit::Module script() {
  torch::jit::Module norm("norm");
  norm.register_parameter("weight", torch::ones({3}), false);
  norm.register_buffer("mean", torch::zeros({3}));
  torch::jit::Module module("model");
  module.register_parameter("w", torch::tensor({1.0F, 2.0F, 3.0F}), false);
  module.register_module("norm", norm);
  module.define("def forward(self, x):\n    return x * self.w + self.norm.weight\n");
  return module;
}

TEST_F(Subjects, TorchScriptStoresTensorsWithTheirPathsAndRuns) {
  const std::string path = (folder_ / "model.pt").string();
  script().save(path);
  const Model model = load_reference(path);
  std::vector<std::string> names;
  for (const StoredTensor& one : model.subject().stored()) names.push_back(one.name + (one.buffer ? " (buffer)" : ""));
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("w", "norm.weight", "norm.mean (buffer)"));
  EXPECT_TRUE(at::equal(model.subject().run({torch::ones({3})}).toTensor(), torch::tensor({2.0F, 3.0F, 4.0F})));
}

TEST_F(Subjects, TorchScriptLeavesTheOptimizationAsItWas) {
  const Model model = of(script(), "model");
  for (const bool before : {true, false}) {
    torch::jit::setGraphExecutorOptimize(before);
    (void)model.subject().run({torch::ones({3})});
    EXPECT_EQ(torch::jit::getGraphExecutorOptimize(), before);
    EXPECT_THROW((void)model.subject().run({}), std::exception);
    EXPECT_EQ(torch::jit::getGraphExecutorOptimize(), before);
  }
  torch::jit::setGraphExecutorOptimize(true);
}

TEST_F(Subjects, SaysWhatToDoWithAStateDict) {
  // What torch.save writes: a zip archive with a pickle and no code.
  const std::string path =
      file("weights.pth", formats::zip({{"weights/data.pkl", "x"}, {"weights/data/0", "y"}}, false));
  EXPECT_THAT(refused(path),
              ::testing::AllOf(HasSubstr("a state dict"), HasSubstr("torch.jit.script(model).save(path)")));
  EXPECT_THAT(refused(file("old.pt", "\x80\x02pickle")), HasSubstr("got no zip archive"));
}

TEST_F(Subjects, ReadsOnnx) {
  const Model model = load_reference(file("model.onnx", formats::onnx_with_tensor({.dims = {2}, .floats = {1, 2}})));
  EXPECT_TRUE(model.subject().runs());
  EXPECT_THAT(refused(file("bad.onnx", "no model")), HasSubstr("bad.onnx: got damaged protocol buffers"));
}

TEST_F(Subjects, DumpsComeInTheOrderOfTheirNumbers) {
  const std::string array = formats::sample_npy();
  EXPECT_THAT(
      dumped(file("a.npz", formats::zip({{"conv_10.npy", array}, {"conv_9.npy", array}, {"bn_2.npy", array}}, true))),
      ElementsAre("bn_2", "conv_9", "conv_10"));
  EXPECT_THAT(dumped(file("b.npz", formats::zip({{"layer1.conv2.npy", array}, {"layer1.conv1.npy", array}}, true))),
              ElementsAre("layer1.conv1", "layer1.conv2"));
}

TEST_F(Subjects, DumpsWithoutNumbersComeAsTheArchiveHasThem) {
  const std::string array = formats::sample_npy();
  EXPECT_THAT(dumped(file("a.npz", formats::zip({{"z.npy", array}, {"a.npy", array}}, false))), ElementsAre("z", "a"));
  EXPECT_THAT(dumped(file("a.safetensors", formats::sample_safetensors())), ElementsAre("a", "b"));
}

TEST_F(Subjects, ReadsAFolderOfArrays) {
  (void)file("10_relu.npy", formats::sample_npy());
  (void)file("9_conv.npy", formats::sample_npy());
  (void)file("notes.txt", "");
  const Model model = load_reference(folder_.string());
  EXPECT_THAT(dumped(folder_.string()), ElementsAre("9_conv", "10_relu"));
  EXPECT_FALSE(model.subject().runs());
  EXPECT_TRUE(at::equal(model.subject().dumps()[0].tensor, torch::arange(6, torch::kFloat).reshape({2, 3})));
}

TEST_F(Subjects, RefusesWhatIsNoModel) {
  EXPECT_THAT(refused((folder_ / "absent.pt").string()), HasSubstr("there is no such file"));
  EXPECT_THAT(refused(file("model.bin", "what is this")), HasSubstr("wanted TorchScript"));
  EXPECT_THAT(refused(folder_.string()), HasSubstr("got no arrays"));
}

TEST_F(Subjects, GoesByTheContentWhereTheNameDoesNotTell) {
  const std::string path = (folder_ / "model.bin").string();
  script().save(path);
  EXPECT_TRUE(load_reference(path).subject().runs());
}

TEST_F(Subjects, WidensUnsignedIntegers) {
  const auto tensor = [](formats::DType dtype, const std::string& bytes) {
    return to_tensor({.name = "t", .dtype = dtype, .shape = {1}, .bytes = formats::Bytes::own(bytes)});
  };
  EXPECT_EQ(tensor(formats::DType::uint16, "\xff\xff").item<std::int64_t>(), 65535);
  EXPECT_EQ(tensor(formats::DType::uint32, "\xff\xff\xff\xff").item<std::int64_t>(), 4294967295);
  EXPECT_THROW(tensor(formats::DType::uint64, "\xff\xff\xff\xff\xff\xff\xff\xff"), CompareError);
}

}  // namespace
}  // namespace sonde::compare
