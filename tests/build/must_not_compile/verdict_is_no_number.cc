// A verdict answers yes or no; taken for a number it would hide which of its fields is meant.
// error: cannot convert
#include <sonde/monitor.h>

int failures(const sonde::Verdict& verdict) {
#ifdef WRONG
  return verdict;
#else
  return verdict ? 0 : 1;
#endif
}
