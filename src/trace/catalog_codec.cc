#include "trace/catalog_codec.h"

#include <stdexcept>

#include "trace/codec.h"

namespace sonde::trace {
namespace {

static_assert(static_cast<int>(OpClass::parameter) == 20, "a new class changes the format");

// The order of the fields in the file; docs/trace-format.md says the same in words.
template <typename Codec, typename T>
void transfer_run(Codec& codec, T& run) {
  codec(run.name), codec(run.sonde_version), codec(run.on_fault), codec(run.all_habits);
  codec(run.rules_off), codec(run.own_rules);
}

template <typename Codec, typename T>
void transfer_source(Codec& codec, T& source) {
  codec(source.file), codec(source.function), codec(source.line);
}

template <typename Codec, typename T>
void transfer_site(Codec& codec, T& site) {
  codec(site.layer), codec(site.layer_owns), codec(site.module_type), codec(site.operation), codec(site.parameter);
  codec(site.op_class), codec(site.occurrence), codec(site.shape), codec(site.dtype), codec(site.inputs);
  codec(site.scalars);
  transfer_source(codec, site.source);
}

template <typename Codec, typename T>
void transfer_program(Codec& codec, T& program) {
  codec(program.optimizer), codec(program.learning_rate), codec(program.momentum), codec(program.weight_decay);
  codec(program.loss_operation), codec(program.loss_reduction), codec(program.prediction_site);
  codec(program.prediction_shape), codec(program.target_shape), codec(program.target_dtype);
  codec(program.target_min), codec(program.target_max), codec(program.target_integral), codec(program.target_one_hot);
  codec(program.target_distinct), codec(program.told_task), codec(program.layers), codec(program.parameters);
  codec(program.torch_version), codec(program.device);
  transfer_list(codec, program.features,
                [](auto& c, auto& feature) { c(feature.min), c(feature.max), c(feature.mean), c(feature.deviation); });
  transfer_list(codec, program.groups, [](auto& c, auto& group) {
    c(group.optimizer), c(group.learning_rate), c(group.momentum), c(group.weight_decay), c(group.parameters);
  });
  transfer_list(codec, program.modules,
                [](auto& c, auto& module) { c(module.path), c(module.type), c(module.training); });
  transfer_list(codec, program.tied, [](auto& c, auto& paths) { c(paths); });
}

template <typename T, typename Transfer>
std::string bytes_of(const T& value, const Transfer& transfer) {
  Encoder encoder;
  transfer(encoder, value);
  return encoder.bytes();
}

template <typename T, typename Transfer>
bool read(std::span<const char> bytes, T& value, const Transfer& transfer) {
  try {
    Decoder decoder(bytes);
    transfer(decoder, value);
    return decoder.remaining() == 0;
  } catch (const std::out_of_range&) { return false; }
}

}  // namespace

std::string encode(const RunFacts& run) {
  return bytes_of(run, [](auto& codec, const auto& value) { transfer_run(codec, value); });
}
std::string encode(const Site& site) {
  return bytes_of(site, [](auto& codec, const auto& value) { transfer_site(codec, value); });
}
std::string encode(const SourceLine& source) {
  return bytes_of(source, [](auto& codec, const auto& value) { transfer_source(codec, value); });
}
std::string encode(const Program& program) {
  return bytes_of(program, [](auto& codec, const auto& value) { transfer_program(codec, value); });
}
std::string encode_unseen(const std::string& what, const std::string& reason) {
  Encoder encoder;
  encoder(what), encoder(reason);
  return encoder.bytes();
}

bool decode(std::span<const char> bytes, RunFacts& run) {
  return read(bytes, run, [](auto& codec, auto& value) { transfer_run(codec, value); }) &&
         run.on_fault <= OnFault::abort;
}
bool decode(std::span<const char> bytes, Site& site) {
  return read(bytes, site, [](auto& codec, auto& value) { transfer_site(codec, value); }) &&
         site.op_class <= OpClass::parameter;
}
bool decode(std::span<const char> bytes, SourceLine& source) {
  return read(bytes, source, [](auto& codec, auto& value) { transfer_source(codec, value); });
}
bool decode(std::span<const char> bytes, Program& program) {
  return read(bytes, program, [](auto& codec, auto& value) { transfer_program(codec, value); });
}
bool decode(std::span<const char> bytes, Catalog::Unseen& unseen) {
  return read(bytes, unseen, [](auto& codec, auto& value) { codec(value.what), codec(value.reason); });
}

}  // namespace sonde::trace
