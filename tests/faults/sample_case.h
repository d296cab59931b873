// A small valid case document for tests to change.
#pragma once

#include <nlohmann/json.hpp>

namespace sonde::faults::testing {

inline nlohmann::json sample_case() {
  return nlohmann::json::parse(R"({
    "id": "sample", "title": "A sample",
    "origin": {"url": null, "benchmarks": ["own"],
               "published": {"Tool": {"identified": true, "localised": null, "fixed": null}}},
    "task": "multiclass",
    "data": {"generator": "blobs", "n": 60, "seed": 7, "features": 4, "classes": 3, "spread": 1.0, "distance": 2.0,
             "range": null, "labels": "index"},
    "model": [
      {"type": "Linear", "name": "fc", "in": 4, "out": 8, "init": {"weight": {"normal": [0, 1]}, "bias": "zeros"}},
      {"type": "ReLU", "name": "act"},
      {"type": "Linear", "name": "out", "in": 8, "out": 3}
    ],
    "loss": {"type": "cross_entropy", "reduction": "mean"},
    "optimizer": {"type": "SGD", "lr": 100.0},
    "batch_size": 16, "epochs": 2, "shuffle": true, "max_steps": 8, "loop": {},
    "faults": [{"cause": "learning-rate-too-high", "where": {"part": "optimizer"},
                "also": [{"cause": "bad-initialization", "where": {"layer": "fc"}}]}],
    "patch": [{"op": "replace", "path": "/optimizer/lr", "value": 0.1}],
    "scored": true, "notes": ""
  })");
}

}  // namespace sonde::faults::testing
