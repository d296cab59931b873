// Sonde: a training monitor that lives inside LibTorch programs. This header has all of it.
#pragma once

#include <sonde/analyzer.h>
#include <sonde/finding.h>
#include <sonde/hooks.h>
#include <sonde/metric.h>
#include <sonde/monitor.h>
#include <sonde/options.h>
#include <sonde/preflight.h>
#include <sonde/report.h>
#include <sonde/rules.h>
