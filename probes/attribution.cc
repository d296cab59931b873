#include "probes/attribution.h"

#include <algorithm>
#include <map>

namespace sonde::probes {
namespace {

using trace::OpClass;

// Later calls of one operation of one layer share a site, so that unrolled recurrences stay readable.
constexpr std::uint32_t kMostOccurrences = 16;

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash ^= word + 0x9e3779b97f4a7c15U + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdU;
}

std::uint64_t key_of(int layer, const OpInfo* info, std::uint32_t occurrence) {
  return mix(mix(static_cast<std::uint64_t>(layer + 1), reinterpret_cast<std::uintptr_t>(info)), occurrence);
}

const Output* first_output(OpLog::Place place) {
  const auto outputs = place.segment->outputs_of(*place.operation);
  return outputs.empty() ? nullptr : &outputs[0];
}

bool type_fits(const std::string& type, OpClass op_class) {
  switch (op_class) {
    case OpClass::embedding:
      return type.starts_with("Embedding");
    case OpClass::linear:
      return type == "Linear" || type == "Bilinear";
    case OpClass::convolution:
      return type.starts_with("Conv");
    default:
      return false;
  }
}

// A layer of this type runs operations of other kinds than this one.
bool type_contradicts(const std::string& type, OpClass op_class) {
  const bool known =
      type_fits(type, OpClass::embedding) || type_fits(type, OpClass::linear) || type_fits(type, OpClass::convolution);
  return known && !type_fits(type, op_class);
}

}  // namespace

void Attribution::modules_changed() {
  signature_ = 0;
  sites_.clear();
  parameter_sites_.clear();
}

const PlacedOp* Attribution::find(std::uint64_t serial) const {
  if (exchanged_) {
    const auto found = std::ranges::lower_bound(placed_, serial, {}, &PlacedOp::serial);
    return found != placed_.end() && found->serial == serial ? &*found : nullptr;
  }
  if (serial < base_ || serial - base_ >= index_.size()) return nullptr;
  const auto i = index_[serial - base_];
  return i < 0 ? nullptr : &placed_[static_cast<std::size_t>(i)];
}

const std::vector<PlacedOp>& Attribution::place(OpLog& log, const at::TensorImpl* loss,
                                                std::span<const std::uint64_t> graph) {
  base_ = log.first_serial();
  fate_.assign(log.next_serial() - base_, {});
  index_.assign(fate_.size(), -1);
  const auto producer = log.producer_of(loss);
  if (producer.serial == kNoProducer || producer.serial < base_) {
    placed_.clear();
    signature_ = 0;
    return placed_;
  }
  reach(log, producer.serial, graph);

  // A step that ran the same operations on the same parameters as the last one is placed like it.
  const auto now = signature(log);
  std::size_t count = 0;
  if (now == signature_) {
    for (std::size_t i = 0; i < fate_.size(); ++i)
      if (fate_[i].reached) {
        placed_[count].serial = base_ + i;
        index_[i] = static_cast<std::int32_t>(count++);
      }
    return placed_;
  }
  placed_.clear();
  for (std::size_t i = 0; i < fate_.size(); ++i)
    if (fate_[i].reached) {
      index_[i] = static_cast<std::int32_t>(placed_.size());
      PlacedOp op;
      op.serial = base_ + i;
      op.in_graph = fate_[i].in_graph;
      placed_.push_back(op);
    }
  assign(log);
  signature_ = now;
  return placed_;
}

// Backwards from the loss. Inside the graph gradients follow operands that require them; the rest prepares data.
void Attribution::reach(OpLog& log, std::uint64_t root, std::span<const std::uint64_t> graph) {
  stack_.assign(1, root);
  stack_.insert(stack_.end(), graph.begin(), graph.end());
  std::erase_if(stack_, [this](std::uint64_t serial) { return serial < base_ || serial - base_ >= fate_.size(); });
  for (const auto serial : stack_) fate_[serial - base_] = {true, true};
  while (!stack_.empty()) {
    const auto serial = stack_.back();
    stack_.pop_back();
    const auto place = log.find(serial);
    if (!place) continue;
    const bool in_graph = fate_[serial - base_].in_graph;
    const auto operands = place.segment->operands_of(*place.operation);
    // The operations of a custom function's forward or of a compiled TorchScript graph make no nodes of their own; their
    // temporaries belong to the graph as they do.
    const bool makes_node = place.operation->grad_mode && std::any_of(operands.begin(), operands.end(),
                                                                      [](const Operand& o) { return o.requires_grad; });
    const bool inside_function = in_graph && !makes_node && !place.operation->external;
    for (const auto& operand : operands) {
      // Parameters are where it ends.
      if (operand.leaf || operand.producer < base_ || operand.producer - base_ >= fate_.size()) continue;
      auto& fate = fate_[operand.producer - base_];
      const bool graph_edge = in_graph && (operand.requires_grad || inside_function);
      if (fate.reached && (fate.in_graph || !graph_edge)) continue;
      fate.reached = true;
      fate.in_graph = fate.in_graph || graph_edge;
      stack_.push_back(operand.producer);
    }
  }
}

