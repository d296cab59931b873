#include <string>

#include <fmt/format.h>
#include <sonde/report.h>
#include <nlohmann/json.hpp>

#include "report/html_assets.h"
#include "report/html_facts.h"
#include "report/html_findings.h"
#include "report/html_markup.h"
#include "report/html_series.h"
#include "report/whole_file.h"

namespace sonde {

std::string Report::to_html() const {
  const std::string title = report::escaped(report::verdict(*this));
  const std::string name = report::escaped(context.monitor);
  const std::string version =
      context.sonde_version.empty() ? "" : fmt::format(" {}", report::escaped(context.sonde_version));
  const std::string tone = report::tone(*this);
  const std::string verdict = report::verdict_section(*this);
  const std::string cards = report::finding_cards(*this);
  const std::string watched = report::watched_section(*this);
  const std::string facts = report::context_section(*this) + report::cost_section(*this);
  const std::string data = report::script_json(report::series_json(*this));
  return report::fill(report::kPage, {{"title", title},
                                      {"name", name},
                                      {"version", version},
                                      {"tone", tone},
                                      {"style", report::kStyle},
                                      {"style-hash", report::kStyleHash},
                                      {"verdict", verdict},
                                      {"cards", cards},
                                      {"watched", watched},
                                      {"facts", facts},
                                      {"data", data},
                                      {"script", report::kScript},
                                      {"script-hash", report::kScriptHash}});
}

void Report::html(const std::string& path) const { report::write_whole_file(path, to_html()); }

}  // namespace sonde
