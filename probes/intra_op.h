// LibTorch's own intra-op threads: those of at::parallel_for, as many as at::get_num_threads() says.
//
// In a parallel region, or with one thread, all runs on the calling thread. LibTorch's headers make these threads with
// OpenMP of the file that includes them; where the compiler has none, all runs on the calling thread, too.
#pragma once

#include <cstddef>

namespace sonde::probes {

// A Parallel, see statistics.h.
void on_intra_op_threads(std::size_t parts, void (*work)(void* context, std::size_t part), void* context);

}  // namespace sonde::probes
