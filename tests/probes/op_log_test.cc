#include "probes/op_log.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace sonde::probes {
namespace {

class OpLogTest : public testing::Test {
 protected:
  // An operation that made `tensor`, as the observer writes it down.
  std::uint64_t log_maker_of(const at::Tensor& tensor) {
    auto& segment = log.current();
    Operation op;
    op.serial = log.next_serial();
    op.first_output = static_cast<std::uint32_t>(segment.outputs.size());
    op.outputs = 1;
    segment.outputs.emplace_back();
    segment.outputs.back().tensor = WeakTensor(tensor.getIntrusivePtr());
    segment.outputs.back().identity = tensor.unsafeGetTensorImpl();
    segment.operations.push_back(op);
    log.set_producer(tensor.unsafeGetTensorImpl(), {op.serial, 0});
    return op.serial;
  }
  const Output& output_of(std::uint64_t serial) {
    const auto place = log.find(serial);
    return place.segment->outputs_of(*place.operation)[0];
  }

  OpLog log;
};

TEST_F(OpLogTest, ATensorThatDiedIsLetGoOfAndHasNoProducer) {
  auto tensor = at::ones({2});
  const auto* address = tensor.unsafeGetTensorImpl();
  const auto serial = log_maker_of(tensor);
  tensor.reset();
  log.sweep();
  EXPECT_EQ(output_of(serial).identity, nullptr);
  EXPECT_EQ(log.producer_of(address).serial, kNoProducer);
}

TEST_F(OpLogTest, ATensorThatLivesIsKept) {
  const auto tensor = at::ones({2});
  const auto serial = log_maker_of(tensor);
  log.sweep();
  EXPECT_EQ(output_of(serial).identity, tensor.unsafeGetTensorImpl());
  EXPECT_EQ(log.producer_of(tensor.unsafeGetTensorImpl()).serial, serial);
}

TEST_F(OpLogTest, SweepingComesToAllOutputsInTurns) {
  std::vector<at::Tensor> tensors;
  std::vector<std::uint64_t> serials;
  for (int i = 0; i < 7; ++i) {
    if (i % 3 == 0) log.begin_segment();
    serials.push_back(log_maker_of(tensors.emplace_back(at::ones({1}))));
  }
  tensors.clear();
  for (int i = 0; i < 20; ++i) log.sweep();
  for (const auto serial : serials) EXPECT_EQ(output_of(serial).identity, nullptr) << serial;
}

TEST_F(OpLogTest, WhatWasForgottenHasNoProducer) {
  const auto old = at::ones({2}), young = at::ones({2});
  log_maker_of(old);
  log.begin_segment();
  const auto serial = log_maker_of(young);
  log.begin_segment();
  log.forget_before(serial);
  EXPECT_EQ(log.producer_of(old.unsafeGetTensorImpl()).serial, kNoProducer);
  EXPECT_EQ(log.producer_of(young.unsafeGetTensorImpl()).serial, serial);
}

TEST_F(OpLogTest, ATensorWrittenAgainSinceIsNotForgottenWithItsFirstOperation) {
  const auto tensor = at::ones({2});
  log_maker_of(tensor);
  log.begin_segment();
  const auto again = log_maker_of(tensor);
  log.begin_segment();
  log.forget_before(again);
  EXPECT_EQ(log.producer_of(tensor.unsafeGetTensorImpl()).serial, again);
}

}  // namespace
}  // namespace sonde::probes
