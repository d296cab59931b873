#include "compare/dump_subject.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "compare/subject.h"
#include "compare/tensors.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/safetensors.h"

namespace sonde::compare {
namespace {

namespace fs = std::filesystem;
using formats::Array;

class DumpSubject final : public Subject {
 public:
  DumpSubject(std::string name, std::vector<Array> arrays) : Subject(std::move(name)), arrays_(std::move(arrays)) {}

  [[nodiscard]] std::vector<StoredTensor> stored() const override { return {}; }
  [[nodiscard]] bool runs() const override { return false; }
  [[nodiscard]] c10::IValue run(const Inputs&) override {
    throw CompareError(name() + ": got dumped activations, wanted a model that can be run");
  }
  [[nodiscard]] std::vector<DumpedTensor> dumps() const override {
    std::vector<DumpedTensor> result;
    for (const Array& array : arrays_) result.push_back({array.name, to_tensor(array)});
    return result;
  }

 private:
  const std::vector<Array> arrays_;  // as in the file, which stays mapped
};

std::vector<Array> read_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".npy") files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Array> arrays;
  for (const fs::path& file : files) {
    arrays.push_back(formats::read_file(file, formats::read_npy));
    arrays.back().name = file.stem().string();
  }
  return arrays;
}

// The numbers in a name: "layer2.0_conv12" has 2, 0 and 12.
std::vector<std::string> numbers_in(const std::string& name) {
  std::vector<std::string> numbers;
  bool within = false;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !within) numbers.emplace_back();
    if (digit) numbers.back() += c;
    within = digit;
  }
  for (std::string& number : numbers) number.erase(0, std::min(number.find_first_not_of('0'), number.size() - 1));
  return numbers;
}

bool less(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

// The number that counts: no two names have the same at its place. Preferably that at the begin or the end.
bool order_by_number(std::vector<Array>& arrays) {
  const auto all_differ = [&arrays](auto&& number_of) {
    std::set<std::string> seen;
    return std::ranges::all_of(arrays, [&](const Array& one) {
      const std::vector<std::string> numbers = numbers_in(one.name);
      return !numbers.empty() && seen.insert(number_of(numbers)).second;
    });
  };
  const auto first = [](const std::vector<std::string>& numbers) { return numbers.front(); };
  const auto last = [](const std::vector<std::string>& numbers) { return numbers.back(); };
  const auto sort_by = [&arrays](auto&& number_of) {
    std::ranges::stable_sort(arrays, less, [&](const Array& one) { return number_of(numbers_in(one.name)); });
    return true;
  };
  if (all_differ(first)) return sort_by(first);
  return all_differ(last) && sort_by(last);
}

}  // namespace

Model load_dump(const std::string& path) {
  try {
    std::vector<Array> arrays;
    const bool folder = fs::is_directory(path);
    const bool archive = !folder && fs::path(path).extension() == ".npz";
    if (folder) {
      arrays = read_folder(path);
    } else {
      arrays = formats::read_file(path, archive ? formats::read_npz : formats::read_safetensors);
    }
    if (arrays.empty()) throw CompareError(path + ": got no arrays, wanted dumped activations");
    if (!order_by_number(arrays) && !archive) std::ranges::stable_sort(arrays, {}, &Array::name);
    return Model(std::make_shared<DumpSubject>(path, std::move(arrays)));
  } catch (const formats::FormatError& error) {
    throw CompareError(error.what());
  } catch (const fs::filesystem_error& error) {
    throw CompareError(path + ": cannot be read: " + error.code().message());
  }
}

}  // namespace sonde::compare
