#include "probes/intra_op.h"

#include <ATen/Parallel.h>

namespace sonde::probes {

void on_intra_op_threads(std::size_t parts, void (*work)(void* context, std::size_t part), void* context) {
  at::parallel_for(0, static_cast<std::int64_t>(parts), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) work(context, static_cast<std::size_t>(part));
  });
}

}  // namespace sonde::probes
