#include "report/tensorboard_tags.h"

#include <fmt/format.h>

#include "report/text.h"

namespace sonde::report {
namespace {

struct Words {
  std::string_view name;
  std::string_view description;
};
constexpr std::array<Words, kQuantities> kWords = {{
    {"gradient_rms",
     "Root mean square of a parameter's gradient as the optimizer gets it. Layers far below the others hardly learn; a "
     "jump "
     "in all of them is a blow-up."},
    {"weight_rms", "Root mean square of a parameter."},
    {"update_ratio",
     "What one step changed in a parameter, over its size (RMS over RMS). About 1e-3 is usual; above 0.1 a step throws "
     "away "
     "what was learnt, below 1e-5 nothing moves."},
    {"activation_rms", "Root mean square of an operation's output."},
    {"dead_share",
     "Share of a rectifier's units that were zero for every sample of every observed step, for at least eight of "
     "them."},
    {"saturated_share", "Share of a sigmoid's or tanh's outputs that lie in its flat tails, where no gradient passes."},
    {"non_finite", "NaN and infinite elements. Written from the first step on which there were any."},
}};

std::string short_operation(const std::string& operation) {
  const auto colons = operation.rfind(':');
  return colons == std::string::npos ? operation : operation.substr(colons + 1);
}

}  // namespace

std::string_view name_of(Quantity quantity) noexcept { return kWords[static_cast<std::size_t>(quantity)].name; }

std::string_view description_of(Quantity quantity) noexcept {
  return kWords[static_cast<std::size_t>(quantity)].description;
}

std::string place_name(const trace::Site& site) {
  const bool parameter = site.op_class == trace::OpClass::parameter;
  std::string name = site.layer;
  const std::string last = parameter         ? site.parameter
                           : site.layer_owns ? std::string()
                                             : short_operation(site.operation);
  if (!last.empty()) name += name.empty() ? last : fmt::format(".{}", last);
  if (name.empty()) name = short_operation(site.operation);
  if (site.occurrence > 0) name += fmt::format("#{}", site.occurrence + 1);
  return clean(name);
}

void TagTable::seen(Quantity quantity, std::span<const std::uint32_t> sites, const trace::Catalog& catalog) {
  Series& series = series_[static_cast<std::size_t>(quantity)];
  const auto add = [&](std::uint32_t id) {
    if (series.tags.size() >= kPlaces || series.tags.contains(id)) return;
    const trace::Site site = catalog.site(id);
    std::string tag = fmt::format("{}/{}", name_of(quantity), place_name(site));
    if (series.used.contains(tag))
      tag += fmt::format(".{}", clean(short_operation(site.operation)));  // two operations of one layer
    if (series.used.contains(tag)) tag += fmt::format("~{}", id);
    series.used.insert(tag);
    series.tags.emplace(id, std::move(tag));
  };
  const bool first = !series.started && !sites.empty();
  series.started = series.started || first;
  if (!first || sites.size() <= kPlaces) {
    if (series.tags.size() < kPlaces)
      for (const std::uint32_t id : sites) add(id);
    return;
  }
  for (std::size_t i = 0; i < kPlaces; ++i) add(sites[i * (sites.size() - 1) / (kPlaces - 1)]);
}

const std::string* TagTable::find(Quantity quantity, std::uint32_t site) const {
  const auto& tags = series_[static_cast<std::size_t>(quantity)].tags;
  const auto found = tags.find(site);
  return found == tags.end() ? nullptr : &found->second;
}

}  // namespace sonde::report
