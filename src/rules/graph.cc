#include "rules/graph.h"

#include <algorithm>
#include <deque>

namespace sonde::rules {

using trace::OpClass;
using trace::Site;

bool passes_on(OpClass op_class) noexcept {
  return op_class == OpClass::view || op_class == OpClass::copy || op_class == OpClass::dropout;
}

bool mixes(OpClass op_class) noexcept {
  return op_class == OpClass::linear || op_class == OpClass::convolution || op_class == OpClass::recurrent ||
         op_class == OpClass::attention;
}

bool activates(OpClass op_class) noexcept {
  return op_class == OpClass::rectifier || op_class == OpClass::saturating || op_class == OpClass::activation ||
         op_class == OpClass::softmax || op_class == OpClass::log_softmax;
}

void Graph::update(const trace::Catalog& catalog, std::uint64_t position) {
  std::vector<Site> fresh = catalog.sites_from(sites_.size(), position);
  if (fresh.empty()) return;
  for (Site& site : fresh) sites_.push_back(std::move(site));
  const std::size_t old = consumers_.size();
  consumers_.resize(sites_.size());
  positions_.resize(sites_.size(), 0);
  for (std::size_t i = old; i < sites_.size(); ++i) {
    // What makes a tensor like another one passes none of its values on.
    if (sites_[i].op_class == OpClass::factory) sites_[i].inputs.clear();
    for (const Id input : sites_[i].inputs) {
      if (input != 0 && input < sites_.size() && input != i) consumers_[input].push_back(static_cast<Id>(i));
    }
  }
  mark_loss();
}

void Graph::mark_loss() {
  after_prediction_.assign(sites_.size(), false);
  std::vector<Id> open{prediction_};
  while (!open.empty() && prediction_ != 0) {
    const Id id = open.back();
    open.pop_back();
    for (const Id next : consumers_[id]) {
      if (after_prediction_[next]) continue;
      after_prediction_[next] = true;
      open.push_back(next);
    }
  }
}

void Graph::set_prediction(Id prediction) {
  if (prediction == 0 || prediction >= sites_.size() || prediction == prediction_) return;
  prediction_ = prediction;
  mark_loss();
}

const std::vector<Graph::Id>& Graph::consumers(Id id) const noexcept {
  return id < consumers_.size() ? consumers_[id] : consumers_[0];
}

bool Graph::reaches(Id from, Id to) const {
  if (from == to) return true;
  return nearest_before(to, [from](const Site& site) { return site.id == from; }) != 0;
}

namespace {

template <typename Neighbours, typename Sites>
Graph::Id search(Graph::Id start, const Sites& sites, const Neighbours& neighbours,
                 const std::function<bool(const Site&)>& wanted) {
  if (start == 0 || start >= sites.size()) return 0;
  std::vector<bool> seen(sites.size(), false);
  std::deque<Graph::Id> queue{start};
  seen[start] = true;
  while (!queue.empty()) {
    const Graph::Id id = queue.front();
    queue.pop_front();
    for (const Graph::Id next : neighbours(id)) {
      if (next == 0 || next >= sites.size() || seen[next]) continue;
      seen[next] = true;
      if (wanted(sites[next])) return next;
      queue.push_back(next);
    }
  }
  return 0;
}

}  // namespace

Graph::Id Graph::nearest_before(Id id, const std::function<bool(const Site&)>& wanted) const {
  return search(
      id, sites_, [this](Id at) -> const std::vector<Id>& { return sites_[at].inputs; }, wanted);
}

Graph::Id Graph::nearest_after(Id id, const std::function<bool(const Site&)>& wanted) const {
  return search(
      id, sites_, [this](Id at) -> const std::vector<Id>& { return consumers_[at]; }, wanted);
}

Graph::Id Graph::operand(Id id) const {
  std::size_t guard = 0;
  Id at = id;
  do {
    const Site& here = site(at);
    if (here.inputs.empty() || here.inputs.front() >= sites_.size()) return 0;
    at = here.inputs.front();
  } while (passes_on(site(at).op_class) && ++guard < sites_.size());
  return at;
}

bool Graph::in_loss(Id id) const noexcept {
  const Site& here = site(id);
  if (here.op_class == OpClass::loss) return true;
  if (id == prediction_ || here.layer_owns || here.op_class == OpClass::parameter) return false;
  return id < after_prediction_.size() && after_prediction_[id];
}

bool Graph::is_output(Id id) const {
  if (id == 0 || prediction_ == 0) return false;
  Id at = prediction_;
  std::size_t guard = 0;
  while (at != 0 && guard++ < sites_.size()) {
    if (at == id) return true;
    if (!passes_on(site(at).op_class) || site(at).inputs.empty()) return false;
    at = site(at).inputs.front();
  }
  return false;
}

void Graph::placed(Id id, std::uint32_t position) {
  if (id >= positions_.size()) return;
  positions_[id] = position;
  // The first that is measured: what turns a weight around stands in no place of its own.
  if (sites_[id].layer_owns) layer_begin_.emplace(sites_[id].layer, id);
}

std::uint32_t Graph::depth(Id id) const {
  const Site& here = site(id);
  if (here.op_class == OpClass::parameter) {
    const auto begin = layer_begin_.find(here.layer);
    return begin == layer_begin_.end() ? 0 : positions_[begin->second];
  }
  return id < positions_.size() ? positions_[id] : 0;
}

Location Graph::where(Id id, Phase phase) const {
  const Site& here = site(id);
  Location location;
  location.phase = phase;
  location.operation = trace::is_metric(here) ? here.parameter : here.operation;
  if (trace::is_metric(here)) {
    location.part = "metric";
  } else if (phase == Phase::input) {
    location.part = "data";
  } else if (id == 0) {
    location.part = phase == Phase::loss ? "loss" : "model";
  } else if (in_loss(id) || (phase == Phase::loss && !here.layer_owns)) {
    location.part = "loss";
  } else {
    location.layer = here.layer;
    if (here.layer.empty()) location.part = "model";
  }
  return location;
}

std::string Graph::name(Id id) const {
  const Site& here = site(id);
  if (id == 0) return "the program";
  if (trace::is_metric(here)) return here.parameter;
  if (here.op_class == OpClass::parameter) {
    return here.layer.empty() ? here.parameter : here.layer + "." + here.parameter;
  }
  if (in_loss(id)) return "the loss";
  std::string operation = here.operation;
  if (const auto colons = operation.rfind(':'); colons != std::string::npos) operation = operation.substr(colons + 1);
  if (here.layer.empty()) return operation.empty() ? "an operation" : operation;
  return here.layer_owns ? here.layer : operation + " after " + here.layer;
}

}  // namespace sonde::rules
