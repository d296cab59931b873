#include "compare/input_views.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sonde::compare {
namespace {

using Dimensions = std::vector<std::int64_t>;

Dimensions taken(at::IntArrayRef sizes, const Dimensions& order) {
  Dimensions result;
  for (const auto d : order) result.push_back(sizes[static_cast<std::size_t>(d)]);
  return result;
}

std::string spelled(const Dimensions& order) {
  std::string text;
  for (const auto d : order) text += (text.empty() ? "" : ", ") + std::to_string(d);
  return "(" + text + ")";
}

// Channels stand last where there are few of them, as in images, else behind the batch.
Dimensions channel_dimensions(at::IntArrayRef sizes) {
  constexpr std::int64_t kOfImages = 4;
  if (sizes.size() < 3) return {};
  const std::size_t first = sizes.size() > 3 ? 1 : 0;
  Dimensions dimensions;
  if (sizes[first] > 1 && (sizes[first] <= kOfImages || sizes.back() > kOfImages))
    dimensions.push_back(static_cast<std::int64_t>(first));
  if (sizes.back() > 1 && sizes.back() <= kOfImages) dimensions.push_back(static_cast<std::int64_t>(sizes.size()) - 1);
  return dimensions;
}

InputView reversed(std::int64_t dimension, std::int64_t channels) {
  const std::string colours = channels == 3 ? " (BGR against RGB)" : "";
  return {Cause::input_channels_flipped, "channels are in reverse order" + colours,
          "reverse the channels of the input: flip({" + std::to_string(dimension) + "})",
          [dimension](const at::Tensor& x) { return x.flip({dimension}); }};
}

// Orders of dimensions other than the plain one, layouts of images first.
std::vector<Dimensions> orders(std::size_t rank) {
  std::vector<Dimensions> all;
  Dimensions order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (rank < 2 || rank > 5) return all;
  while (std::ranges::next_permutation(order).found) all.push_back(order);
  Dimensions first(rank), last(rank);  // channels first of channels last, and the other way round
  const std::size_t batch = rank >= 4 ? 1 : 0;
  for (std::size_t d = 0; d < rank; ++d) first[d] = last[d] = static_cast<std::int64_t>(d);
  std::rotate(first.begin() + static_cast<std::ptrdiff_t>(batch), first.end() - 1, first.end());
  std::rotate(last.begin() + static_cast<std::ptrdiff_t>(batch), last.begin() + static_cast<std::ptrdiff_t>(batch) + 1,
              last.end());
  Dimensions turned(rank);
  std::iota(turned.begin(), turned.end(), 0);
  std::swap(turned[rank - 2], turned[rank - 1]);
  std::ranges::stable_sort(all, {}, [&](const Dimensions& o) {
    return o == first ? 0 : o == last ? 1 : o == turned ? 2 : 3;
  });
  return all;
}

std::string layout_in_words(const Dimensions& order) {
  const auto rank = order.size();
  const bool batch = rank >= 4;
  if (rank == 4 && order == Dimensions{0, 3, 1, 2}) return "it is NHWC; the reference is NCHW";
  if (rank == 4 && order == Dimensions{0, 2, 3, 1}) return "it is NCHW; the reference is NHWC";
  if (rank == 3 && order == Dimensions{2, 0, 1}) return "it is HWC; the reference is CHW";
  if (rank == 3 && order == Dimensions{1, 2, 0}) return "it is CHW; the reference is HWC";
  if (batch && order == Dimensions{0, 1, 3, 2}) return "height and width are swapped";
  return "its dimensions are in another order";
}

InputView permuted(const Dimensions& order) {
  return {Cause::input_layout, layout_in_words(order), "permute the input by " + spelled(order),
          [order](const at::Tensor& x) { return x.permute(order); }};
}

// Memory that holds the dimensions in another order than its sizes say: from_blob() of HWC bytes as CHW.
InputView misread(const Dimensions& order, const Dimensions& sizes) {
  return {Cause::input_layout, "its memory holds another layout than its sizes say: " + layout_in_words(order),
          "read the memory with sizes " + spelled(sizes) + ", then permute it by " + spelled(order),
          [order, sizes](const at::Tensor& x) { return x.reshape(sizes).permute(order); }};
}

InputView both(const InputView& first, const InputView& second) {
  return {first.cause, first.message + "; " + second.message, first.repair + "; " + second.repair,
          [first = first.apply, second = second.apply](const at::Tensor& x) { return second(first(x)); }};
}

}  // namespace

std::vector<InputView> input_views(at::IntArrayRef reference, at::IntArrayRef target) {
  std::vector<InputView> plain, reversals, layouts, mirrors;
  const auto rank = reference.size();
  const bool same = reference == target;
  if (same) plain.push_back({Cause::input_scale, "", "", [](const at::Tensor& x) { return x; }});
  for (const auto d : channel_dimensions(reference))
    reversals.push_back(reversed(d, reference[static_cast<std::size_t>(d)]));
  if (rank == target.size())
    for (const auto& order : orders(rank))
      if (reference == at::IntArrayRef(taken(target, order))) layouts.push_back(permuted(order));
  for (const auto& order : same ? orders(rank) : std::vector<Dimensions>{}) {
    Dimensions sizes(rank);
    for (std::size_t d = 0; d < rank; ++d) sizes[static_cast<std::size_t>(order[d])] = reference[d];
    // Where the sizes stay the same this is the permutation itself.
    if (at::IntArrayRef(sizes) != target) layouts.push_back(misread(order, sizes));
  }
  if (same && rank >= 3)
    for (const auto d : {static_cast<std::int64_t>(rank) - 1, static_cast<std::int64_t>(rank) - 2})
      mirrors.push_back({Cause::input_differs, "it is mirrored along dimension " + std::to_string(d),
                         "flip({" + std::to_string(d) + "})", [d](const at::Tensor& x) { return x.flip({d}); }});

  auto views = plain;
  if (same) views.insert(views.end(), reversals.begin(), reversals.end());
  views.insert(views.end(), layouts.begin(), layouts.end());
  for (const auto& layout : layouts)
    for (const auto& reversal : reversals) views.push_back(both(layout, reversal));
  views.insert(views.end(), mirrors.begin(), mirrors.end());
  return views;
}

}  // namespace sonde::compare
