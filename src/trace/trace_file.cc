#include "trace/trace_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <istream>
#include <ostream>
#include <type_traits>
#include <utility>

#include "trace/codec.h"

namespace sonde::trace {
namespace {

struct Header {
  std::array<char, 8> magic{'S', 'O', 'N', 'D', 'E', 'T', 'R', 'C'};
  std::uint32_t version = kTraceFileVersion;
  std::uint32_t record_size = sizeof(Record);
  std::uint64_t catalog_size = 0;  // bytes
  std::uint64_t records = 0;
};
static_assert(sizeof(Header) == 32 && std::is_trivially_copyable_v<Header>);

// Records are stored as they lie in memory: the layout is part of the format (docs/trace-format.md).
static_assert(offsetof(Record, site) == 4 && offsetof(Record, step) == 8 && offsetof(Record, time_ns) == 16);
static_assert(offsetof(Record, position) == 24 && offsetof(Record, sequence) == 28 && offsetof(Record, tensor) == 32);
static_assert(sizeof(TensorStats) == 96 && offsetof(TensorStats, min) == 40 && offsetof(TensorStats, units) == 72 &&
              offsetof(TensorStats, beyond) == 84 && offsetof(TensorStats, aux) == 88);
static_assert(offsetof(StepFacts, step_nanoseconds) == 32 && offsetof(StepFacts, backwards) == 48 &&
              offsetof(StepFacts, non_finite_loss) == 56 && offsetof(StepFacts, training_mode) == 61);
static_assert(offsetof(ContractFacts, seen) == 4 && offsetof(ContractFacts, got) == 8 &&
              offsetof(ContractFacts, shape_a) == 24 && offsetof(ContractFacts, shape_b) == 56);
static_assert(offsetof(OriginFacts, operands) == 2 && offsetof(OriginFacts, count) == 8 &&
              offsetof(OriginFacts, operand) == 40 && offsetof(OriginFacts, lower) == 64 &&
              offsetof(OriginFacts, dtype_max) == 72);
static_assert(static_cast<int>(OpClass::parameter) == 20, "a new class changes the format");

// The order of the fields in the file; docs/trace-format.md says the same in words.
template <typename Codec, typename T>
void transfer_site(Codec& codec, T& site) {
  codec(site.layer), codec(site.layer_owns), codec(site.module_type), codec(site.operation), codec(site.parameter);
  codec(site.op_class), codec(site.occurrence), codec(site.shape), codec(site.dtype), codec(site.inputs);
  codec(site.scalars), codec(site.source.file), codec(site.source.function), codec(site.source.line);
}

// `one(codec, element)` for each; a length found in a damaged file costs no memory before its elements are read.
template <typename Codec, typename List, typename One>
void transfer_list(Codec& codec, List& list, const One& one) {
  if constexpr (std::is_const_v<List>) {
    codec(static_cast<std::uint32_t>(list.size()));
    for (const auto& element : list) one(codec, element);
  } else {
    std::uint32_t left = 0;
    for (codec(left), list.clear(); left > 0; --left) one(codec, list.emplace_back());
  }
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

template <typename Codec, typename T>
void transfer_unseen(Codec& codec, T& unseen) {
  codec(unseen.what), codec(unseen.reason), codec(unseen.count);
}

std::string encode_catalog(const Trace& trace) {
  Encoder encoder;
  encoder(static_cast<std::uint32_t>(trace.sites.size()));
  for (const Site& site : trace.sites) transfer_site(encoder, site);
  transfer_program(encoder, trace.program);
  encoder(static_cast<std::uint32_t>(trace.unseen.size()));
  for (const auto& unseen : trace.unseen) transfer_unseen(encoder, unseen);
  return encoder.bytes();
}

void decode_catalog(std::span<const char> bytes, Trace& trace) {
  try {
    Decoder decoder(bytes);
    std::uint32_t count = 0;
    decoder(count);
    for (std::uint32_t id = 0; id < count; ++id) {
      Site& site = trace.sites.emplace_back();
      site.id = id;
      transfer_site(decoder, site);
      if (site.op_class > OpClass::parameter) throw std::out_of_range("has a site of an unknown class");
    }
    transfer_program(decoder, trace.program);
    decoder(count);
    for (; count > 0; --count) transfer_unseen(decoder, trace.unseen.emplace_back());
    if (decoder.remaining() > 0)
      throw std::out_of_range("has " + std::to_string(decoder.remaining()) + " bytes too many");
  } catch (const std::out_of_range& error) {
    throw TraceError(std::string("damaged trace: the catalog ") + error.what());
  }
}

void check(const Record& record, std::uint64_t index) {
  const auto refuse = [index](const char* what, unsigned value) {
    throw TraceError("damaged trace: record " + std::to_string(index) + " has the unknown " + what + " " +
                     std::to_string(value));
  };
  if (record.version != kRecordVersion) refuse("version", record.version);
  if (record.kind > RecordKind::step_end) refuse("kind", static_cast<unsigned>(record.kind));
  if (record.phase > Phase::update) refuse("phase", static_cast<unsigned>(record.phase));
  if (record.kind == RecordKind::contract && record.contract.what > Contract::module_registered_not_used) {
    refuse("contract", static_cast<unsigned>(record.contract.what));
  }
  if (record.kind == RecordKind::origin && record.origin.kind > OriginKind::unknown) {
    refuse("origin", static_cast<unsigned>(record.origin.kind));
  }
}

// Up to `count` bytes, growing as they come: a size found in a damaged file costs no memory.
std::string read_bytes(std::istream& in, std::uint64_t count) {
  std::string bytes;
  std::array<char, 1 << 16> piece;
  while (bytes.size() < count && in) {
    in.read(piece.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(piece.size(), count - bytes.size())));
    bytes.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  return bytes;
}

Header read_header(std::istream& in) {
  const std::string bytes = read_bytes(in, sizeof(Header));
  const Header expected;
  Header header;
  if (bytes.size() < sizeof(header.magic) ||
      std::memcmp(bytes.data(), expected.magic.data(), expected.magic.size()) != 0) {
    throw TraceError("not a Sonde trace: it does not begin with SONDETRC");
  }
  if (bytes.size() < sizeof(Header)) {
    throw TraceError("truncated trace: " + std::to_string(bytes.size()) + " bytes, the header alone has " +
                     std::to_string(sizeof(Header)));
  }
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (header.version != kTraceFileVersion) {
    throw TraceError("trace of version " + std::to_string(header.version) + ", this program reads version " +
                     std::to_string(kTraceFileVersion));
  }
  if (header.record_size != sizeof(Record)) {
    throw TraceError("damaged trace: records of " + std::to_string(header.record_size) + " bytes, version " +
                     std::to_string(kTraceFileVersion) + " has " + std::to_string(sizeof(Record)));
  }
  return header;
}

}  // namespace

Trace make_trace(const Catalog& catalog, std::vector<Record> records) {
  Trace trace;
  trace.sites = catalog.sites();
  for (Site& site : trace.sites) site.frames.clear();
  trace.program = catalog.program();
  trace.unseen = catalog.unseen();
  trace.records = std::move(records);
  return trace;
}

void restore(const Trace& trace, Catalog& catalog) {
  for (std::size_t i = 1; i < trace.sites.size(); ++i) catalog.add(trace.sites[i]);
  catalog.set_program(trace.program);
  for (const auto& unseen : trace.unseen) catalog.not_observed(unseen.what, unseen.reason, unseen.count);
}

void write_trace(const Trace& trace, std::ostream& out) {
  const std::string catalog = encode_catalog(trace);
  Header header;
  header.catalog_size = catalog.size();
  header.records = trace.records.size();
  out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  out.write(catalog.data(), static_cast<std::streamsize>(catalog.size()));
  out.write(reinterpret_cast<const char*>(trace.records.data()),
            static_cast<std::streamsize>(trace.records.size() * sizeof(Record)));
  if (!out.flush()) throw TraceError("the trace could not be written");
}

Trace read_trace(std::istream& in) {
  const Header header = read_header(in);
  Trace trace;
  const std::string catalog = read_bytes(in, header.catalog_size);
  if (catalog.size() < header.catalog_size) {
    throw TraceError("truncated trace: " + std::to_string(catalog.size()) + " of " +
                     std::to_string(header.catalog_size) + " bytes of the catalog");
  }
  decode_catalog(catalog, trace);
  std::array<char, sizeof(Record)> bytes;
  while (trace.records.size() < header.records && in.read(bytes.data(), bytes.size())) {
    std::memcpy(static_cast<void*>(&trace.records.emplace_back()), bytes.data(), bytes.size());
    check(trace.records.back(), trace.records.size() - 1);
  }
  trace.missing = header.records - trace.records.size();
  return trace;
}

void store_trace(const Trace& trace, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  if (!out) throw TraceError(path + ": cannot be written");
  try {
    write_trace(trace, out);
  } catch (const TraceError& error) { throw TraceError(path + ": " + error.what()); }
}

Trace load_trace(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw TraceError(path + ": cannot be opened");
  try {
    return read_trace(in);
  } catch (const TraceError& error) { throw TraceError(path + ": " + error.what()); }
}

}  // namespace sonde::trace
