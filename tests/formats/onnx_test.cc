#include "formats/onnx.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "complaint.h"
#include "formats/onnx_functions.h"
#include "sample_files.h"

namespace sonde::formats::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model read(const std::string& bytes) { return read_onnx(Bytes::own(bytes), {}); }

std::string refused(const std::string& bytes, const fs::path& folder = {}) {
  return complaint([&](const Bytes& file) { return read_onnx(file, folder); }, bytes);
}

// A folder for one test, with a file of 16 bytes beside the model.
class ExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "model");
    std::ofstream(folder_ / "model" / "weights.bin") << bytes_of(std::vector<float>{1, 2, 3, 4});
    std::ofstream(folder_ / "secret.bin") << bytes_of(std::vector<float>{1, 2, 3, 4});
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string of(const std::string& location, const std::string& offset = "8") const {
    return onnx_with_tensor({.dims = {2}, .external = {{"location", location}, {"offset", offset}, {"length", "8"}}});
  }
  [[nodiscard]] std::string refused_at(const std::string& location, const std::string& offset = "8") const {
    return refused(of(location, offset), folder_ / "model");
  }

  fs::path folder_;
};

TEST(Onnx, ReadsTheGraph) {
  const Model model = read(sample_onnx());
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.producer, "sonde");
  ASSERT_EQ(model.operator_sets.size(), 1);
  EXPECT_EQ(model.operator_sets[0].version, 17);
  ASSERT_EQ(model.graph.nodes.size(), 2);
  EXPECT_EQ(model.graph.nodes[0].operation, "Gemm");
  EXPECT_THAT(model.graph.nodes[0].inputs, ElementsAre("x", "w", "b"));
  ASSERT_EQ(model.graph.nodes[0].attributes.size(), 1);
  EXPECT_EQ(model.graph.nodes[0].attributes[0].real, 0.5F);
  ASSERT_EQ(model.graph.inputs.size(), 1);
  EXPECT_EQ(model.graph.inputs[0].dtype, DType::float32);
  EXPECT_THAT(*model.graph.inputs[0].shape, ElementsAre(-1, 2));
}

TEST(Onnx, ReadsSubgraphs) {
  const Model model = read(sample_onnx());
  const Attribute& branch = model.graph.nodes[1].attributes.at(0);
  EXPECT_EQ(branch.kind, Attribute::Kind::graph);
  ASSERT_EQ(branch.graphs.size(), 1);
  EXPECT_EQ(branch.graphs[0].nodes.at(0).operation, "Relu");
}

