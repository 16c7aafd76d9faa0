#include "ledgerd/posting.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <set>

using namespace guild;
using namespace guild::ledgerd;

TEST_CASE("every entry type has a number and a name of its own, and comes back from the number") {
  std::set<int> codes;
  std::set<std::string_view> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<EntryType>>([&](auto described) {
    const EntryType type = described.value;
    CHECK(entry_type_of(code_of(type)) == type);
    CHECK(name_of(type) == described.name);
    codes.insert(code_of(type));
    names.insert(name_of(type));
  });
  CHECK(codes.size() == 20);
  CHECK(names.size() == 20);
}

TEST_CASE("numbers in the file never change") {
  CHECK(code_of(EntryType::GRANT) == 1);
  CHECK(code_of(EntryType::TRANSFER) == 15);
  CHECK(code_of(EntryType::CHARGE) == 16);
}

TEST_CASE("a number that no type has is nobody's") {
  CHECK_FALSE(entry_type_of(0).has_value());
  CHECK_FALSE(entry_type_of(21).has_value());
  CHECK_FALSE(entry_type_of(255).has_value());
}

TEST_CASE("sums do not overflow") {
  const Money largest = Money::of_units(std::numeric_limits<std::int64_t>::max());
  std::vector<Leg> legs(3);
  for (Leg& leg : legs) leg.amount = largest;
  CHECK(sum_of(legs) == Int128{3} * std::numeric_limits<std::int64_t>::max());
}