std::uint64_t Attribution::signature(OpLog& log) const {
  std::uint64_t hash = 1;
  for (std::size_t i = 0; i < fate_.size(); ++i) {
    if (!fate_[i].reached) continue;
    const auto place = log.find(base_ + i);
    hash = mix(hash, reinterpret_cast<std::uintptr_t>(place.operation->info) + fate_[i].in_graph);
    for (const auto& operand : place.segment->operands_of(*place.operation)) {
      hash = operand.leaf ? mix(mix(hash, reinterpret_cast<std::uintptr_t>(operand.tensor)),
                                reinterpret_cast<std::uintptr_t>(operand.storage))
                          : mix(hash, place.operation->serial - operand.producer);
    }
  }
  return hash | 1;
}

void Attribution::assign(OpLog& log) {
  tied_uses_.clear();
  occurrences_.clear();
  tree_layer_.assign(placed_.size(), kNoLayer);
  derived_from_.assign(placed_.size(), -1);
  std::uint32_t position = 0;
  for (auto& placed : placed_) {
    const auto place = log.find(placed.serial);
    assign_one(place, placed);
    placed.position = ++position;
  }
  name_by_order(log);
  for (auto& placed : placed_) placed.site = site_for(log, log.find(placed.serial), placed);
}

void Attribution::assign_one(OpLog::Place place, PlacedOp& placed) {
  const auto& op = *place.operation;
  const auto here = static_cast<std::size_t>(index_[placed.serial - base_]);
  if (op.external) return;
  const auto outputs = place.segment->outputs_of(op);
  placed.is_view = op.info->traits.op_class == OpClass::view || (!outputs.empty() && outputs[0].alias_of >= 0);

  int parameter = -1, derived = -1, before = kNoLayer;
  std::size_t flow = 0;
  bool flow_found = false;
  bool only_state = true;
  std::int64_t state_elements = 0;
  for (const auto& operand : place.segment->operands_of(op)) {
    const auto& candidates = modules_.of_storage(operand.storage);
    if (!candidates.empty()) {
      const int chosen = choose_parameter(candidates, *op.info);
      const auto& p = modules_.parameters()[static_cast<std::size_t>(chosen)];
      if (parameter < 0 || (modules_.parameters()[static_cast<std::size_t>(parameter)].buffer && !p.buffer))
        parameter = chosen;
      state_elements = std::max(state_elements, operand.shape.elements);
      continue;
    }
    const auto* source = operand.leaf ? nullptr : find(operand.producer);
    const auto source_index = source ? static_cast<std::size_t>(source - placed_.data()) : 0;
    if (source && derived_from_[source_index] >= 0) {
      derived = derived_from_[source_index];
      state_elements = std::max(state_elements, operand.shape.elements);
      continue;
    }
    if (operand.floating || !source) only_state = false;
    if (operand.floating && source && (!flow_found || (operand.requires_grad && !placed_[flow].in_graph))) {
      flow = source_index;
      flow_found = true;
    }
  }
  if (flow_found) before = tree_layer_[flow];
  const int used = parameter >= 0 ? parameter : derived;
  placed.owner_parameter = used;
  placed.uses_parameters = used >= 0;
  if (used >= 0) {
    placed.layer = modules_.parameters()[static_cast<std::size_t>(used)].layer;
    // A weight times a mask is still a weight: all inputs are state, or the rest broadcasts into it outside the graph.
    const bool data_flows = flow_found && placed_[flow].in_graph;
    const auto* out = first_output(place);
    const bool keeps_size = out && state_elements > 1 && out->shape.elements == state_elements;
    const bool mask_only = !data_flows && keeps_size && op.info->traits.op_class == OpClass::pointwise;
    if (only_state || mask_only) derived_from_[here] = used;
    if (derived_from_[here] < 0) tree_layer_[here] = placed.layer;
    return;
  }
  if (placed.is_view) {
    const int module = modules_.follower(before, op.info->name);
    tree_layer_[here] = module != kNoLayer && op.info->traits.op_class == OpClass::view ? module : before;
    placed.layer = tree_layer_[here];
    return;
  }
  const int module = placed.in_graph ? modules_.follower(before, op.info->name) : kNoLayer;
  placed.layer = module != kNoLayer ? module : before;
  tree_layer_[here] = placed.layer;
}

int Attribution::choose_parameter(const std::vector<int>& candidates, const OpInfo& info) {
  if (candidates.size() == 1) return candidates[0];
  // Tied: by the kind of layer, then by the order of use.
  std::vector<int> fitting, possible;
  for (int c : candidates) {
    const auto layer = modules_.parameters()[static_cast<std::size_t>(c)].layer;
    const auto& type = modules_.layers()[static_cast<std::size_t>(layer)].type;
    if (type_fits(type, info.traits.op_class)) fitting.push_back(c);
    if (!type_contradicts(type, info.traits.op_class)) possible.push_back(c);
  }
  if (fitting.empty()) fitting = std::move(possible);
  if (fitting.empty()) return candidates[0];
  const auto use = tied_uses_[fitting[0]]++;
  return fitting[static_cast<std::size_t>(use) % fitting.size()];
}

