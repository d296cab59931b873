// What travels through a ring is overwritten, never destroyed.
// error: slots are overwritten without being destroyed
#include <string>

#include "trace/record.h"
#include "trace/ring.h"

#ifdef WRONG
using Carried = std::string;
#else
using Carried = sonde::trace::Record;
#endif

sonde::trace::Ring<Carried> ring(256);
