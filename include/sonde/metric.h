// How the numbers are to be read that a program gives to its monitor: Monitor::metric("val_loss", x).
//
// Most names say it: `val_loss` is a validation metric that is better lower, `test/accuracy` one that is better higher.
// What a name does not say can be told. Plain values without invariants; needs no LibTorch.
#pragma once

#include <cstdint>

namespace sonde {

enum class Better : std::uint8_t {
  // From the words of the name: loss, error, perplexity, mse, mae, nll, wer ... are better lower; accuracy, acc, f1, auc,
  // precision, recall, iou, bleu ... are better higher. A validation metric with neither is read off its first
  // evaluations, in which networks learn. What stays unknown is recorded and not judged.
  inferred,
  lower,
  higher,
};

enum class Split : std::uint8_t {
  // From the words of the name: val, valid, validation, eval, test, dev, holdout are validation, train and training are
  // training. What stays unknown is recorded and not judged.
  inferred,
  training,    // measured on what is trained on; recorded only
  validation,  // measured on what is never trained on: over-fitting, over-training and stalls are judged by it
};

struct MetricOptions {
  Better better = Better::inferred;
  Split split = Split::inferred;
};

}  // namespace sonde
