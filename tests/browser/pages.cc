// Writes the pages that the browser test opens: pages FOLDER. They come from scripted runs, through the analysis and the
// timeline, as a monitor would write them.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>

#include "analysis/fake_network.h"
#include "analysis/timeline.h"
#include "report/huge_run.h"
#include "runtime/assemble.h"

namespace {

using sonde::Report;
using sonde::testing::FakeNetwork;
using sonde::testing::values;

// As Session::report() does it.
Report report_of(FakeNetwork& network, const std::string& name) {
  sonde::analysis::TimelineBuilder timeline(network.catalog());
  timeline.consume(network.pushed());
  network.set_program([&](sonde::trace::Program& program) {
    program.layers = network.layers().size();
    program.parameters = 61'706;
    program.learning_rate = network.learning_rate;
    program.device = "cpu";
    program.torch_version = "1.13.1";
  });
  Report report =
      sonde::runtime::assemble({.name = name}, network.catalog(), network.findings(), network.engine().totals());
  report.timeline = timeline.timeline();
  report.cost = {.step_seconds = 14.2, .monitor_seconds = 0.11, .records = network.pushed().size(), .dropped = 0};
  return report;
}

const std::vector<std::string> kLayers = {"conv1", "relu1", "conv2", "relu2", "fc1", "relu3", "fc2"};

// A little up and down, the same in each run.
double wave(std::uint64_t step, std::size_t layer) {
  return 1 + 0.3 * std::sin(0.7 * static_cast<double>(step) + 1.9 * static_cast<double>(layer));
}

void live(FakeNetwork& network, std::uint64_t step) {
  network.loss = 2.3 * std::exp(-0.01 * static_cast<double>(step)) * wave(step, 3) + 0.02;
  network.observed = step < 20 || step % 7 == 0;
  for (std::size_t i = 0; i < network.layers().size(); ++i) {
    auto& layer = network.layers()[i];
    layer.forward = values(0.8 * wave(step, i));
    layer.forward.dead_units = i == 3 ? static_cast<std::uint32_t>(step / 80) : 0;
    layer.backward = values(0.004 * std::pow(1.5, static_cast<double>(i)) * wave(step, i + 2));
    layer.gradient = 0.01 * wave(step, i) * std::pow(1.3, static_cast<double>(i));
    layer.weight = 0.1 + 0.0001 * static_cast<double>(step);
    layer.update = 1e-4 * wave(step, i + 5);
  }
}

Report healthy() {
  FakeNetwork network(kLayers, "aten::cross_entropy_loss");
  network.run(400, [&](std::uint64_t step) { live(network, step); });
  return report_of(network, "healthy");
}

// The second convolution overflows on step 23, and everything after it.
Report faulty() {
  FakeNetwork network(kLayers, "aten::cross_entropy_loss");
  network.learning_rate = 1;
  network.run(24, [&](std::uint64_t step) {
    live(network, step);
    network.observed = true;
    const double growth = step < 12 ? 1 : std::pow(4.0, static_cast<double>(step) - 11);
    network.loss = step < 23 ? network.loss * growth : std::numeric_limits<double>::quiet_NaN();
    for (auto& layer : network.layers()) {
      layer.gradient *= growth;
      layer.update = 0.05 * layer.weight * std::min(growth, 8.0);
      layer.forward = values(0.8 * growth);
    }
    if (step < 23) return;
    network.non_finite_loss = 1;
    for (std::size_t i = 0; i < network.layers().size(); ++i) {
      auto& layer = network.layers()[i];
      layer.backward.nan = layer.backward.count;
      if (i >= 2) layer.forward.positive_infinity = i == 2 ? 12 : layer.forward.count;
    }
    auto origin = network.record(sonde::trace::RecordKind::origin, network.layers()[2].site, sonde::Phase::forward);
    origin.origin = {};
    origin.origin.kind = sonde::trace::OriginKind::operation;
    origin.origin.via_loss = 1;
    origin.origin.operands = 1;
    origin.origin.reached = 17;
    origin.origin.count = 640;
    origin.origin.positive_infinity = 12;
    origin.origin.operand[0] = {-2.1e18F, 3.4e18F, 0};
    origin.origin.lower = -3e38F;
    origin.origin.upper = 3.1e38F;
    origin.origin.dtype_max = 3.4e38F;
    network.extra.push_back(origin);
  });
  network.catalog().set_source(network.layers()[2].site, {"/home/user/project/net.cpp", "Net::forward", 41});
  network.catalog().not_observed("emb.weight", "sparse gradient", 24);
  return report_of(network, "exploding");
}

// Sigmoids in a row: the gradient fades on its way to the first layer.
Report vanishing() {
  std::vector<std::string> layers;
  for (int i = 0; i < 12; ++i) {
    layers.push_back("deep." + std::to_string(i));
    layers.push_back("sigmoid" + std::to_string(i));
  }
  layers.emplace_back("head");
  FakeNetwork network(layers, "aten::cross_entropy_loss");
  network.run(200, [&](std::uint64_t step) {
    live(network, step);
    network.loss = 2.302 + 0.01 * (wave(step, 2) - 1);
    for (std::size_t i = 0; i < network.layers().size(); ++i) {
      const double left = std::pow(0.4, static_cast<double>(network.layers().size() - 1 - i)) * wave(step, i);
      network.layers()[i].backward = values(0.01 * left);
      network.layers()[i].gradient = 0.02 * left;
      network.layers()[i].forward.beyond = static_cast<float>(0.2 + 0.02 * static_cast<double>(i));
    }
  });
  return report_of(network, "deep sigmoid");
}

Report hostile() {
  FakeNetwork network({"</script><img src=x onerror=alert(1)>", "<!--<script>", "a&b\"c'd", "line\u2028break\u2029",
                       "\xff\xfe not UTF-8", "{{script}}", std::string(300, 'w'), "fc"},
                      "aten::nll_loss");
  network.run(30, [&](std::uint64_t step) { live(network, step); });
  network.catalog().not_observed("<b>bold</b>", "</section><script>alert(2)</script>");
  Report report = report_of(network, "</title><script>alert(3)</script>");
  sonde::Finding finding;
  finding.severity = sonde::Severity::error;
  finding.origin = {.kind = "non-finite",
                    .where = {"</script><img src=x onerror=alert(1)>",
                              "",
                              "aten::\"log\"",
                              sonde::Phase::forward,
                              {"/tmp/\"><svg onload=alert(4)>.cpp", "main", 7}},
                    .step = 12,
                    .severity = sonde::Severity::error,
                    .message = "<script>alert(5)</script>"};
  finding.context = {"<i>why</i>", "'quoted'"};
  finding.causes = {{sonde::Cause::log_of_zero, 0.9, finding.origin.where, {"<u>evidence</u>"}, "<a href=x>fix</a>"}};
  finding.followed_by = {finding.origin};
  finding.followed_by_count = 4;
  finding.kept = "<em>kept</em>";
  report.findings = {finding};
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: pages FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto write = [&](const Report& report, const char* name) { report.html((folder / name).string()); };
  write(healthy(), "healthy.html");
  write(faulty(), "faulty.html");
  write(vanishing(), "vanishing.html");
  write(hostile(), "hostile.html");
  write(Report(), "empty.html");
  write(sonde::testing::HugeRun(10'000).report(100, 10'000), "huge.html");
}
