#include "rules/task.h"

#include <gtest/gtest.h>

#include "rules/sketch.h"

namespace sonde::testing {
namespace {

std::string task_of(Sketch sketch) {
  sketch.model.task.clear();
  rules::infer_task(sketch.model);
  EXPECT_EQ(sketch.model.task.empty(), sketch.model.task_reason.empty());
  return sketch.model.task;
}

Sketch with(LossKind kind, OutputKind output, std::int64_t width) {
  Sketch sketch = Sketch::table(20);
  sketch.linear("fc", width).loss(kind, output, width);
  return sketch;
}

TEST(Task, IsReadOffTheLoss) {
  EXPECT_EQ(task_of(with(LossKind::cross_entropy, OutputKind::linear, 4)), "multiclass");
  EXPECT_EQ(task_of(with(LossKind::bce_logits, OutputKind::linear, 1)), "binary");
  EXPECT_EQ(task_of(with(LossKind::bce, OutputKind::sigmoid, 5)), "multilabel");
  EXPECT_EQ(task_of(with(LossKind::mse, OutputKind::linear, 3)), "regression");
  EXPECT_EQ(task_of(with(LossKind::hinge, OutputKind::linear, 1)), "binary");
  EXPECT_EQ(task_of(with(LossKind::unknown, OutputKind::linear, 1)), "");
}

TEST(Task, LabelsDecideWhereTheLossFitsSeveral) {
  Sketch sketch = with(LossKind::mse, OutputKind::softmax, 4);
  sketch.model.labels.one_hot = true;
  EXPECT_EQ(task_of(sketch), "multiclass");
  sketch.model.labels.one_hot = false;
  sketch.model.labels.multi_hot = true;
  EXPECT_EQ(task_of(sketch), "multilabel");
}

TEST(Task, ATargetThatIsTheInputMakesAnAutoencoder) {
  Sketch sketch = with(LossKind::mse, OutputKind::linear, 20);
  sketch.model.labels.values = sketch.model.input.values;
  EXPECT_EQ(task_of(sketch), "autoencoder");
}

TEST(Task, WordsForTheSameThingAgree) {
  Sketch sketch = with(LossKind::mse, OutputKind::linear, 1);
  rules::infer_task(sketch.model);
  EXPECT_TRUE(rules::tasks_agree(sketch.model, "autoencoder"));
  EXPECT_TRUE(rules::tasks_agree(sketch.model, ""));
  EXPECT_FALSE(rules::tasks_agree(sketch.model, "multiclass"));
  sketch.model.labels.integral = true;  // classes as numbers
  EXPECT_TRUE(rules::tasks_agree(sketch.model, "multiclass"));
}

}  // namespace
}  // namespace sonde::testing