TEST(Onnx, ReadsRawAndTypedTensors) {
  const Model model = read(sample_onnx());
  ASSERT_EQ(model.graph.initializers.size(), 2);
  EXPECT_THAT(values<float>(model.graph.initializers[0]), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(values<float>(model.graph.initializers[1]), ElementsAre(5, 6));
}

TEST(Onnx, ReadsNarrowElementsFromTheirWideField) {
  const auto bytes = [](std::int32_t type) {
    return read(onnx_with_tensor({.data_type = type, .dims = {3}, .int32s = {1, -1, 300}})).graph.initializers.at(0);
  };
  EXPECT_THAT(values<std::int8_t>(bytes(3)), ElementsAre(1, -1, 44));
  EXPECT_THAT(values<std::int16_t>(bytes(5)), ElementsAre(1, -1, 300));
  EXPECT_THAT(values<std::int32_t>(bytes(6)), ElementsAre(1, -1, 300));
  EXPECT_THAT(values<std::uint16_t>(bytes(10)), ElementsAre(1, 0xffff, 300));  // bits of half
}

TEST(Onnx, UnpacksFourBitIntegers) {
  const auto of = [](std::int32_t type) {
    return read(onnx_with_tensor({.data_type = type, .dims = {3}, .raw = std::string("\x8f\x07", 2)}))
        .graph.initializers.at(0);
  };
  EXPECT_THAT(values<std::int8_t>(of(22)), ElementsAre(-1, -8, 7));
  EXPECT_THAT(values<std::uint8_t>(of(21)), ElementsAre(15, 8, 7));
}

TEST(Onnx, RefusesTensorsWhoseSizesDoNotAgree) {
  EXPECT_EQ(refused(onnx_with_tensor({.dims = {3}, .floats = {1, 2}})),
            "tensor \"t\": an array of shape (3) and type float32 has 12 bytes, but 8 are there");
  EXPECT_THAT(refused(onnx_with_tensor({.dims = {-1}})), HasSubstr("negative size"));
  EXPECT_THAT(refused(onnx_with_tensor({.dims = {1LL << 40, 1LL << 40}})), HasSubstr("beyond any memory"));
  EXPECT_THAT(refused(onnx_with_tensor({.data_type = 8, .dims = {1}})), HasSubstr("ONNX's type 8"));
}

TEST(Onnx, RefusesGraphsNestedWithoutEnd) {
  EXPECT_EQ(refused(nested_onnx(20)), "");
  EXPECT_THAT(refused(nested_onnx(5000)), HasSubstr("deeper than"));
}

TEST(Onnx, RefusesWhatIsNoModel) {
  EXPECT_EQ(refused(""), "got no graph, wanted an ONNX model");
  EXPECT_THAT(refused("hello, this is no model"), HasSubstr("damaged protocol buffers"));
  EXPECT_FALSE(is_onnx(Bytes::borrow("hello, this is no model")));
  EXPECT_TRUE(is_onnx(Bytes::own(sample_onnx())));
}

TEST(Onnx, ReadsOrRefusesAModelThatIsCut) {
  const std::string file = sample_onnx();
  for (std::size_t size = 0; size < file.size(); ++size) EXPECT_NE(refused(file.substr(0, size)), "") << size;
}

// y = Twice(x), whose body is Add(in, in) and LeakyRelu with the slope of the call.
Model with_function() {
  Attribute slope;
  slope.name = "alpha";
  slope.refers_to = "slope";
  Function twice{.name = "Twice", .domain = "ours", .inputs = {"in"}, .outputs = {"out"}};
  twice.nodes = {{.operation = "Add", .inputs = {"in", "in"}, .outputs = {"sum"}},
                 {.operation = "LeakyRelu", .inputs = {"sum"}, .outputs = {"out"}, .attributes = {slope}}};
  Model model;
  model.functions = {twice};
  Attribute given;
  given.name = "slope";
  given.kind = Attribute::Kind::real;
  given.real = 0.5F;
  model.graph.nodes = {
      {.name = "a", .operation = "Twice", .domain = "ours", .inputs = {"x"}, .outputs = {"h"}, .attributes = {given}},
      {.name = "b", .operation = "Twice", .domain = "ours", .inputs = {"h"}, .outputs = {"y"}}};
  return model;
}

TEST(Onnx, PutsFunctionsWhereTheyAreCalled) {
  Model model = with_function();
  inline_functions(model);
  const std::vector<Node>& nodes = model.graph.nodes;
  ASSERT_EQ(nodes.size(), 4);
  EXPECT_THAT(nodes[0].inputs, ElementsAre("x", "x"));
  EXPECT_EQ(nodes[0].outputs, nodes[1].inputs);
  EXPECT_THAT(nodes[1].outputs, ElementsAre("h"));
  EXPECT_THAT(nodes[3].outputs, ElementsAre("y"));
  EXPECT_NE(nodes[0].outputs, nodes[2].outputs);
  ASSERT_EQ(nodes[1].attributes.size(), 1);
  EXPECT_EQ(nodes[1].attributes[0].name, "alpha");
  EXPECT_EQ(nodes[1].attributes[0].real, 0.5F);
  EXPECT_TRUE(nodes[3].attributes.empty());  // not given: the operator's default
}

TEST(Onnx, RefusesAFunctionThatCallsItself) {
  Model model = with_function();
  model.functions[0].nodes[0] = model.graph.nodes[0];
  EXPECT_THROW(inline_functions(model), FormatError);
}

TEST_F(ExternalData, IsReadFromTheFolderOfTheModel) {
  const Model model = read_onnx(Bytes::own(of("weights.bin")), folder_ / "model");
  EXPECT_THAT(values<float>(model.graph.initializers.at(0)), ElementsAre(3, 4));
  EXPECT_EQ(refused_at("./weights.bin"), "");
}

TEST_F(ExternalData, IsReadFromNowhereElse) {
  EXPECT_THAT(refused_at("../secret.bin"), HasSubstr("wanted a file in the model's folder"));
  EXPECT_THAT(refused_at((folder_ / "secret.bin").string()), HasSubstr("wanted a file in the model's folder"));
  fs::create_symlink(folder_ / "secret.bin", folder_ / "model" / "link.bin");
  EXPECT_THAT(refused_at("link.bin"), HasSubstr("wanted a file in the model's folder"));
  EXPECT_THAT(refused(of("weights.bin")), HasSubstr("and the model in none"));
}

TEST_F(ExternalData, IsRefusedBeyondTheEndOfItsFile) {
  EXPECT_THAT(refused_at("weights.bin", "9"), HasSubstr("8 bytes from byte 9 of \"weights.bin\", which has 16"));
  EXPECT_THAT(refused_at("weights.bin", "18446744073709551615"), HasSubstr("which has 16"));
  EXPECT_THAT(refused_at("weights.bin", "-1"), HasSubstr("wanted a number"));
  EXPECT_THAT(refused_at("absent.bin"), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace sonde::formats::onnx
