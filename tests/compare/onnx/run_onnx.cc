// Runs ONNX models as a comparison does.
//
//   run_onnx LIST
//
// Each line of LIST is a model, how many inputs there are and a prefix: PREFIX_in0.npy ... are its inputs, PREFIX_out0.npy ...
// are written. Prints a line a model: "ok N" with the number of outputs, or "error" and why.
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include <sonde/compare.h>
#include <torch/torch.h>

#include "compare/subject.h"
#include "compare/tensors.h"
#include "formats/file.h"
#include "formats/npy.h"

namespace {

const char* descr_of(at::ScalarType type) {
  switch (type) {
    case at::kBool:
      return "|b1";
    case at::kByte:
      return "|u1";
    case at::kChar:
      return "|i1";
    case at::kShort:
      return "<i2";
    case at::kInt:
      return "<i4";
    case at::kLong:
      return "<i8";
    case at::kHalf:
      return "<f2";
    case at::kBFloat16:
      return "<V2";
    case at::kDouble:
      return "<f8";
    default:
      return "<f4";
  }
}

void write_npy(const std::string& path, const at::Tensor& given) {
  const at::Tensor tensor = given.contiguous();
  std::ostringstream header;
  header << "{'descr': '" << descr_of(tensor.scalar_type()) << "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t size : tensor.sizes()) header << size << ", ";
  header << ")}\n";
  const std::string text = header.str();
  const auto length = static_cast<std::uint16_t>(text.size());
  std::ofstream out(path, std::ios::binary);
  out.write("\x93NUMPY\x01\x00", 8).write(reinterpret_cast<const char*>(&length), 2) << text;
  out.write(static_cast<const char*>(tensor.data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
}

std::size_t run(const std::string& path, int inputs, const std::string& prefix) {
  const sonde::compare::Model model = sonde::compare::load_reference(path);
  sonde::compare::Inputs arguments;
  for (int i = 0; i < inputs; ++i) {
    const std::string file = prefix + "_in" + std::to_string(i) + ".npy";
    arguments.push_back(sonde::compare::to_tensor(sonde::formats::read_file(file, sonde::formats::read_npy)));
  }
  const torch::NoGradGuard no_gradients;
  const c10::IValue given = model.subject().run(arguments);
  std::vector<at::Tensor> outputs;
  if (given.isTensor()) {
    outputs = {given.toTensor()};
  } else {
    for (const c10::IValue& one : given.toTupleRef().elements()) outputs.push_back(one.toTensor());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) write_npy(prefix + "_out" + std::to_string(i) + ".npy", outputs[i]);
  return outputs.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: run_onnx LIST\n";
    return 2;
  }
  std::ifstream list(argv[1]);
  std::string model;
  std::string prefix;
  for (int inputs = 0; list >> model >> inputs >> prefix;) {
    try {
      const std::size_t outputs = run(model, inputs, prefix);
      std::cout << "ok " << outputs << std::endl;
    } catch (const std::exception& error) {
      std::string what = error.what();
      std::cout << "error " << what.substr(0, what.find('\n')) << std::endl;
    }
  }
}
