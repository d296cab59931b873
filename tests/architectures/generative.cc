// Networks whose output is an image: U-Net (Ronneberger et al. 2015), a convolutional autoencoder, a variational one
// (Kingma and Welling 2014), DCGAN (Radford et al. 2016).
#include "architectures/architecture.h"

namespace sonde::architectures {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

constexpr std::int64_t kSize = 16;

nn::Sequential double_conv(std::int64_t in, std::int64_t out) {
  const auto conv = [](std::int64_t from, std::int64_t to) {
    return nn::Conv2d(nn::Conv2dOptions(from, to, 3).padding(1).bias(false));
  };
  return nn::Sequential(conv(in, out), nn::BatchNorm2d(out), nn::ReLU(), conv(out, out), nn::BatchNorm2d(out),
                        nn::ReLU());
}

struct UNet : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) {
    const auto a = inc->forward(x);
    const auto b = down1->forward(torch::max_pool2d(a, 2));
    const auto c = down2->forward(torch::max_pool2d(b, 2));
    const auto d = conv1->forward(torch::cat({b, up1->forward(c)}, 1));
    const auto e = conv2->forward(torch::cat({a, up2->forward(d)}, 1));
    return outc->forward(e);
  }
  nn::Sequential inc{register_module("inc", double_conv(1, 8))};
  nn::Sequential down1{register_module("down1", double_conv(8, 16))};
  nn::Sequential down2{register_module("down2", double_conv(16, 32))};
  nn::ConvTranspose2d up1{register_module("up1", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(32, 16, 2).stride(2)))};
  nn::Sequential conv1{register_module("conv1", double_conv(32, 16))};
  nn::ConvTranspose2d up2{register_module("up2", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(16, 8, 2).stride(2)))};
  nn::Sequential conv2{register_module("conv2", double_conv(16, 8))};
  nn::Conv2d outc{register_module("outc", nn::Conv2d(nn::Conv2dOptions(8, 1, 1)))};
};

struct Autoencoder : nn::Module {
  torch::Tensor forward(const torch::Tensor& x) { return decoder->forward(encoder->forward(x)); }

  nn::Sequential encoder{
      register_module("encoder", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 8, 3).stride(2).padding(1)), nn::ReLU(),
                                                nn::Conv2d(nn::Conv2dOptions(8, 16, 3).stride(2).padding(1)),
                                                nn::ReLU(), nn::Flatten(), nn::Linear(256, 16)))};
  nn::Sequential decoder{register_module(
      "decoder",
      nn::Sequential(nn::Linear(16, 256), nn::ReLU(), nn::Unflatten(nn::UnflattenOptions(1, {16, 4, 4})),
                     nn::ConvTranspose2d(nn::ConvTranspose2dOptions(16, 8, 4).stride(2).padding(1)), nn::ReLU(),
                     nn::ConvTranspose2d(nn::ConvTranspose2dOptions(8, 1, 4).stride(2).padding(1)), nn::Sigmoid()))};
};

struct VAE : nn::Module {
  torch::Tensor loss(const torch::Tensor& images) {
    const auto x = images.flatten(1);
    const auto hidden = torch::relu(fc1->forward(x));
    const auto mean = fc21->forward(hidden), log_variance = fc22->forward(hidden);
    const auto z = mean + torch::randn_like(mean) * torch::exp(0.5 * log_variance);
    const auto decoded = torch::sigmoid(fc4->forward(torch::relu(fc3->forward(z))));
    const auto difference =
        F::binary_cross_entropy(decoded, x, F::BinaryCrossEntropyFuncOptions().reduction(torch::kSum));
    const auto divergence = -0.5 * torch::sum(1 + log_variance - mean.square() - log_variance.exp());
    return difference + divergence;
  }
  nn::Linear fc1{register_module("fc1", nn::Linear(kSize* kSize, 100))};
  nn::Linear fc21{register_module("fc21", nn::Linear(100, 8))}, fc22{register_module("fc22", nn::Linear(100, 8))};
  nn::Linear fc3{register_module("fc3", nn::Linear(8, 100))};
  nn::Linear fc4{register_module("fc4", nn::Linear(100, kSize* kSize))};
};

