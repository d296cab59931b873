// Recurrent layers as ONNX describes them: one layer of LSTM, GRU or RNN, in one or both directions.
#pragma once

#include <ATen/core/Tensor.h>

#include "compare/onnx/call.h"

namespace sonde::compare::onnx {

enum class Cell : std::uint8_t { lstm, gru, rnn };

// Inputs of the node.
namespace recurrent_input {
enum : std::size_t { x = 0, w = 1, r = 2, b = 3, lengths = 4, h = 5, c = 6, p = 7 };
}

struct RecurrentLayer {
  Cell cell = Cell::lstm;
  std::int64_t hidden = 0;
  std::vector<bool> reversed = {};            // of each direction
  std::vector<std::string> activations = {};  // of all directions, lower case
  std::vector<double> alpha = {};
  std::vector<double> beta = {};
  double clip = 0;  // 0: none
  bool linear_before_reset = false;
  bool input_forget = false;
  bool batch_first = false;
};

[[nodiscard]] RecurrentLayer layer_of(const Call& call, Cell cell);

// The layer a time step after the other, for all that ATen's layers cannot: peepholes, clipping, other activations, sequences
// of different lengths, a GRU with its reset gate before the product. Outputs Y, Y_h and, of an LSTM, Y_c, time first.
[[nodiscard]] Tensors run_stepwise(const Call& call, const RecurrentLayer& layer, const at::Tensor& x);

}  // namespace sonde::compare::onnx
