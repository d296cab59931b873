#include "architectures/architecture.h"

namespace sonde::architectures {

const std::vector<Architecture>& all_architectures() {
  static const std::vector<Architecture> all = {
      {"LeNet", lenet},
      {"VGG", vgg},
      {"ResNet", resnet},
      {"MobileNet", mobilenet},
      {"UNet", unet},
      {"Autoencoder", autoencoder},
      {"VAE", vae},
      {"DCGAN", dcgan},
      {"LSTMClassifier", lstm_classifier},
      {"GRUSeq2Seq", gru_seq2seq},
      {"TransformerEncoder", transformer_encoder},
      {"SmallGPT", small_gpt},
  };
  return all;
}

Example draw_images(std::int64_t n, std::int64_t channels, std::int64_t size) {
  constexpr std::int64_t kClasses = 10;
  // Waves of a frequency and a direction for each class: local patterns, as convolutions look for them.
  const auto line = torch::arange(size) * (2 * M_PI / 16);
  std::vector<torch::Tensor> patterns;
  for (std::int64_t k = 0; k < kClasses; ++k) {
    const auto across = line * static_cast<double>(1 + k % 4), down = line * static_cast<double>(1 + k / 4);
    const auto wave = torch::sin(across.unsqueeze(0) + down.unsqueeze(1));
    std::vector<torch::Tensor> planes;
    for (std::int64_t c = 0; c < channels; ++c) planes.push_back((k + c) % 3 == 0 ? -wave : wave);
    patterns.push_back(torch::stack(planes));
  }
  const auto labels = torch::randint(kClasses, {n}, torch::kLong);
  const auto images = torch::stack(patterns).index_select(0, labels) + 0.7 * torch::randn({n, channels, size, size});
  return {images, labels};
}

Example draw_spots(std::int64_t n, std::int64_t size) {
  const auto line = torch::arange(size).to(torch::kFloat);
  const auto row = torch::rand({n, 1, 1, 1}) * static_cast<double>(size);
  const auto column = torch::rand({n, 1, 1, 1}) * static_cast<double>(size);
  const auto distance = (line.view({1, 1, size, 1}) - row).square() + (line.view({1, 1, 1, size}) - column).square();
  const auto spot = torch::exp(distance / (-0.05 * static_cast<double>(size * size)));
  return {(spot + 0.1 * torch::rand(spot.sizes())).clamp(0, 1), (spot > 0.5).to(torch::kFloat)};
}

Example draw_sentences(std::int64_t n, std::int64_t length, std::int64_t vocabulary, std::int64_t classes) {
  const auto labels = torch::randint(classes, {n}, torch::kLong);
  const auto any = torch::randint(2, vocabulary, {n, length}, torch::kLong);
  const auto typical = any.div(classes, "floor") * classes + labels.unsqueeze(1);
  const auto tokens = torch::where(torch::rand({n, length}) < 0.5, typical, any);
  return {tokens.clamp(2, vocabulary - 1), labels};
}

}  // namespace sonde::architectures