// Parameter-free modules that are called out of the tree's order (held in one place, used in another): if a step runs as
// many operations of a kind as there are modules of it and not each was matched by its place, they stand for each other.
void Attribution::name_by_order(OpLog& log) {
  std::map<std::string, std::vector<int>> modules_by_type;
  const auto& layers = modules_.layers();
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (!layers[i].has_parameters && layers[i].children.empty() && is_parameter_free_type(layers[i].type))
      modules_by_type[layers[i].type].push_back(static_cast<int>(i));
  for (const auto& [type, modules] : modules_by_type) {
    std::vector<std::size_t> calls;
    std::vector<int> matched;  // by their place, in the order of calls
    for (std::size_t i = 0; i < placed_.size(); ++i) {
      const auto& op = *log.find(placed_[i].serial).operation;
      if (op.external || placed_[i].uses_parameters || !module_calls(type, op.info->name)) continue;
      calls.push_back(i);
      const int layer = placed_[i].layer;
      const bool is_module = std::find(modules.begin(), modules.end(), layer) != modules.end();
      if (is_module && std::find(matched.begin(), matched.end(), layer) == matched.end()) matched.push_back(layer);
    }
    if (matched.size() == modules.size() || calls.size() != modules.size()) continue;
    for (std::size_t k = 0; k < calls.size(); ++k) placed_[calls[k]].layer = modules[k];
  }
}

std::uint32_t Attribution::site_for(OpLog& log, OpLog::Place place, const PlacedOp& placed) {
  const auto& op = *place.operation;
  const auto occurrence = std::min(occurrences_[key_of(placed.layer, op.info, 0)]++, kMostOccurrences - 1);
  const auto key = key_of(placed.layer, op.info, occurrence);
  if (const auto it = sites_.find(key); it != sites_.end()) return it->second;

  trace::Site site;
  site.operation = op.info->name;
  site.op_class = op.info->traits.op_class;
  site.occurrence = occurrence;
  if (placed.layer != kNoLayer) {
    const auto& layer = modules_.layers()[static_cast<std::size_t>(placed.layer)];
    site.layer = layer.path;
    site.layer_owns = placed.uses_parameters || module_calls(layer.type, op.info->name);
    site.module_type = layer.type;
  }
  if (const auto* out = first_output(place)) {
    site.shape = out->shape.vector();
    site.dtype = out->dtype;
  }
  for (const auto& operand : place.segment->operands_of(op)) {
    auto producer = operand.producer;
    const auto* source = find(producer);
    while (source && source->is_view) {  // views carry their input's data
      const auto view = log.find(source->serial);
      const auto operands = view.segment->operands_of(*view.operation);
      if (operands.empty()) break;
      source = find(operands[0].producer);
    }
    if (source && source->site != 0) site.inputs.push_back(source->site);
  }
  const auto scalars = place.segment->scalars_of(op);
  site.scalars.assign(scalars.begin(), scalars.end());
  const auto frames = place.segment->frames_of(op);
  site.frames.assign(frames.begin(), frames.end());
  if (op.external) {
    // A tensor from outside is shown where it is first used.
    for (const auto& user : placed_) {
      const auto at = log.find(user.serial);
      const auto operands = at.segment->operands_of(*at.operation);
      if (std::any_of(operands.begin(), operands.end(), [&](const Operand& o) { return o.producer == op.serial; })) {
        const auto used_at = at.segment->frames_of(*at.operation);
        site.frames.assign(used_at.begin(), used_at.end());
        if (user.layer != kNoLayer) site.layer = modules_.layers()[static_cast<std::size_t>(user.layer)].path;
        break;
      }
    }
  }
  const auto id = catalog_.add(std::move(site));
  sites_.emplace(key, id);
  return id;
}

std::uint32_t Attribution::parameter_site(int parameter) {
  if (parameter_sites_.size() < modules_.parameters().size()) parameter_sites_.resize(modules_.parameters().size(), 0);
  auto& id = parameter_sites_[static_cast<std::size_t>(parameter)];
  if (id != 0) return id;
  const auto& p = modules_.parameters()[static_cast<std::size_t>(parameter)];
  trace::Site site;
  const auto& layer = modules_.layers()[static_cast<std::size_t>(p.layer)];
  site.layer = layer.path;
  site.layer_owns = true;
  site.module_type = layer.type;
  site.parameter = p.name.empty() ? "value" : p.name;
  site.op_class = OpClass::parameter;
  if (const auto impl = p.lock()) {
    site.shape = shape_of(*impl).vector();
    site.dtype = dtype_name(*impl);
  }
  // A parameter is shown where it is used.
  for (const auto& placed : placed_)
    if (placed.owner_parameter == parameter || (placed.uses_parameters && placed.layer == p.layer)) {
      site.frames = catalog_.site(placed.site).frames;
      break;
    }
  id = catalog_.add(std::move(site));
  return id;
}

}  // namespace sonde::probes
