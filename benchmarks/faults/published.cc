#include "faults/published.h"

namespace sonde::faults {
namespace {

constexpr PublishedHeadline kHeadlines[] = {
    {"DeepLocalize", "its 40 programs", "34/40", "21/40", "-", "ICSE 2021, tables VI and VII"},
    {"DeepLocalize", "52 real programs", "45/52", "26/52", "133/186 models", "ICSE 2022, tables 6, 7; section 4.5"},
    {"DeepDiagnosis", "52 real programs", "46/52", "34/52", "67/188 models", "ICSE 2022, tables 6, 7; section 4.5"},
    {"DeepDiagnosis", "AUTOTRAINER's 203", "138/203", "-", "-", "ICSE 2022, table 7"},
    {"UMLAUT", "52 real programs", "26/52", "3/52", "103/113 models", "ICSE 2022, tables 6, 7; section 4.5"},
    {"AUTOTRAINER", "52 real programs", "24/52", "-", "17/153 models", "ICSE 2022, tables 6, 7; section 4.5"},
    {"Theia", "its 75 faults", "57/75", "57/75", "12/40 programs", "faults found; repaired programs flagged"},
    {"NeuraLint", "Theia's 75 faults", "17/75", "17/75", "-", "faults found, in Theia's paper"},
};

}  // namespace

std::span<const PublishedHeadline> published_headlines() { return kHeadlines; }

}  // namespace sonde::faults
