#include <fstream>

#include "faults/readers.h"

namespace sonde::faults {
namespace {

std::optional<bool> verdict(Fields& fields, std::string_view key) {
  if (fields.find(key) == nullptr) return std::nullopt;
  return fields.boolean(key);
}

std::optional<std::int64_t> count(Fields& fields, std::string_view key) {
  if (fields.find(key) == nullptr) return std::nullopt;
  return fields.whole(key, 0);
}

void read_origin(const json& value, const std::string& path, Case& out) {
  Fields fields(value, path);
  if (fields.find("url") != nullptr) out.url = fields.text("url");
  out.benchmarks = as_names(fields.need("benchmarks", "a list of names"), fields.path("benchmarks"));
  if (const json* published = fields.find("published")) {
    if (!published->is_object()) throw CaseError(fields.path("published"), "an object by tool", describe(*published));
    for (const auto& [tool, result] : published->items()) {
      Fields tools(result, fields.path("published") + "/" + tool);
      out.published[tool] = {verdict(tools, "identified"), verdict(tools, "localised"), verdict(tools, "fixed"),
                             count(tools, "found"), count(tools, "of")};
      tools.allow({"message", "per_fault"});
      tools.done();
    }
  }
  fields.allow({"model", "paper_rows", "paper_metrics", "program"});
  fields.done();
}

Program read_program(Fields& fields) {
  Program program;
  program.task = fields.choice("task", {"multiclass", "binary", "multilabel", "regression", "autoencoder", "sequence"});
  program.data = read_data(fields.need("data", "an object"), "/data");
  program.model = read_layers(fields.need("model", "a list of layers"), "/model");
  program.loss = read_loss(fields.need("loss", "an object"), "/loss");
  program.optimizer = read_optimizer(fields.need("optimizer", "an object"), "/optimizer");
  program.loop = read_loop(fields.need("loop", "an object"), "/loop");
  program.batch_size = fields.whole("batch_size", 1);
  program.epochs = fields.whole("epochs", 1);
  program.max_steps = fields.whole("max_steps", 1);
  program.shuffle = fields.boolean("shuffle");
  check_shapes(program);
  return program;
}

// Fills everything but the patched program.
Case read_variant(const json& document) {
  Fields fields(document, "");
  Case out;
  out.id = fields.text("id");
  out.title = fields.text("title");
  read_origin(fields.need("origin", "an object"), "/origin", out);
  out.program = read_program(fields);
  out.faults = read_faults(fields.need("faults", "a list"), "/faults");
  if (const json* extra = fields.find("extra_faults")) out.extra_faults = read_extra_faults(*extra, "/extra_faults");
  out.scored = fields.boolean("scored");
  fields.allow({"patch", "patch_notes", "reconstructed", "notes", "why_not"});
  fields.done();
  return out;
}

json patched_document(const json& document) {
  const json& patch = document.at("patch");
  if (!patch.is_array()) throw CaseError("/patch", "an RFC 6902 patch (a list) or null", describe(patch));
  try {
    return document.patch(patch);
  } catch (const json::exception& error) { throw CaseError("/patch", "a patch that applies", error.what()); }
}

}  // namespace

Case read_case(const json& document) {
  Case out = read_variant(document);
  const bool has_patch = document.contains("patch") && !document.at("patch").is_null();
  if (has_patch == out.healthy()) {
    throw CaseError("/patch", out.healthy() ? "null: a healthy program needs no patch" : "a patch: the case has faults",
                    has_patch ? "a patch" : "none");
  }
  if (has_patch) {
    const json patched = patched_document(document);
    try {
      out.patched = read_variant(patched).program;
    } catch (const CaseError& error) { throw std::runtime_error(std::string("patched, ") + error.what()); }
  }
  return out;
}

Case load_case(const std::filesystem::path& file) {
  try {
    std::ifstream stream(file);
    if (!stream) throw std::runtime_error("cannot be read");
    Case out = read_case(json::parse(stream));
    if (out.id != file.stem().string()) {
      throw CaseError("/id", "the file's name, \"" + file.stem().string() + "\"", "\"" + out.id + "\"");
    }
    out.file = file;
    return out;
  } catch (const std::exception& error) { throw std::runtime_error(file.string() + ": " + error.what()); }
}

}  // namespace sonde::faults
