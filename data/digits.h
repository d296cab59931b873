// The handwritten digits of digits.csv as tensors.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <torch/torch.h>

struct Digits {
  torch::Tensor images;  // [n, 1, 8, 8], float in [0, 1]
  torch::Tensor labels;  // [n], int64 in [0, 9]

  Digits rows(const torch::Tensor& index) const {
    return {images.index_select(0, index), labels.index_select(0, index)};
  }
  std::int64_t size() const { return labels.size(0); }
};

// Throws std::runtime_error if the file cannot be read or a row has not 65 numbers.
inline Digits load_digits(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<float> pixels;
  std::vector<std::int64_t> labels;
  for (std::string line; std::getline(file, line);) {
    std::stringstream row(line);
    std::vector<int> values;
    for (std::string cell; std::getline(row, cell, ',');) values.push_back(std::stoi(cell));
    if (values.size() != 65) throw std::runtime_error(path + ": a row has not 65 numbers");
    labels.push_back(values[0]);
    for (std::size_t i = 1; i < values.size(); ++i) pixels.push_back(static_cast<float>(values[i]) / 16);
  }
  const auto n = static_cast<std::int64_t>(labels.size());
  return {torch::tensor(pixels).view({n, 1, 8, 8}), torch::tensor(labels)};
}

// Every sixth digit is held out, the others are for training.
inline std::pair<Digits, Digits> split(const Digits& digits) {
  const auto held_out = torch::arange(digits.size()).remainder(6) == 0;
  return {digits.rows((~held_out).nonzero().squeeze(1)), digits.rows(held_out.nonzero().squeeze(1))};
}
