// A handle that is thrown away takes its hook with it at once.
// error: unused-result
#include <sonde/hooks.h>

void watch(sonde::Hooks& hooks) {
#ifdef WRONG
  hooks.on_backward("encoder", [](const std::string&, const sonde::Hooks::Tensors&) {});
#else
  auto handle = hooks.on_backward("encoder", [](const std::string&, const sonde::Hooks::Tensors&) {});
#endif
}
