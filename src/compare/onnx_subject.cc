#include "compare/onnx_subject.h"

#include <filesystem>
#include <memory>
#include <tuple>
#include <utility>

#include "compare/onnx/runner.h"
#include "compare/subject.h"
#include "formats/file.h"
#include "formats/onnx.h"
#include "formats/onnx_functions.h"

namespace sonde::compare {
namespace {

class OnnxSubject final : public Subject {
 public:
  OnnxSubject(std::string name, formats::onnx::Model model) : Subject(std::move(name)), runner_(std::move(model)) {}

  [[nodiscard]] std::vector<StoredTensor> stored() const override { return runner_.stored(); }

  [[nodiscard]] c10::IValue run(const Inputs& inputs) override {
    onnx::Tensors outputs = runner_.run(inputs);
    if (outputs.size() == 1) return outputs[0];
    std::vector<c10::IValue> all(outputs.begin(), outputs.end());
    return c10::ivalue::Tuple::create(std::move(all));
  }

 private:
  onnx::Runner runner_;
};

}  // namespace

Model load_onnx(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  try {
    auto model = formats::read_file(path, [&folder](const formats::Bytes& file) {
      formats::onnx::Model model = formats::onnx::read_onnx(file, folder.empty() ? "." : folder);
      formats::onnx::inline_functions(model);
      return model;
    });
    return Model(std::make_shared<OnnxSubject>(path, std::move(model)));
  } catch (const formats::FormatError& error) { throw CompareError(error.what()); } catch (const CompareError& error) {
    throw CompareError(path + ": " + error.what());
  }
}

}  // namespace sonde::compare
