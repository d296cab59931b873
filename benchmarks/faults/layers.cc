#include "faults/layers.h"

#include <stdexcept>

#include "faults/network.h"
#include "faults/own_modules.h"

namespace sonde::faults {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using torch::Tensor;

template <typename Holder>
Layer hold(Holder module) {
  return {"", module.ptr(), [module](const Tensor& x) mutable { return module->forward(x); }};
}

template <typename Function>
Layer function(Function call) {
  return {"", nullptr, std::move(call)};
}

template <std::size_t D>
torch::ExpandingArray<D> extent(const Shape& sizes) {
  return torch::ExpandingArray<D>(torch::IntArrayRef(sizes));
}

template <std::size_t D, typename Holder>
Layer convolution(const LayerSpec& spec) {
  auto options = nn::ConvOptions<D>(spec.in, spec.out, extent<D>(spec.kernel))
                     .stride(extent<D>(spec.stride))
                     .dilation(extent<D>(spec.dilation))
                     .groups(spec.groups)
                     .bias(spec.bias);
  if (spec.same_padding) {
    options.padding(torch::kSame);
  } else {
    options.padding(extent<D>(spec.padding));
  }
  return hold(Holder(options));
}

Layer transposed_convolution(const LayerSpec& spec) {
  return hold(nn::ConvTranspose2d(nn::ConvTranspose2dOptions(spec.in, spec.out, extent<2>(spec.kernel))
                                      .stride(extent<2>(spec.stride))
                                      .padding(extent<2>(spec.padding))
                                      .dilation(extent<2>(spec.dilation))
                                      .groups(spec.groups)
                                      .bias(spec.bias)));
}

template <std::size_t D, typename Holder>
Layer max_pool(const LayerSpec& spec) {
  const auto options =
      nn::MaxPoolOptions<D>(extent<D>(spec.kernel)).stride(extent<D>(spec.stride)).padding(extent<D>(spec.padding));
  if (!spec.functional) return hold(Holder(options));
  if constexpr (D == 1) {
    return function([options](const Tensor& x) { return F::max_pool1d(x, options); });
  } else {
    return function([options](const Tensor& x) { return F::max_pool2d(x, options); });
  }
}

Layer average_pool(const LayerSpec& spec) {
  if (spec.type == "AdaptiveAvgPool2d") {
    const nn::AdaptiveAvgPool2dOptions options({spec.shape[0], spec.shape[1]});
    if (!spec.functional) return hold(nn::AdaptiveAvgPool2d(options));
    return function([options](const Tensor& x) { return F::adaptive_avg_pool2d(x, options); });
  }
  const auto options =
      nn::AvgPool2dOptions(extent<2>(spec.kernel)).stride(extent<2>(spec.stride)).padding(extent<2>(spec.padding));
  if (!spec.functional) return hold(nn::AvgPool2d(options));
  return function([options](const Tensor& x) { return F::avg_pool2d(x, options); });
}

Layer dropout(const LayerSpec& spec, const std::function<bool()>& training) {
  const double p = spec.p;
  if (spec.type == "Dropout2d") {
    if (!spec.functional) return hold(nn::Dropout2d(p));
    return function([p, training](const Tensor& x) { return torch::feature_dropout(x, p, training()); });
  }
  if (!spec.functional) return hold(nn::Dropout(p));
  return function([p, training](const Tensor& x) { return torch::dropout(x, p, training()); });
}

template <typename Holder, typename Options>
Layer recurrent(const LayerSpec& spec) {
  Holder module(Options(spec.in, spec.out).num_layers(spec.layers).bidirectional(spec.bidirectional).batch_first(true));
  return {"", module.ptr(), OutputsOf<Holder>{module, spec.last_only}};
}

Layer activation(const LayerSpec& spec) {
  const std::string& type = spec.type;
  const std::int64_t dim = spec.dim;
  const double slope = spec.slope;
  if (type == "ReLU") return hold(nn::ReLU());
  if (type == "LeakyReLU") return hold(nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(slope)));
  if (type == "ELU") return hold(nn::ELU());
  if (type == "SELU") return hold(nn::SELU());
  if (type == "GELU") return hold(nn::GELU());
  if (type == "Sigmoid") return hold(nn::Sigmoid());
  if (type == "Tanh") return hold(nn::Tanh());
  if (type == "Softplus") return hold(nn::Softplus());
  if (type == "Softmax") return hold(nn::Softmax(dim));
  if (type == "LogSoftmax") return hold(nn::LogSoftmax(dim));
  if (type == "Hardtanh") return hold(nn::Hardtanh());
  if (type == "Identity") return hold(nn::Identity());
  if (type == "Exp") return hold(Exp());
  if (type == "Log") return hold(Log());
  if (type == "Sqrt") return hold(Sqrt());
  if (type == "Square") return hold(Square());
  throw std::invalid_argument("no layer type " + type);
}

