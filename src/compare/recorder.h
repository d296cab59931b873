// Recorder: writes a Tape of what a model runs on the calling thread.
//
// Sees outermost operations through at::RecordFunction, so C++ modules, TorchScript and ONNX graphs run by ATen's
// operators come out in the same vocabulary.
#pragma once

#include "compare/subject.h"
#include "compare/tape.h"

namespace sonde::compare {

struct Recording {
  Tape tape;
  std::vector<at::Tensor> outputs;
};

// Runs `subject` on a copy of `inputs`, without gradients. Its buffers and the default random state are afterwards as they
// were. Throws CompareError, with the model's name, if the model does.
[[nodiscard]] Recording record(Subject& subject, const Inputs& inputs);

}  // namespace sonde::compare
