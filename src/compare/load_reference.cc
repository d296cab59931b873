#include <filesystem>
#include <string>

#include <sonde/compare.h>

#include "compare/dump_subject.h"
#include "compare/onnx_subject.h"
#include "compare/torchscript_subject.h"
#include "formats/file.h"
#include "formats/onnx.h"
#include "formats/zip.h"

namespace sonde::compare {

Model load_reference(const std::string& path) {
  const std::filesystem::path file(path);
  std::error_code error;
  if (!std::filesystem::exists(file, error)) throw CompareError(path + ": there is no such file");
  const std::string extension = file.extension().string();
  if (std::filesystem::is_directory(file, error) || extension == ".npz" || extension == ".safetensors")
    return load_dump(path);
  if (extension == ".onnx") return load_onnx(path);
  if (extension == ".pt" || extension == ".pth" || extension == ".ts") return load_torchscript(path);
  try {
    const formats::Bytes bytes = formats::map_file(file);
    if (formats::is_zip(bytes)) return load_torchscript(path);
    if (formats::onnx::is_onnx(bytes)) return load_onnx(path);
  } catch (const formats::FormatError& unreadable) { throw CompareError(unreadable.what()); }
  throw CompareError(path +
                     ": got a file that is no model, wanted TorchScript (.pt, .pth, .ts), ONNX (.onnx), or dumped " +
                     "activations (.npz, .safetensors, or a folder of .npy files)");
}

}  // namespace sonde::compare
