// What the program is trained for, read off its loss and its labels.
#pragma once

#include <string_view>

#include <sonde/meta_model.h>

namespace sonde::rules {

// Sets `task` and `task_reason`, from everything else in the model; both stay empty where nothing tells.
void infer_task(MetaModel& model);

// False where no program can be both: regression with classes, one class of several with several labels a sample.
[[nodiscard]] bool tasks_agree(const MetaModel& model, std::string_view told);

}  // namespace sonde::rules
