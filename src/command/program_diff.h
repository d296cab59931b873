// How two programs differ before anything is measured: layers, shapes, loss, optimizer, learning rate, batch.
#pragma once

#include <string>
#include <vector>

#include "command/course.h"
#include "trace/trace_file.h"

namespace sonde::command {

// What one program has and the other has not, or has otherwise; texts as a program gave them, cleaned.
struct Unlike {
  std::string what;  // "layer fc2", "learning rate from step 12 on"
  std::string a;     // "-" if A has none
  std::string b;
};

[[nodiscard]] std::vector<Unlike> unlike_programs(const trace::Trace& a, const trace::Trace& b, const Course& course_a,
                                                  const Course& course_b);

}  // namespace sonde::command
