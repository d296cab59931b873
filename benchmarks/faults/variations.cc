#include "faults/variations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "faults/random.h"
#include "faults/readers.h"

namespace sonde::faults {
namespace {

using nlohmann::json;

const std::set<std::string> kHidden = {"ReLU", "LeakyReLU", "ELU", "GELU", "Tanh"};

bool is(const json& layer, const char* type) { return layer.at("type") == type; }

// Whether layer `i` is an activation with a parametrised layer somewhere after it.
bool is_hidden_activation(const json& model, std::size_t i) {
  if (!kHidden.contains(model[i].at("type").get<std::string>())) return false;
  for (std::size_t j = i + 1; j < model.size(); ++j) {
    if (model[j].contains("in")) return true;
  }
  return false;
}

// The Linear layer that reads what the Linear layer `i` writes, with only pointwise layers between; 0 if there is none.
std::size_t reader_of(const json& model, std::size_t i) {
  for (std::size_t j = i + 1; j < model.size(); ++j) {
    if (is(model[j], "Linear")) return j;
    if (!kHidden.contains(model[j].at("type").get<std::string>()) && !is(model[j], "Dropout")) return 0;
  }
  return 0;
}

// Each returns what it did, empty if the program has nothing of the kind.
using Change = std::function<std::string(json&, Random&)>;

std::string change_width(json& document, Random& random) {
  json& model = document.at("model");
  const bool wider = random.uniform(1)[0] < 0.5;
  std::string done;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const std::size_t reader = is(model[i], "Linear") ? reader_of(model, i) : 0;
    if (reader == 0) continue;
    const auto width = model[i].at("out").get<std::int64_t>();
    if (!wider && width < 16) continue;
    model[i]["out"] = wider ? width * 2 : width / 2;
    model[reader]["in"] = model[i]["out"];
    done = wider ? "twice as wide" : "half as wide";
  }
  return done;
}

std::string change_depth(json& document, Random&) {
  json& model = document.at("model");
  for (std::size_t i = 0; i + 1 < model.size(); ++i) {
    if (!is(model[i], "Linear") || reader_of(model, i) == 0 || !is_hidden_activation(model, i + 1)) continue;
    json layer = model[i];
    layer["in"] = layer["out"];
    layer["name"] = "added";
    json activation = model[i + 1];
    activation["name"] = "added_act";
    model.insert(model.begin() + static_cast<std::ptrdiff_t>(i) + 2, {layer, activation});
    return "one layer deeper";
  }
  return "";
}

std::string change_batch(json& document, Random& random) {
  const auto batch = document.at("batch_size").get<std::int64_t>();
  const auto n = document.at("data").at("n").get<std::int64_t>();
  const std::int64_t wanted = random.uniform(1)[0] < 0.5 && batch >= 16 ? batch / 2 : batch * 2;
  if (wanted > n || n % wanted == 1) return "";
  document["batch_size"] = wanted;
  return fmt::format("batches of {}", wanted);
}

std::string change_rate(json& document, Random& random) {
  const double factor = std::pow(3.0, 2 * random.uniform(1)[0] - 1);
  json& rate = document.at("optimizer").at("lr");
  rate = rate.get<double>() * factor;
  return fmt::format("rate times {:.2f}", factor);
}

std::string change_activation(json& document, Random& random) {
  static const std::array<const char*, 4> kinds = {"LeakyReLU", "ELU", "GELU", "ReLU"};
  const char* kind = kinds[static_cast<std::size_t>(random.uniform(1)[0] * kinds.size())];
  json& model = document.at("model");
  std::string done;
  for (std::size_t i = 0; i < model.size(); ++i) {
    // Tanh in deep stacks is there for a reason; the rectifiers may take each other's place.
    if (!is_hidden_activation(model, i) || is(model[i], "Tanh") || is(model[i], kind)) continue;
    model[i]["type"] = kind;
    model[i].erase("slope");
    done = kind;
  }
  return done;
}

const std::array<Change, 5> kChanges = {change_width, change_depth, change_batch, change_rate, change_activation};

constexpr std::uint32_t kSeed = 20;
constexpr double kLearntLess = 0.1;

// The score of the worst run.
double worst(const CaseScore& score) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const Trial& run : score.runs) lowest = std::min(lowest, std::isnan(run.score) ? -1e9 : run.score);
  return lowest;
}

// What makes a program, without the words about it.
std::string program_of(const json& document) {
  json program;
  for (const char* key :
       {"data", "model", "loss", "optimizer", "loop", "batch_size", "epochs", "max_steps", "shuffle"}) {
    program[key] = document.at(key);
  }
  return program.dump();
}

}  // namespace

json healthy_document(const json& document) {
  json healthy = document;
  if (document.contains("patch") && !document.at("patch").is_null()) healthy = document.patch(document.at("patch"));
  healthy["patch"] = nullptr;
  healthy["faults"] = json::array();
  healthy["scored"] = true;
  healthy.erase("extra_faults");
  return healthy;
}

std::vector<json> vary(const std::vector<json>& bases, std::size_t count, std::uint32_t seed) {
  if (bases.empty()) throw std::invalid_argument("nothing to vary");
  Random random(seed);
  std::vector<json> variations;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t base = i % bases.size();
    json document = bases[base];
    json& data_seed = document.at("data")["seed"];
    data_seed = (data_seed.is_null() ? 0 : data_seed.get<std::int64_t>()) + 100 + static_cast<std::int64_t>(i);
    std::vector<std::string> done = {"other data"};
    for (std::size_t change : random.permutation(kChanges.size())) {
      if (done.size() == 3) break;
      const std::string what = kChanges[change](document, random);
      if (!what.empty()) done.push_back(what);
    }
    document["id"] = fmt::format("{}-v{}", document.at("id").get<std::string>(), i / bases.size() + 1);
    document["title"] = fmt::format("{}", fmt::join(done, ", "));
    variations.push_back(std::move(document));
  }
  return variations;
}

std::vector<Case> make_variations(const std::vector<Case>& cases, std::size_t count,
                                  const std::filesystem::path& folder) {
  std::vector<json> documents;
  std::set<std::string> seen;
  for (const Case& one : cases) {
    if (!one.scored) continue;
    std::ifstream stream(one.file);
    json healthy = healthy_document(json::parse(stream));
    if (seen.insert(program_of(healthy)).second) documents.push_back(std::move(healthy));
  }
  for (json& variation : vary(documents, count, kSeed)) documents.push_back(std::move(variation));

  std::vector<Case> out;
  for (const json& document : documents) {
    const std::filesystem::path file = folder / (document.at("id").get<std::string>() + ".json");
    std::ofstream(file) << document;
    out.push_back(load_case(file));
  }
  return out;
}

void discount_unlearnt(std::vector<Case>& cases, const std::vector<CaseScore>& scores) {
  std::map<std::string, double> reached;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string& id = cases[i].id;
    reached[id] = worst(scores[i]);
    const std::size_t mark = id.rfind("-v");
    const auto base = mark == std::string::npos ? reached.end() : reached.find(id.substr(0, mark));
    if (base == reached.end() || reached[id] > base->second - kLearntLess) continue;
    cases[i].scored = false;
    cases[i].title += fmt::format(" (did not learn: {:.2f} instead of {:.2f})", reached[id], base->second);
  }
}

}  // namespace sonde::faults
