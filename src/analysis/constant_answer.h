// The best that an answer can do which ignores the input: the mark that a network has to beat.
#pragma once

namespace sonde::analysis {

class Run;

// The loss of the best constant answer: ln C for C classes (the entropy of the labels for two), the variance of the target
// for squared error ... NaN where it is not known: a sum over the batch, a loss of several terms, an unknown target.
[[nodiscard]] double constant_answer_loss(const Run& run);

}  // namespace sonde::analysis
