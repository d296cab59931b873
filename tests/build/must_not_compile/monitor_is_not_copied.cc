// A monitor watches one program; two of a kind would both judge each step.
// error: use of deleted function
#include <sonde/monitor.h>

#include <utility>

sonde::Monitor pass_on(sonde::Monitor& monitor) {
#ifdef WRONG
  return monitor;
#else
  return std::move(monitor);
#endif
}
