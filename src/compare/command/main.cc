// The program sonde-compare: `sonde compare` with LibTorch.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <c10/util/Exception.h>
#include <sonde/compare.h>
#include <CLI/CLI.hpp>

#include "compare/tensors.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/safetensors.h"
#include "report/text.h"
#include "report/whole_file.h"

namespace sonde::compare {
namespace {

// As those of the other subcommands.
constexpr int kFine = 0;
constexpr int kFaults = 1;
constexpr int kTrouble = 2;

struct Choice {
  std::vector<std::string> models;
  std::vector<std::string> inputs;
  std::string json;
  Options options;
  bool no_repairs = false;
  bool one_at_a_time = false;
};

std::vector<formats::Array> arrays_in(const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension == ".npz") return formats::read_file(path, formats::read_npz);
  if (extension == ".npy") return {formats::read_file(path, formats::read_npy)};
  if (extension == ".safetensors") return formats::read_file(path, formats::read_safetensors);
  throw CompareError(path.string() + ": got an input that ends in '" + extension.string() +
                     "', wanted .npz, .npy or .safetensors");
}

// One forward call: its arguments are the arrays of the file, in their order.
Inputs inputs_in(const std::string& path) {
  Inputs inputs;
  for (const formats::Array& array : arrays_in(path)) inputs.push_back(to_tensor(array));
  if (inputs.empty()) throw CompareError(path + ": got no arrays, wanted the arguments of forward()");
  return inputs;
}

// The result of each step, from the first of the models on.
std::vector<Result> results_of(const Choice& choice) {
  std::vector<Inputs> batches;
  for (const std::string& path : choice.inputs) batches.push_back(inputs_in(path));
  const auto loader = [&](std::size_t i) { return [path = choice.models[i]] { return load_reference(path); }; };
  if (choice.one_at_a_time) return {run_one_at_a_time(loader(0), loader(1), batches.front(), choice.options)};
  std::vector<Model> models;
  for (const std::string& path : choice.models) models.push_back(load_reference(path));
  if (models.size() == 2) return {run(models[0], models[1], batches, choice.options)};
  return chain(models, batches, choice.options).steps;
}

void write_json(const Choice& choice, const std::vector<Result>& results) {
  std::string text;
  for (const Result& result : results) text += (text.empty() ? "" : ",\n") + result.to_json();
  if (results.size() > 1) text = "[" + text + "]";
  text += '\n';
  if (choice.json == "-") {
    std::cout << text;
  } else {
    report::write_whole_file(choice.json, text);
  }
}

int compare(const Choice& choice) {
  choice.options.validate();
  const std::vector<Result> results = results_of(choice);
  for (const Result& result : results) {
    if (choice.json == "-") break;
    if (&result != &results.front()) std::cout << '\n';
    result.print(std::cout);
  }
  if (!choice.json.empty()) write_json(choice, results);
  if (!std::cout.flush()) throw std::runtime_error("the output could not be written");
  return std::ranges::all_of(results, &Result::equal) ? kFine : kFaults;
}

int run_command(int argc, char** argv) {
  Choice choice;
  CLI::App app("Find where a converted or ported model goes wrong, why, and the repair.", "sonde compare");
  app.add_option("MODEL", choice.models,
                 "REFERENCE TARGET, or the files of a conversion in several steps: TorchScript (.pt, .pth, .ts), ONNX "
                 "(.onnx); the reference may be dumped activations (.npz, .safetensors, a folder of .npy)")
      ->required()
      ->expected(2, -1);
  app.add_option("--input", choice.inputs,
                 "The arguments of forward(), the arrays of a file in their order (.npz, .npy, .safetensors); given "
                 "again, another batch")
      ->required()
      ->allow_extra_args(false)
      ->type_name("FILE");
  app.add_option("--json", choice.json, "Write the result as JSON, too; - writes it in the place of the text")
      ->type_name("FILE");
  app.add_option("--times-floor", choice.options.times_floor,
                 "An operation is at fault where its error is more than so many times what rounding explains")
      ->capture_default_str();
  app.add_option("--times-floor-reduced", choice.options.times_floor_reduced,
                 "The same for a target in half or bfloat16")
      ->capture_default_str();
  app.add_flag("--no-repairs", choice.no_repairs, "Do not try repairs");
  app.add_flag("--one-at-a-time", choice.one_at_a_time,
               "Load one model at a time, twice: for models that do not fit into memory together");
  app.footer(
      "Exit codes: 0 no fault that shows on the inputs; 1 faults; 2 wrong usage, or a file that cannot be read.");
  try {
    app.parse(argc, argv);
    if (choice.one_at_a_time && (choice.models.size() != 2 || choice.inputs.size() != 1))
      throw CLI::ValidationError("--one-at-a-time", "takes two models and one input");
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? kFine : kTrouble; }
  choice.options.try_repairs = !choice.no_repairs;
  return compare(choice);
}

int trouble(const std::string& text) {
  std::cerr << "sonde: " << report::clean(text) << '\n';
  return kTrouble;
}

}  // namespace
}  // namespace sonde::compare

int main(int argc, char** argv) {
  try {
    return sonde::compare::run_command(argc, argv);
  } catch (const c10::Error& error) {
    return sonde::compare::trouble(error.what_without_backtrace());
  } catch (const std::exception& error) { return sonde::compare::trouble(error.what()); }
}
