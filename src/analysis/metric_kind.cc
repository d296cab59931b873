#include "analysis/metric_kind.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace sonde::analysis {
namespace {

constexpr std::array<std::string_view, 26> kLower = {
    "loss", "losses", "error", "errors", "err", "perplexity", "ppl", "mse", "rmse", "mae", "mape", "msle", "rmsle",
    "nll",  "bce",    "ce",    "kl",     "cer", "wer",        "eer", "fid", "bpc",  "bpd", "ece",  "cost", "hinge"};
constexpr std::array<std::string_view, 29> kHigher = {
    "acc",  "accuracy",  "accuracies", "f1",   "fscore", "auc",  "auroc",       "roc",         "auprc", "ap",
    "map",  "precision", "recall",     "iou",  "miou",   "dice", "jaccard",     "bleu",        "rouge", "r2",
    "psnr", "ssim",      "mrr",        "ndcg", "kappa",  "mcc",  "sensitivity", "specificity", "top1"};
constexpr std::array<std::string_view, 11> kValidation = {
    "val", "valid", "validation", "eval", "evaluation", "test", "testing", "dev", "holdout", "heldout", "held"};
constexpr std::array<std::string_view, 3> kTraining = {"train", "training", "tr"};

bool contains(const auto& list, std::string_view word) { return std::ranges::find(list, word) != list.end(); }

// Words are runs of ASCII letters and digits, in lower case.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
      words.back() += lower;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

struct Said {
  bool lower = false, higher = false, validation = false, training = false;

  bool hear(std::string_view word) {
    const Said before = *this;
    lower = lower || contains(kLower, word);
    higher = higher || contains(kHigher, word);
    validation = validation || contains(kValidation, word);
    training = training || contains(kTraining, word);
    return lower != before.lower || higher != before.higher || validation != before.validation ||
           training != before.training;
  }
};

}  // namespace

MetricOptions kind_of(std::string_view name, MetricOptions told) {
  Said said;
  for (const std::string& word : words_of(name)) {
    if (said.hear(word)) continue;
    // "valloss", "TestAcc": the split and the measure in one word.
    for (std::size_t i = 2; i + 2 <= word.size(); ++i) {
      const std::string_view split = std::string_view(word).substr(0, i);
      const std::string_view measure = std::string_view(word).substr(i);
      const bool known = (contains(kValidation, split) || contains(kTraining, split)) &&
                         (contains(kLower, measure) || contains(kHigher, measure));
      if (known) said.hear(split), said.hear(measure);
    }
  }
  if (told.better == Better::inferred && said.lower != said.higher) {
    told.better = said.lower ? Better::lower : Better::higher;
  }
  if (told.split == Split::inferred && said.validation != said.training) {
    told.split = said.validation ? Split::validation : Split::training;
  }
  return told;
}

}  // namespace sonde::analysis
