#include "sample_trace.h"

#include <limits>
#include <sstream>

namespace sonde::trace {

Site sample_site() {
  Site site;
  site.layer = "encoder.0";
  site.layer_owns = true;
  site.module_type = "Linear";
  site.operation = "aten::addmm";
  site.op_class = OpClass::linear;
  site.occurrence = 2;
  site.shape = {64, 10};
  site.dtype = "float";
  site.inputs = {0};
  site.scalars = {0.5, std::numeric_limits<double>::infinity()};
  site.frames = {0x1234};
  site.source = {"train.cpp", "main", 41};
  return site;
}

Program sample_program() {
  Program program;
  program.optimizer = "SGD";
  program.learning_rate = 0.1;
  program.target_shape = {64};
  program.target_one_hot = true;
  program.told_task = "multiclass";
  program.target_distinct = 10;
  program.features = {{-1, 1, 0.5, 0.25}};
  program.groups = {{"Adam", 0.001, 0.9, 0.01, {"fc.weight", "fc.bias"}}};
  program.modules = {{"", "Net", true}, {"fc", "Linear", false}};
  program.tied = {{"fc.weight", "head.weight"}};
  program.parameters = 650;
  program.device = "cpu";
  return program;
}

Trace sample_trace(std::size_t count) {
  Sequence sequence;
  Catalog catalog(&sequence, nullptr);
  catalog.add(sample_site());
  catalog.set_program(sample_program());
  catalog.not_observed("emb", "sparse gradient", 7);
  std::vector<Record> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (sequence.next == 2) {
      Site head;
      head.layer = "head";
      catalog.add(head);
    }
    if (sequence.next == 3) {
      Program other = sample_program();
      other.optimizer = "Adam";
      catalog.set_program(other);
    }
    records[i].step = i;
    records[i].site = i < 2 ? 1 : 2;
    records[i].sequence = static_cast<std::uint32_t>(sequence.next++);
    records[i].tensor.mean = 0.25 * static_cast<double>(i);
  }
  Trace trace = make_trace(catalog, records);
  trace.run = {"net", "0.1.0", OnFault::skip, true, {"dense-width"}, {"mine"}};
  return trace;
}

std::string bytes_of(const Trace& trace) {
  std::ostringstream out;
  write_trace(trace, out);
  return out.str();
}

}  // namespace sonde::trace
