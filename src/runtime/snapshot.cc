#include "runtime/snapshot.h"

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "trace/codec.h"

namespace sonde::runtime {
namespace {

using trace::transfer_list;

// A decoder that has met a value beyond `most` has met no report.
template <typename Codec, typename Enum>
void transfer_enum(Codec& codec, Enum& value, std::remove_const_t<Enum> most) {
  codec(value);
  if (!std::is_const_v<Enum> && value > most) throw std::out_of_range("has an unknown value");
}

template <typename Codec, typename T>
void transfer_location(Codec& codec, T& where) {
  codec(where.layer), codec(where.part), codec(where.operation);
  transfer_enum(codec, where.phase, Phase::update);
  codec(where.source.file), codec(where.source.function), codec(where.source.line);
}

template <typename Codec, typename T>
void transfer_symptom(Codec& codec, T& symptom) {
  codec(symptom.kind);
  transfer_location(codec, symptom.where);
  codec(symptom.step);
  transfer_enum(codec, symptom.severity, Severity::error);
  codec(symptom.message);
}

template <typename Codec, typename T>
void transfer_finding(Codec& codec, T& finding) {
  transfer_enum(codec, finding.severity, Severity::error);
  transfer_symptom(codec, finding.origin);
  codec(finding.context);
  transfer_list(codec, finding.causes, [](auto& c, auto& cause) {
    transfer_enum(c, cause.cause, Cause::unknown);
    c(cause.confidence);
    transfer_location(c, cause.where);
    c(cause.evidence), c(cause.fix);
  });
  transfer_list(codec, finding.followed_by, [](auto& c, auto& symptom) { transfer_symptom(c, symptom); });
  codec(finding.followed_by_count), codec(finding.followed_by_layers), codec(finding.last_step), codec(finding.kept);
}

template <typename Codec, typename T>
void transfer_report(Codec& codec, T& report) {
  auto& context = report.context;
  codec(context.monitor), codec(context.sonde_version), codec(context.torch_version), codec(context.device);
  codec(context.optimizer), codec(context.loss), codec(context.task), codec(context.task_reason);
  codec(context.layers), codec(context.parameters), codec(context.steps), codec(context.observed_steps);
  codec(context.first_loss), codec(context.last_loss);
  transfer_list(codec, context.metrics, [](auto& c, auto& metric) {
    c(metric.name);
    transfer_enum(c, metric.better, Better::higher);
    transfer_enum(c, metric.split, Split::validation);
    c(metric.count), c(metric.first), c(metric.best), c(metric.best_step), c(metric.last);
  });
  transfer_list(codec, report.findings, [](auto& c, auto& finding) { transfer_finding(c, finding); });
  transfer_list(codec, report.not_observed,
                [](auto& c, auto& unseen) { c(unseen.what), c(unseen.reason), c(unseen.count); });
  codec(report.cost.step_seconds), codec(report.cost.monitor_seconds);
  codec(report.cost.records), codec(report.cost.dropped);
}

}  // namespace

std::string encode(const Report& report) {
  trace::Encoder encoder;
  transfer_report(encoder, report);
  return encoder.bytes();
}

std::optional<Report> decode_report(std::span<const char> bytes) {
  try {
    Report report;
    trace::Decoder decoder(bytes);
    transfer_report(decoder, report);
    return decoder.remaining() == 0 ? std::optional(std::move(report)) : std::nullopt;
  } catch (const std::out_of_range&) { return std::nullopt; }
}

}  // namespace sonde::runtime
