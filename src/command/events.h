// TensorBoard's events of a run that has been recorded.
#pragma once

#include <string>

#include "trace/trace_file.h"

namespace sonde::command {

// Writes an event file into `directory`, as Options::tensorboard does while a program runs; its times end with the last
// change of the trace file at `path`. Throws std::runtime_error that names the file and why it cannot be written.
void write_events(const trace::Trace& trace, const std::string& path, const std::string& directory);

}  // namespace sonde::command
