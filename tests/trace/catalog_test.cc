#include "trace/catalog.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sonde::trace {
namespace {

Site named(std::string layer) {
  Site site;
  site.layer = std::move(layer);
  return site;
}

TEST(Catalog, BeginsWithTheProgramAsSiteZero) {
  const Catalog catalog;
  EXPECT_EQ(catalog.size(), 1U);
  EXPECT_EQ(catalog.site(0).id, 0U);
  EXPECT_EQ(catalog.site(0).layer, "");
}

TEST(Catalog, NumbersSitesInTheOrderAdded) {
  Catalog catalog;
  Site site = named("fc1");
  site.id = 77;
  EXPECT_EQ(catalog.add(site), 1U);
  EXPECT_EQ(catalog.add(named("fc2")), 2U);
  EXPECT_EQ(catalog.site(1).layer, "fc1");
  EXPECT_EQ(catalog.site(1).id, 1U);
  EXPECT_EQ(catalog.sites().size(), 3U);
}

TEST(Catalog, GivesTheProgramForANumberThatDoesNotExist) {
  Catalog catalog;
  catalog.add(named("fc1"));
  EXPECT_EQ(catalog.site(2).id, 0U);
}

TEST(Catalog, LearnsTheSourceLineOfASiteLater) {
  Catalog catalog;
  const auto id = catalog.add(named("fc1"));
  catalog.set_source(id, {"train.cpp", "main", 41});
  catalog.set_source(9, {"other.cpp", "main", 1});
  EXPECT_EQ(catalog.site(id).source.line, 41U);
  EXPECT_FALSE(catalog.site(0).source.known());
}

TEST(Catalog, CountsWhatWasNotObservedByThingAndReason) {
  Catalog catalog;
  catalog.not_observed("emb.weight", "sparse gradient");
  catalog.not_observed("emb.weight", "sparse gradient", 2);
  catalog.not_observed("emb.weight", "quantized");
  const auto unseen = catalog.unseen();
  ASSERT_EQ(unseen.size(), 2U);
  EXPECT_EQ(unseen[0].reason, "quantized");
  EXPECT_EQ(unseen[0].count, 1U);
  EXPECT_EQ(unseen[1].count, 3U);
}

TEST(Catalog, RemembersTheProgram) {
  Catalog catalog;
  Program program;
  program.optimizer = "Adam";
  catalog.set_program(program);
  EXPECT_EQ(catalog.program().optimizer, "Adam");
}

TEST(Catalog, MayBeReadWhileSitesAreAdded) {
  Catalog catalog;
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) catalog.add(named("layer" + std::to_string(i)));
  });
  std::size_t seen = 0;
  while (seen < 501) {
    seen = catalog.size();
    ASSERT_EQ(catalog.site(static_cast<std::uint32_t>(seen - 1)).id, seen - 1);
  }
  writer.join();
}

}  // namespace
}  // namespace sonde::trace