Layer functional_activation(const LayerSpec& spec) {
  const std::string& type = spec.type;
  const std::int64_t dim = spec.dim;
  const double slope = spec.slope;
  if (type == "ReLU") return function([](const Tensor& x) { return torch::relu(x); });
  if (type == "LeakyReLU") return function([slope](const Tensor& x) { return torch::leaky_relu(x, slope); });
  if (type == "ELU") return function([](const Tensor& x) { return torch::elu(x); });
  if (type == "SELU") return function([](const Tensor& x) { return torch::selu(x); });
  if (type == "GELU") return function([](const Tensor& x) { return torch::gelu(x); });
  if (type == "Sigmoid") return function([](const Tensor& x) { return torch::sigmoid(x); });
  if (type == "Tanh") return function([](const Tensor& x) { return torch::tanh(x); });
  if (type == "Softplus") return function([](const Tensor& x) { return torch::softplus(x); });
  if (type == "Softmax") return function([dim](const Tensor& x) { return torch::softmax(x, dim); });
  if (type == "LogSoftmax") return function([dim](const Tensor& x) { return torch::log_softmax(x, dim); });
  if (type == "Hardtanh") return function([](const Tensor& x) { return torch::hardtanh(x); });
  if (type == "Identity") return function([](const Tensor& x) { return x; });
  if (type == "Exp") return function([](const Tensor& x) { return torch::exp(x); });
  if (type == "Log") return function([](const Tensor& x) { return torch::log(x); });
  if (type == "Sqrt") return function([](const Tensor& x) { return torch::sqrt(x); });
  if (type == "Square") return function([](const Tensor& x) { return x * x; });
  throw std::invalid_argument("no layer type " + type);
}

Layer make_module(const LayerSpec& spec, const std::function<bool()>& training) {
  const std::string& type = spec.type;
  if (type == "Linear") return hold(nn::Linear(nn::LinearOptions(spec.in, spec.out).bias(spec.bias)));
  if (type == "Conv1d") return convolution<1, nn::Conv1d>(spec);
  if (type == "Conv2d") return convolution<2, nn::Conv2d>(spec);
  if (type == "ConvTranspose2d") return transposed_convolution(spec);
  const auto norm = nn::BatchNormOptions(spec.in).eps(spec.eps).momentum(spec.momentum);
  if (type == "BatchNorm1d") return hold(nn::BatchNorm1d(norm));
  if (type == "BatchNorm2d") return hold(nn::BatchNorm2d(norm));
  if (type == "LayerNorm") return hold(nn::LayerNorm(nn::LayerNormOptions(spec.shape).eps(spec.eps)));
  if (type == "Dropout" || type == "Dropout2d") return dropout(spec, training);
  if (type == "MaxPool1d") return max_pool<1, nn::MaxPool1d>(spec);
  if (type == "MaxPool2d") return max_pool<2, nn::MaxPool2d>(spec);
  if (type == "AvgPool2d" || type == "AdaptiveAvgPool2d") return average_pool(spec);
  if (type == "Upsample") return hold(Upsample(spec.scale));
  if (type == "Flatten") return hold(nn::Flatten());
  if (type == "Reshape") return hold(Reshape(spec.shape));
  if (type == "Embedding") return hold(nn::Embedding(spec.in, spec.out));
  if (type == "LSTM") return recurrent<nn::LSTM, nn::LSTMOptions>(spec);
  if (type == "GRU") return recurrent<nn::GRU, nn::GRUOptions>(spec);
  if (type == "RNN") return recurrent<nn::RNN, nn::RNNOptions>(spec);
  if (type == "Residual") return hold(Residual(spec.body));
  if (type == "Normalize") return hold(Normalize(spec.eps));
  return spec.functional ? functional_activation(spec) : activation(spec);
}

void initialise(Tensor parameter, const Init& init) {
  using Kind = Init::Kind;
  switch (init.kind) {
    case Kind::standard:
      break;
    case Kind::zeros:
      nn::init::zeros_(parameter);
      break;
    case Kind::constant:
      nn::init::constant_(parameter, init.a);
      break;
    case Kind::normal:
      nn::init::normal_(parameter, init.a, init.b);
      break;
    case Kind::uniform:
      nn::init::uniform_(parameter, init.a, init.b);
      break;
    case Kind::xavier_uniform:
      nn::init::xavier_uniform_(parameter);
      break;
    case Kind::xavier_normal:
      nn::init::xavier_normal_(parameter);
      break;
    // He's bounds for ReLU: gain sqrt(2), fan in.
    case Kind::kaiming_uniform:
      nn::init::kaiming_uniform_(parameter);
      break;
    case Kind::kaiming_normal:
      nn::init::kaiming_normal_(parameter);
      break;
  }
}

}  // namespace

Layer make_layer(const LayerSpec& spec, const std::function<bool()>& training) {
  Layer layer = make_module(spec, training);
  layer.name = spec.name;
  for (const auto& [name, init] : spec.init) {
    for (auto& parameter : layer.module->named_parameters()) {
      if (parameter.key().starts_with(name)) initialise(parameter.value(), init);
    }
  }
  return layer;
}

}  // namespace sonde::faults