nn::ConvTranspose2d up(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t padding) {
  return nn::ConvTranspose2d(nn::ConvTranspose2dOptions(in, out, 4).stride(stride).padding(padding).bias(false));
}
nn::Conv2d down(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t padding) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, 4).stride(stride).padding(padding).bias(false));
}
nn::LeakyReLU leaky() { return nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)); }

nn::Sequential dcgan_generator() {
  return nn::Sequential(up(32, 32, 1, 0), nn::BatchNorm2d(32), nn::ReLU(), up(32, 16, 2, 1), nn::BatchNorm2d(16),
                        nn::ReLU(), up(16, 1, 2, 1), nn::Tanh());
}
nn::Sequential dcgan_discriminator() {
  return nn::Sequential(down(1, 16, 2, 1), leaky(), down(16, 32, 2, 1), nn::BatchNorm2d(32), leaky(), down(32, 1, 1, 0),
                        nn::Sigmoid());
}

void initialise_as_dcgan(nn::Module& model) {
  torch::NoGradGuard no_grad;
  for (auto& named : model.named_parameters()) {
    if (named.value().dim() == 4) named.value().normal_(0, 0.02);
    if (named.value().dim() == 1 && named.key().find("weight") != std::string::npos) named.value().normal_(1, 0.02);
  }
}

std::shared_ptr<torch::optim::Adam> adam(const nn::Module& model, double rate, double beta1 = 0.9) {
  return std::make_shared<torch::optim::Adam>(model.parameters(),
                                              torch::optim::AdamOptions(rate).betas({beta1, 0.999}));
}

}  // namespace

std::vector<Program> unet() {
  auto model = std::make_shared<UNet>();
  return {{"unet", model, adam(*model, 1e-3), [] { return draw_spots(16, kSize); },
           [model](const torch::Tensor& input, const torch::Tensor& mask) {
             return torch::binary_cross_entropy_with_logits(model->forward(input), mask);
           }}};
}

std::vector<Program> autoencoder() {
  auto model = std::make_shared<Autoencoder>();
  return {{"autoencoder", model, adam(*model, 1e-3), [] { return draw_spots(32, kSize); },
           [model](const torch::Tensor& input, const torch::Tensor&) {
             return torch::mse_loss(model->forward(input), input);
           }}};
}

std::vector<Program> vae() {
  auto model = std::make_shared<VAE>();
  return {{"vae", model, adam(*model, 1e-3), [] { return draw_spots(64, kSize); },
           [model](const torch::Tensor& input, const torch::Tensor&) { return model->loss(input); }}};
}

std::vector<Program> dcgan() {
  constexpr std::int64_t kBatch = 32;
  auto generator = dcgan_generator().ptr();
  auto discriminator = dcgan_discriminator().ptr();
  initialise_as_dcgan(*generator);
  initialise_as_dcgan(*discriminator);
  const auto draw_noise = [] { return torch::randn({kBatch, 32, 1, 1}); };
  const auto judge = [discriminator](const torch::Tensor& images, double wanted) {
    const auto output = discriminator->forward(images).flatten();
    return torch::binary_cross_entropy(output, torch::full_like(output, wanted));
  };
  return {{"discriminator", discriminator, adam(*discriminator, 2e-4, 0.5),
           [draw_noise] {
             return Example{draw_spots(kBatch, kSize).input * 2 - 1, draw_noise()};
           },
           [generator, judge](const torch::Tensor& real, const torch::Tensor& noise) {
             return judge(real, 1) + judge(generator->forward(noise).detach(), 0);
           }},
          {"generator", generator, adam(*generator, 2e-4, 0.5),
           [draw_noise] {
             return Example{draw_noise(), {}};
           },
           [generator, judge](const torch::Tensor& noise, const torch::Tensor&) {
             return judge(generator->forward(noise), 1);
           }}};
}

}  // namespace sonde::architectures
