// Memory as empty() may find it: full of NaN.
#pragma once

#include <c10/util/Flags.h>

C10_DECLARE_bool(caffe2_cpu_allocator_do_junk_fill);

namespace sonde::origins {

// While it lives, LibTorch fills the memory it allocates for tensors with a pattern that is NaN to a float.
class JunkMemory {
 public:
  JunkMemory() { FLAGS_caffe2_cpu_allocator_do_junk_fill = true; }
  ~JunkMemory() { FLAGS_caffe2_cpu_allocator_do_junk_fill = false; }
  JunkMemory(const JunkMemory&) = delete;
  JunkMemory& operator=(const JunkMemory&) = delete;
};

}  // namespace sonde::origins
